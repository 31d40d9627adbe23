"""Samples for the self-contained metrics, the same for an index whatever batch it comes in, and how each is fed."""

import torch

from body.skeleton import MPI_INF_3DHP17
from metrics import (
    AnnotatedPeople,
    DensePosePoints,
    FreiHand,
    KeypointAP,
    MuPoTS,
    PartSegmentation,
    People,
    SurfaceMaps,
    TopDownMuPoTS,
    get_protocol,
)

SCORED = MPI_INF_3DHP17.joints[:14]
MATCHING = SCORED[1:]


def generator_of(index):
    return torch.Generator().manual_seed(500 + index)


def hand(index):
    """Predicted and true joints and vertices."""
    generator = generator_of(index)
    joints, mesh = (torch.randn(n, 3, generator=generator, dtype=torch.float64) * 0.04 for n in (21, 60))
    noise = [torch.randn(n, 3, generator=generator, dtype=torch.float64) * 0.01 for n in (21, 60)]
    return joints + noise[0], joints, mesh + noise[1], mesh


def labels(index, classes=7):
    """Predicted and true label images, some pixels ignored, and silhouettes."""
    generator = generator_of(index)
    target = torch.randint(0, classes, (9, 11), generator=generator)
    guess = torch.where(torch.rand(9, 11, generator=generator) < 0.6, target, target.roll(1))
    target[torch.rand(9, 11, generator=generator) < 0.1] = 255
    silhouettes = torch.rand(2, 9, 11, generator=generator) < 0.5
    return guess, target, silhouettes[0], silhouettes[1]


def crowd(index):
    """Predicted and true people of one image: one to three annotated, some missed, some invented."""
    generator = generator_of(index)
    count = 1 + index % 3
    body = torch.randn(count, 17, 3, generator=generator, dtype=torch.float64) * torch.tensor([0.2, 0.5, 0.2])
    place = torch.tensor([[1.5 * person, 0.0, 4.0] for person in range(count)], dtype=torch.float64)
    true = body + place[:, None]
    ours = true + torch.randn(count, 17, 3, generator=generator, dtype=torch.float64) * 0.08
    ours = ours[index % 2 :] if count > 1 else ours
    if index % 4 == 0:
        ours = torch.cat([ours, ours[:1] + 2.0])
    scores = torch.rand(len(ours), generator=generator, dtype=torch.float64)
    return tuple(
        People(joints, 1000 * joints[..., :2] / joints[..., 2:] + 1000, score)
        for joints, score in ((ours, scores), (true, None))
    )


def person(index):
    """Predicted and true joints of one person and the pixels of both; two people share an image."""
    generator = generator_of(index)
    body = torch.randn(17, 3, generator=generator, dtype=torch.float64) * torch.tensor([0.2, 0.5, 0.2])
    true = body + torch.tensor([1.5 * (index % 2), 0.0, 4.0])
    ours = true + torch.randn(17, 3, generator=generator, dtype=torch.float64) * 0.08
    return [ours, true, *(1000 * joints[..., :2] / joints[..., 2:] + 1000 for joints in (ours, true))]


