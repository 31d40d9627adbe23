"""A small MuPoTS-3D: twenty sequences of two or three frames, nobody to three people in each."""

import json
from functools import cache

import numpy as np
from scipy.io import savemat

from body.skeleton import MPI_INF_3DHP17
from fake.people import make_camera, make_image, make_people, write_image

UNIVERSAL = 0.9
"""Size of `univ_annot3` relative to `annot3`, about the camera, so that both project to the same pixels."""
ANNOTATED = 0.95
"""The same for `keypoints_cam` of the other layout; to tell them apart."""
FIRST_ID = 31
CELLS = 3
"""Columns of the cell: the most people of a frame."""


def frames_of(sequence):
    return 3 if sequence == 7 else 2


def camera_of(sequence):
    return make_camera((192, 192) if sequence < 6 else (192, 108), seed=300 + sequence, field_of_view=70)


@cache
def people_of(sequence, frame):
    """(column of the cell, person) of everybody who is annotated in a frame; nobody in one of TS7's."""
    if (sequence, frame) == (7, 1):
        return []
    count = 1 + (sequence + frame) % 3
    people = make_people(count, camera_of(sequence), seed=40 * sequence + frame)
    columns = [0, 2, 1][:count] if count == 2 else range(count)  # a gap: the second cell is not valid
    return list(zip(columns, people, strict=True))


def everybody():
    """(sequence, frame, person) in the order of the files: by column of the cell."""
    return [(sequence, frame, person) for sequence in range(1, 21) for frame in range(frames_of(sequence))
            for _, person in sorted(people_of(sequence, frame), key=lambda pair: pair[0])]  # fmt: skip


def truth(person):
    """`univ_annot3` in metres."""
    return UNIVERSAL * person.joints(MPI_INF_3DHP17)


def image_ids():
    """Number of every (sequence, frame) in `MuPoTS-3D.json`: not in order."""
    places = [(sequence, frame) for sequence in range(1, 21) for frame in range(frames_of(sequence))]
    return {place: FIRST_ID + (7 * number) % len(places) for number, place in enumerate(places)}


def write(root):
    """The distributed files, `MuPoTS-3D.json`, and images."""
    folder = root / "MultiPersonTestSet"
    for sequence in range(1, 21):
        (folder / f"TS{sequence}").mkdir(parents=True)
        frames = frames_of(sequence)
        cells, hidden = (np.empty((frames, CELLS), object) for _ in range(2))
        for frame in range(frames):
            people = dict(people_of(sequence, frame))
            for column in range(CELLS):
                cells[frame, column] = _annotation(people.get(column))
                hidden[frame, column] = np.zeros((1, 17), np.uint8)
            camera = camera_of(sequence)
            blank = np.full((camera.size[1], camera.size[0], 3), 90, np.uint8)
            image = make_image(list(people.values())) if people else blank
            write_image(folder / f"TS{sequence}/img_{frame:06d}.jpg", image)
        savemat(folder / f"TS{sequence}/annot.mat", {"annotations": cells})
        savemat(folder / f"TS{sequence}/occlusion.mat", {"occlusion_labels": hidden})
    (root / "MuPoTS-3D.json").write_text(json.dumps(_json()))
    return root


def write_detections(path, people, scores, numbers):
    """RootNet's `bbox_root_mupots_output.json`.

    Args:
        path: file to write.
        people: (sequence, frame, person), in any order.
        scores: of each.
        numbers: (sequence, frame) -> image id.
    """
    rows = []
    for (sequence, frame, person), score in zip(people, scores, strict=True):
        centre, side = person.box[:2] + person.box[2:] / 2, 1.25 * person.box[2:].max()
        rows.append({"image_id": numbers[sequence, frame], "bbox": [*(centre - side / 2).tolist(), side, side],
                     "root_cam": (1000 * truth(person)[14]).tolist(), "score": score})  # fmt: skip
    path.write_text(json.dumps(rows))
    return path


def _annotation(person):
    if person is None:
        zeros = {"annot2": np.zeros((2, 17)), "annot3": np.zeros((3, 17)), "univ_annot3": np.zeros((3, 17))}
        return zeros | {"isValidFrame": np.uint8(0)}
    joints = 1000 * person.joints(MPI_INF_3DHP17).T
    pixels = person.pixels(MPI_INF_3DHP17).T
    return {"annot2": pixels, "annot3": joints, "univ_annot3": UNIVERSAL * joints, "isValidFrame": np.uint8(1)}


def _json():
    images, annotations, numbers = [], [], image_ids()
    for (sequence, frame), number in numbers.items():
        camera = camera_of(sequence)
        inner = camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
        images.append({"id": number, "file_name": f"TS{sequence}/img_{frame:06d}.jpg", "width": camera.size[0],
                       "height": camera.size[1], "intrinsic": inner})  # fmt: skip
        people = dict(people_of(sequence, frame))
        for column in range(CELLS):
            person = people.get(column)
            joints = np.zeros((17, 3)) if person is None else 1000 * ANNOTATED * person.joints(MPI_INF_3DHP17)
            pixels = np.zeros((17, 2)) if person is None else person.pixels(MPI_INF_3DHP17)
            box = [0.0, 0.0, 0.0, 0.0] if person is None else person.box.tolist()
            annotations.append({"id": 10 * number + column, "image_id": number, "bbox": box, "iscrowd": 0,
                                "keypoints_cam": joints.tolist(), "keypoints_img": pixels.tolist(),
                                "keypoints_vis": [1] * 17, "is_valid": int(person is not None)})  # fmt: skip
    return {"images": images, "annotations": annotations}
