"""What a perfect method would say about a fake benchmark, put through the real metrics."""

import numpy as np
import torch

from body.skeleton import get_skeleton
from fake.people import body_called
from lightning_modules.prediction import Prediction, SmplParameters
from metrics import build_task, get_protocol, overall


def prediction_of(people, skeleton):
    """The truth about people (`fake.people.Person`) as a method's prediction, joints in a skeleton."""

    def stack(values):
        return torch.tensor(np.stack(values)).float()

    return Prediction(
        joints=stack([person.joints(skeleton) for person in people]),
        skeleton=get_skeleton(skeleton),
        joints_2d=stack([person.pixels(skeleton) for person in people]),
        root_depth_source="given",
        vertices=stack([person.vertices for person in people]),
        faces=body_called(people[0].body).faces,
        smpl=SmplParameters(*(stack([getattr(p, name) for p in people]) for name in ("pose", "betas", "transl"))),
    )


def score(datamodule, people, change=lambda prediction: prediction):
    """Metrics of the datamodule's protocol, over its test split, for a method that knows the truth.

    Args:
        datamodule: of a fake benchmark.
        people: truth in the order of the test split.
        change: what the method gets wrong.
    """
    protocol, skeleton = get_protocol(datamodule.protocol), datamodule.skeleton
    task, start = build_task(protocol, skeleton), 0
    task.prepare(datamodule.split_labels())
    for batch in datamodule.test_dataloader():
        batch = datamodule.on_after_batch_transfer(batch, 0)
        count = len(batch["image"])
        task.update(change(prediction_of(people[start : start + count], skeleton.name)), batch)
        start += count
    assert start == len(people)
    return overall(task.compute())