def annotated(count):
    """The truth about the people below `count`, in two sequences, and an image that nobody is predicted in."""
    indices = [*range(count), 1000]
    _, true, _, pixels = stacked(person, indices)
    images = torch.tensor([100 + index // 2 for index in indices])
    return AnnotatedPeople(true, pixels, images, 1 + images % 2, torch.linspace(0.1, 0.9, count) ** 2)


def people_rows(name="mupots-relative-all", count=8):
    metric = TopDownMuPoTS(get_protocol(name))
    metric.annotations = annotated(count)
    return metric


def surface(index):
    """Geodesic errors, annotated points, parts and a score."""
    generator = generator_of(index)
    errors = torch.rand(30, generator=generator, dtype=torch.float64) * 0.5
    errors[errors > 0.45] = torch.inf
    valid = torch.rand(30, generator=generator) < 0.8
    parts = torch.randint(1, 25, (30,), generator=generator)
    return errors, valid, parts, torch.rand(1, generator=generator, dtype=torch.float64)[0]


def coco_truth(count):
    """COCO annotations: two people per image, the second with few labelled keypoints."""
    annotations = []
    for index in range(count):
        generator = generator_of(index)
        points = torch.rand(17, 2, generator=generator, dtype=torch.float64) * torch.tensor([60 + 30 * index, 120.0])
        visible = torch.full((17, 1), 2.0)
        visible[: 12 * (index % 2)] = 0
        annotations.append(
            {
                "id": index + 1,
                "image_id": 100 + index // 2,
                "category_id": 1,
                "iscrowd": 0,
                "area": 3600.0 * (1 + index),
                "bbox": [0.0, 0.0, 60.0 + 30 * index, 120.0],
                "num_keypoints": int((visible > 0).sum()),
                "keypoints": torch.cat([points * (visible > 0), visible], -1).flatten().tolist(),
            }
        )
    images = [{"id": 100 + k, "width": 640, "height": 480} for k in range((count + 1) // 2)]
    names = [f"k{k}" for k in range(17)]
    person = {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": []}
    return {"images": images, "annotations": annotations, "categories": [person]}


def coco_guess(index):
    """Predicted keypoints, score and image of the person `index` of `coco_truth`."""
    generator = generator_of(index)
    points = torch.rand(17, 2, generator=generator, dtype=torch.float64) * torch.tensor([60 + 30 * index, 120.0])
    noise = torch.randn(17, 2, generator=generator, dtype=torch.float64) * (2 + 3 * (index % 4))
    return points + noise, torch.rand(1, generator=generator, dtype=torch.float64)[0], torch.tensor(100 + index // 2)


def stacked(sample, indices):
    return [torch.stack(column) for column in zip(*(sample(index) for index in indices), strict=True)]


def feed_hand(metric, indices):
    joints, true_joints, vertices, true_vertices = stacked(hand, indices)
    metric.update(joints, true_joints, torch.tensor(indices), vertices, true_vertices)


def feed_labels(metric, indices):
    guess, target, silhouette, true_silhouette = stacked(labels, indices)
    metric.update(guess, target, torch.tensor(indices), silhouette, true_silhouette)


def feed_people(metric, indices):
    ours, _, pixels, _ = stacked(person, indices)
    images = torch.tensor([100 + index // 2 for index in indices])
    metric.update(ours, pixels, MPI_INF_3DHP17, images, torch.tensor(indices))


def feed_crowds(metric, indices):
    ours, true = zip(*(crowd(index) for index in indices), strict=True)
    metric.update(ours, true, torch.tensor([1 + index % 2 for index in indices]), torch.tensor(indices))


def feed_surface(metric, indices):
    errors, valid, parts, scores = stacked(surface, indices)
    metric.update(errors, valid, torch.tensor(indices), scores, parts)


def feed_maps(metric, indices):
    guess, target, _, _ = stacked(lambda index: labels(index, classes=25), indices)
    errors = torch.stack([torch.rand(9, 11, generator=generator_of(index)) * 0.5 for index in indices])
    metric.update(errors, guess.clamp(max=24), target.masked_fill(target == 255, 0), torch.tensor(indices))


def feed_keypoints(metric, indices):
    metric.update(*stacked(coco_guess, indices), torch.tensor(indices))


TASKS = {
    "hand": (FreiHand, feed_hand),
    "parts": (PartSegmentation, feed_labels),
    "people": (people_rows, feed_people),
    "crowds": (lambda: MuPoTS(MPI_INF_3DHP17, SCORED, MATCHING), feed_crowds),
    "densepose_points": (lambda: DensePosePoints(per_part=True), feed_surface),
    "iuv_maps": (SurfaceMaps, feed_maps),
    "keypoints": (lambda: KeypointAP(coco_truth(8)), feed_keypoints),
}
"""Metrics that know a sample by its index: how each is made and fed."""
