"""IUV maps and meshes scored on the open body."""

import pytest
import torch
from people import make_batch, open_body

from body.skeleton import SMPL24
from body.surface_renderer import SurfaceRenderer
from lightning_modules.prediction import Prediction
from metrics import build_task, get_protocol

CELLS = 56
PROTOCOL = get_protocol("open-v1-iuv")


@pytest.fixture(scope="module")
def batch():
    """People with the labels that the loader's renderer gives them."""
    made, render = make_batch(), SurfaceRenderer(open_body())
    crop = made["image"].shape[-1]
    names = ("pose", "betas", "transl", "intrinsics", "crop_affine")
    rows = [render({name: made[name][row] for name in names}, crop, CELLS) for row in range(3)]
    return made | {"iuv": torch.stack(rows), "iuv_valid": torch.ones(3, dtype=torch.bool)}


def answer(batch, **fields):
    joints = batch["scored_joints"]
    return Prediction(joints, SMPL24, joints[..., :2], root_depth_source="given", **fields)


def scored(prediction, batch):
    task = build_task(PROTOCOL)
    task.update(prediction, batch)
    return task.compute()


def true_maps(batch):
    return batch["iuv"].float() / torch.tensor([1.0, 255, 255]).view(3, 1, 1)


def test_true_maps_and_the_true_mesh_are_perfect(batch):
    assert (batch["iuv"][:, 0] > 0).sum() > 300
    perfect = {"auc10": 100, "auc30": 100, "miou": 100, "n": 3}
    assert scored(answer(batch, intermediates={"iuv": true_maps(batch)}), batch) == pytest.approx(perfect)
    mesh = answer(batch, vertices=batch["vertices"], faces=open_body().faces)
    assert scored(mesh, batch) == pytest.approx(perfect)


def test_finer_maps_are_read_where_the_labels_are(batch):
    finer = true_maps(batch).repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert scored(answer(batch, intermediates={"iuv": finer}), batch)["miou"] == 100


def test_errors_by_construction(batch):
    seen = batch["iuv"][:, 0] > 0
    half = torch.arange(CELLS) % 2 == 0
    blank = answer(batch, intermediates={"iuv": true_maps(batch) * ~half})  # every other column is background
    report = scored(blank, batch)
    assert report["auc10"] == pytest.approx(100 * (seen & ~half).sum() / seen.sum())
    other = true_maps(batch)
    other[:, 0] = torch.where(other[:, 0] == 20, 21, other[:, 0])  # an elbow is called the other elbow
    report = scored(answer(batch, intermediates={"iuv": other}), batch)
    wrong = batch["iuv"][:, 0] == 20
    assert wrong.any()
    assert report["auc30"] == pytest.approx(100 * (1 - wrong.sum() / seen.sum()))
    parts = [part for part in range(25) if (batch["iuv"][:, 0] == part).any()]
    others = (batch["iuv"][:, 0] == 21).sum()
    expected = [{20: 0.0, 21: others / (others + wrong.sum())}.get(part, 1.0) for part in parts]
    assert report["miou"] == pytest.approx(100 * sum(map(float, expected)) / len(parts))


def test_a_body_that_turned_away_has_the_wrong_side_in_front(batch):
    turned = batch["vertices"].clone()
    centre = turned.mean(1, keepdim=True)
    turned = (turned - centre) * torch.tensor([-1.0, 1.0, -1.0]) + centre
    report = scored(answer(batch, vertices=turned, faces=open_body().faces), batch)
    assert report["auc10"] < 20
    assert 0 < report["miou"] < 60


def test_what_cannot_be_scored_is_refused(batch):
    with pytest.raises(ValueError, match="neither"):
        scored(answer(batch), batch)
    unlabelled = batch | {"iuv_valid": torch.tensor([True, False, True])}
    with pytest.raises(ValueError, match="sample 1 has no IUV labels"):
        scored(answer(batch, intermediates={"iuv": true_maps(batch)}), unlabelled)
    coarse = batch | {"iuv": batch["iuv"][..., ::2, ::2]}
    with pytest.raises(ValueError, match=r"56 x 56 cells, not on 28 x 28; set --data.crops.iuv_size 56"):
        scored(answer(batch, intermediates={"iuv": true_maps(batch)}), coarse)
