"""Stand-in SMPL bodies, and what SMPL itself says about a fake person: joints of its chain, where its root rests."""

from functools import cache

import numpy as np
import torch

from body.licensed import load_licensed
from fake.assets import write_smpl
from fake.people import body_called


def write_bodies(folder, patch, genders=("neutral",)):
    """As `fake.assets.write_smpl`, and every body is read only once: the files are large."""
    patch.setattr("body.load.load_licensed", cache(load_licensed))
    return write_smpl(folder, patch, genders)


@cache
def _of(body, values):
    with torch.no_grad():
        pose, betas, transl = (torch.tensor(np.frombuffer(value)).float()[None] for value in values)
        return body_called(body)(pose.view(1, -1, 3), betas, transl).joints[0].double().numpy()


def smpl_joints(person):
    """(24, 3) camera frame, metres: those of the kinematic chain, not the ones regressed from the posed surface."""
    return _of(person.body, tuple(getattr(person, name).tobytes() for name in ("pose", "betas", "transl")))


def rest_root(person):
    """(3,) metres: where the root joint of the person's own body rests."""
    body = body_called(person.body)
    shaped = body.v_template.double().numpy() + body.shapedirs.double().numpy() @ person.betas
    return body.regressor[0].double().numpy() @ shaped
