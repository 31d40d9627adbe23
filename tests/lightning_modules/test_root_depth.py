"""No method reads a label to predict, unless it is asked for the true root depth."""

import pytest
import torch
from flat_settings import make
from nbf_people import TINY as NBF
from nbf_people import make_people
from people import make_batch
from test_danet_module import danet_batch

from datamodules.batch import Batch
from lightning_modules import METHODS, get_method
from lightning_modules.common.root_depth import choose_depth
from lightning_modules.people.module import PeopleModule

INPUTS = ("image", "intrinsics", "crop_affine", "box")
SMALL = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}
HEMLETS = {"feature_channels": 12, "hidden_channels": 16, "regressor_channels": 16, "body": "open", "sigma": 1.0}
DANET = {
    "iuv_backbone": "resnet18_tiny", "charts": "open", "channels": 8, "global_backbone": "resnet18_tiny",
    "local_backbone": "resnet18_tiny", "stream_channels": 8, "features": 8, "crop_size": 64,
}  # fmt: skip


def h36m_batch():
    return make_batch(skeleton="h36m18")


CASES = {
    "i2l_meshnet": (SMALL, make_batch),
    "i2l_meshnet flip": (SMALL | {"flip_test": True}, make_batch),
    "i2l_meshnet param": (SMALL | {"stage": "param", "mesh_from": "param"}, make_batch),
    "hemlets": (SMALL | HEMLETS, h36m_batch),
    "hemlets posh": (SMALL | HEMLETS | {"smpl": True, "flip_test": True}, h36m_batch),
    "nbf": (NBF, make_people),
    "nbf rgb": ({**NBF, "segmenter": "none", "input": "rgb", "train": "fitter"}, make_people),
    "danet": (DANET, danet_batch),
    "danet face_crop": (DANET | {"face_crop": True}, danet_batch),
    "cascaded_lifting": (SMALL | {"branch_channels": 8, "stage": "lifting"}, h36m_batch),
    "cascaded_lifting volume": (SMALL | {"branch_channels": 8}, h36m_batch),
    "rootnet": (SMALL | {"skeleton": "smpl29"}, make_batch),
    "people": ({"backbone": "mobilenetv3_small_050", "channels": 16, "crop_size": 64}, make_batch),
}


def test_every_method_is_here():
    assert set(METHODS) <= {name.split()[0] for name in CASES}


@pytest.fixture(params=CASES)
def case(request):
    settings, batch = CASES[request.param]
    name = request.param.split()[0]
    torch.manual_seed(0)
    return make(PeopleModule if name == "people" else get_method(name), **settings).eval(), batch()


def perturbed(value, random):
    if not isinstance(value, torch.Tensor):
        return [f"{item}?" if isinstance(item, str) else item for item in value]
    if value.dtype == torch.bool:
        return ~value
    return value + 1 + torch.rand(value.shape, generator=random) if value.is_floating_point() else value.flip(0)


def numbers(prediction):
    """Every number of a prediction: joints, pixels, mesh, parameters and the method's own outputs."""
    found = {"joints": prediction.joints, "joints_2d": prediction.joints_2d, **prediction.intermediates}
    optional = {"vertices": prediction.vertices}
    if prediction.smpl is not None:
        optional |= {name: getattr(prediction.smpl, name) for name in ("pose", "betas", "transl")}
    return found | {name: value for name, value in optional.items() if value is not None}


def same(one, other):
    return all(torch.equal(value, numbers(other)[name]) for name, value in numbers(one).items())


def test_no_label_reaches_a_prediction(case):
    """Labels changed, declared absent, or there or not: the very same bits, also by `predict_step`."""
    module, batch = case
    random = torch.Generator().manual_seed(1)
    changed = {key: value if key in INPUTS else perturbed(value, random) for key, value in batch.items()}
    absent = batch | {key: torch.zeros_like(batch[key]) for key in batch if key.endswith("_valid")}
    with torch.no_grad():
        expected = module.predict(batch)
        for other in (changed, absent):
            assert same(expected, module.predict(other))
            assert same(expected, module.predict_step(other, 0))
    assert expected.root_depth_source == module.root_depth_source != "given"


def test_the_true_depth_is_taken_where_it_is_asked_for(case):
    module, batch = case
    if module.own_root_depth == "rootnet":
        with pytest.raises(ValueError, match="leave root_depth out"):
            make(type(module), **SMALL, root_depth="given")
        return
    with torch.no_grad():
        own = module.predict(batch)
        module.root_depth = "given"
        given = module.predict(batch)
        farther = module.predict(batch | {"root_depth": batch["root_depth"] + 1})
        unlabelled = module.predict(batch | {"root_depth_valid": torch.zeros_like(batch["root_depth_valid"])})
    assert given.root_depth_source == "given"
    root = module.skeleton.root_index
    torch.testing.assert_close(farther.joints[:, root, 2] - given.joints[:, root, 2], torch.ones(len(batch["box"])),
                               atol=0.15, rtol=0)  # fmt: skip
    assert same(own, unlabelled)


def test_rootnets_depth_is_taken_where_it_is_asked_for_and_there():
    own, there = torch.tensor([1.0, 2.0]), torch.tensor([True, True])
    batch = {"estimated_root_depth": torch.tensor([3.0, 4.0]), "estimated_root_depth_valid": there}
    batch |= {"root_depth": torch.tensor([5.0, 6.0]), "root_depth_valid": torch.tensor([True, False])}
    assert choose_depth(own, "box", batch).tolist() == [1, 2]
    assert choose_depth(own, "rootnet", batch).tolist() == [3, 4]
    assert choose_depth(own, "given", batch).tolist() == [5, 2]
    batch["estimated_root_depth_valid"] = ~there
    with pytest.raises(ValueError, match=r"no depth from RootNet for 2 of 2 people; .* or root_depth: box"):
        choose_depth(own, "rootnet", batch)


def test_the_batch_layout_names_label_and_estimate():
    assert {"root_depth", "estimated_root_depth"} <= set(Batch.__annotations__)
