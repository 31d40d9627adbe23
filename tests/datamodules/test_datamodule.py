"""Batches of the open benchmark, as Lightning would ask for them."""

import pickle

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from body.camera import apply_affine, project
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule


@pytest.fixture(scope="module")
def make(cache_dir):
    def build(**options):
        arguments = {
            "train_samples": 24,
            "val_samples": 24,
            "test_samples": 8,
            "image_size": 96,
            "crops": CropSettings(size=64),
        }
        return SyntheticDataModule(
            **{**arguments, "batch_size": 6, "num_workers": 0, "cache_dir": str(cache_dir), "generator_workers": 1}
            | options
        )

    return build


def batches(datamodule, split):
    loader = {"train": datamodule.train_dataloader, "val": datamodule.val_dataloader}[split]()
    return [datamodule.on_after_batch_transfer(batch, 0) for batch in loader]


@pytest.mark.parametrize("skeleton", ["smpl29", "smpl24", "h36m17", "coco17"])
def test_batches_have_the_documented_layout(make, skeleton):
    datamodule = make(crops=CropSettings(skeleton, size=64))
    batch = batches(datamodule, "val")[0]
    assert set(batch) == set(Batch.__annotations__)
    joints, vertices = len(get_skeleton(skeleton)), datamodule._body_model().num_vertices
    sizes = {"image": (6, 3, 64, 64), "joints": (6, joints, 3), "vertices": (6, vertices, 3), "iuv": (6, 3, 64, 64)}
    assert {key: tuple(batch[key].shape) for key in sizes} == sizes
    assert batch["image"].min() >= 0
    assert batch["image"].max() <= 1
    assert batch["joints_valid"].all()
    assert batch["index"].tolist() == list(range(6))
    assert all(isinstance(action, str) and action for action in batch["action"])
    assert batch["frame"] == list(range(6))


def test_augmented_batches_keep_every_invariant(make):
    datamodule = make()
    datamodule.setup("fit")
    torch.manual_seed(0)
    for batch in batches(datamodule, "train"):
        projected = apply_affine(project(batch["joints"], batch["intrinsics"]), batch["crop_affine"])
        torch.testing.assert_close(projected, batch["joints_2d"], atol=5e-3, rtol=1e-4)
        regressed = datamodule._body_model().regress(batch["vertices"], "smpl29")
        torch.testing.assert_close(regressed, batch["joints"], atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(batch["root_depth"], batch["joints"][:, 0, 2])


def test_only_training_is_random(make):
    datamodule = make()
    first, second = (batches(datamodule, "val")[0]["image"] for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    dataset = datamodule.dataset("train")
    assert (dataset[0]["image"] - dataset[0]["image"]).abs().mean() > 0.01
    torch.manual_seed(5)
    once = dataset[0]["image"]
    torch.manual_seed(5)
    torch.testing.assert_close(dataset[0]["image"], once, rtol=0, atol=0)
    plain = make(crops=CropSettings(augmentation=None, size=64)).dataset("train")
    torch.testing.assert_close(plain[0]["image"], plain[0]["image"], rtol=0, atol=0)


def test_people_are_inside_their_crops(make):
    batch = batches(make(), "val")[0]
    inside = ((batch["joints_2d"] >= 0) & (batch["joints_2d"] <= 64)).all(-1)
    assert inside.float().mean() > 0.97
    u, v = batch["joints_2d"].round().long().clamp(0, 63).unbind(-1)
    rows = torch.arange(6)[:, None]
    assert (batch["iuv"][rows, 0, v, u] > 0)[inside].float().mean() > 0.7


def test_workers_give_the_same_validation_batches(make):
    alone, helped = make(), make(num_workers=1)
    for a, b in zip(alone.val_dataloader(), helped.val_dataloader(), strict=True):
        torch.testing.assert_close(a["image"], b["image"], rtol=0, atol=0)
        assert a["action"] == b["action"]


def test_source_survives_pickling(source):
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again[2].image, source[2].image)
    assert len(pickle.dumps(source)) < 1000  # only the place is sent to other processes


def test_fingerprint_names_the_samples(make):
    assert make().fingerprint("test") != make(test_samples=9).fingerprint("test")
    assert make().fingerprint("test") == make(batch_size=2).fingerprint("test")
    assert make().protocol == "open-v1"


def test_bad_options_are_refused(make):
    with pytest.raises(ValueError, match="shows the open body"):
        make(crops=CropSettings(body="smpl"))
    with pytest.raises(ValueError, match="at least one sample"):
        make(val_samples=0)
    with pytest.raises(KeyError, match="no skeleton 'smpl31'"):
        make(crops=CropSettings("smpl31"))


@pytest.mark.parametrize(("max_steps", "samples"), [(-1, 24), (2, 12), (1000, 24)])
def test_a_short_run_makes_only_the_samples_that_it_sees(make, max_steps, samples):
    datamodule = make()
    whole = datamodule.fingerprint("train")
    datamodule.trainer = pl.Trainer(max_steps=max_steps, accelerator="cpu", logger=False, enable_checkpointing=False)
    assert len(datamodule.dataset("train")) == samples
    assert (datamodule.fingerprint("train") == whole) == (samples == 24)
    assert len(datamodule.dataset("val")) == 24
