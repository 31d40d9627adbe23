"""`open-v2` as a datamodule, on a bundle made for the test: nobody wears anything, and there are two backgrounds."""

import hashlib
import json
import pickle

import cv2
import numpy as np
import pytest
import torch

from body.camera import apply_affine, project
from body.load import load_body
from body.skeleton import SMPL29
from datamodules.augment import Augmentation
from datamodules.batch import Batch
from datamodules.open_v2 import datamodule as module
from datamodules.open_v2 import ship as shipping
from datamodules.open_v2.backgrounds.views import load_backgrounds
from datamodules.open_v2.clothes.wardrobe import BodySurface, Wardrobe
from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.open_v2.generator import BACKGROUNDS, LIGHT, POSES, WARDROBE, Assets, Generator
from datamodules.open_v2.poses.bank import load_pose_bank
from datamodules.open_v2.source import SHIPPED, PhotoSource, ShippedSource, published
from datamodules.open_v2.split import PhotoSplit
from datamodules.settings import CropSettings

SIZE = 96


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    rng = np.random.default_rng(0)
    pictures = [np.full((80, 120, 3), value, np.uint8) for value in (30, 220)]
    coded = [cv2.imencode(".jpg", picture)[1].reshape(-1) for picture in pictures]
    offsets = np.cumsum([0, *map(len, coded)])
    np.savez(folder / BACKGROUNDS, coded=np.concatenate(coded), offsets=offsets, starts=[0, 2, 2, 2])
    poses = rng.normal(0, 0.05, (4, 24, 3)).astype(np.float16)
    names = np.array(["cmu/standing"])
    np.savez(folder / POSES, poses=poses, action=np.zeros(4, np.int16), names=names, digest=np.array("made"))
    for name in (WARDROBE, LIGHT):
        (folder / name).write_bytes(b"none")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _nothing_to_wear(bundle):
    def generator(split):
        body = load_body("open")
        surface = BodySurface(body.v_template.numpy(), np.asarray(body.faces, np.int64))
        bank, backgrounds = load_pose_bank(bundle / POSES), load_backgrounds(bundle / BACKGROUNDS)
        return Generator(Assets(Wardrobe((), surface, np.zeros(11)), bank, (), backgrounds), split.size, split.seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PhotoSplit, "generator", generator)
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("open_v2_cache")


@pytest.fixture(scope="module")
def make(bundle, cache):
    def build(**options):
        arguments = {"train_samples": 12, "val_samples": 6, "image_size": SIZE, "crops": CropSettings(size=64)}
        arguments |= {"batch_size": 6, "num_workers": 0, "generator_workers": 1}
        return OpenV2DataModule(**arguments | {"bundle": str(bundle), "cache_dir": str(cache)} | options)

    return build


@pytest.fixture(scope="module")
def shipped(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped") / "test"
    shipping.ship(bundle, folder, samples=4, size=SIZE)
    return folder


def batches(datamodule, split):
    loader = {"train": datamodule.train_dataloader, "val": datamodule.val_dataloader}[split]()
    return [datamodule.on_after_batch_transfer(batch, 0) for batch in loader]


def test_augmented_batches_keep_every_invariant(make):
    datamodule = make()
    datamodule.setup("fit")
    torch.manual_seed(0)
    for batch in batches(datamodule, "train"):
        assert set(batch) == set(Batch.__annotations__)
        projected = apply_affine(project(batch["joints"], batch["intrinsics"]), batch["crop_affine"])
        torch.testing.assert_close(projected, batch["joints_2d"], atol=5e-3, rtol=1e-4)
        regressed = datamodule._body_model().regress(batch["vertices"], "smpl29")
        torch.testing.assert_close(regressed, batch["joints"], atol=2e-4, rtol=1e-4)
        assert batch["iuv_valid"].all()


def test_mirrored_batch_shows_the_mirrored_person(make):
    still = {"scale": 0.0, "rotation_probability": 0.0, "colour": 0.0}
    rows = {}
    for share in (0.0, 1.0):
        augmentation = Augmentation(**still, flip_probability=share)
        rows[share] = make(crops=CropSettings("smpl29", size=64, augmentation=augmentation)).dataset("train")[2]
    plain, mirrored = rows[0.0], rows[1.0]
    swap = list(SMPL29.mirror)
    torch.testing.assert_close(
        mirrored["joints"][swap] * torch.tensor([-1.0, 1, 1]), plain["joints"], atol=1e-5, rtol=0
    )
    person, other = plain["iuv"][0] > 0, mirrored["iuv"][0].flip(-1) > 0
    assert person.sum() > 100
    wider = torch.nn.functional.max_pool2d(person[None].float(), 3, 1, 1)[0] > 0  # the two are a pixel apart
    assert (wider & other).sum() / other.sum() > 0.97
    assert (wider & other.flip(-1)).sum() / other.sum() < 0.9


def test_training_pictures_differ_at_every_visit_and_others_do_not(make):
    datamodule = make(crops=CropSettings(augmentation=None, size=64))
    train, val = datamodule.source("train"), datamodule.source("val")
    assert len(train) == 12
    assert len(val) == 6
    first, second = train[0], train[0]
    assert (first.image != second.image).mean() > 0.3
    np.testing.assert_array_equal(first.iuv, second.iuv)
    np.testing.assert_array_equal(val[2].image, val[2].image)
    torch.manual_seed(5)
    once = train[0].image
    torch.manual_seed(5)
    np.testing.assert_array_equal(train[0].image, once)


def test_person_stays_where_the_background_changes(make):
    """Pixels of the person are alike in all pictures but for the camera; those beside follow the two backgrounds."""
    source = make().source("train")
    torch.manual_seed(0)
    pictures = np.stack([source.image(1) for _ in range(24)]).astype(float).mean(-1)
    coverage = source.foreground(1)[..., 3]
    inside, outside = pictures[:, coverage == 255], pictures[:, coverage == 0]
    assert inside.shape[1] > 50
    assert outside.mean(1).std() > 1.5 * inside.mean(1).std()


def test_stored_samples_are_the_rendered_ones(make, bundle):
    source, generator = make().source("val"), PhotoSplit("val", 6, SIZE, 0, bundle).generator()
    for index in (0, 4):
        sample, stored = generator.make("val", index), source[index]
        np.testing.assert_array_equal(stored.iuv, sample.iuv)
        np.testing.assert_array_equal(source.foreground(index)[..., 3], sample.foreground[..., 3])
        difference = source.foreground(index)[..., :3].astype(int) - sample.foreground[..., :3]
        assert np.abs(difference).mean() < 3  # JPEG
        np.testing.assert_allclose(stored.smpl.pose, sample.pose, atol=1e-6)
        np.testing.assert_allclose(stored.box, sample.box, atol=1e-4)
        assert stored.action == sample.action


def test_sources_reach_other_processes_as_places(make):
    source = make().source("train")
    coded = pickle.dumps(source)
    assert len(coded) < 1000
    again = pickle.loads(coded)
    assert isinstance(again, PhotoSource)
    np.testing.assert_array_equal(again.foreground(3), source.foreground(3))


def test_fingerprint_follows_what_is_rendered(make, bundle, tmp_path):
    print_of = make().fingerprint
    assert print_of("train") == make().fingerprint("train") != print_of("val")
    assert make(seed=1).fingerprint("val") != print_of("val")
    other = tmp_path / "bundle"
    other.mkdir()
    for path in bundle.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert make(bundle=str(other)).fingerprint("val") == print_of("val")
    changed = tmp_path / "changed"
    other.rename(changed)
    (changed / LIGHT).write_bytes(b"another")
    assert make(bundle=str(changed)).fingerprint("val") != print_of("val")


def test_missing_assets_are_named(make, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_ASSETS", raising=False)
    with pytest.raises(FileNotFoundError, match=r"ZOO_ASSETS"):
        make(bundle=None, cache_dir=str(tmp_path)).source("train")


def test_unknown_protocol_other_bodies_and_empty_splits_are_refused(make):
    with pytest.raises(ValueError, match="no protocol 'open-v1'; did you mean open-v2"):
        make(protocol="open-v1")
    with pytest.raises(ValueError, match="shows the open body"):
        make(crops=CropSettings(body="smpl"))
    with pytest.raises(ValueError, match="at least one sample"):
        make(val_samples=0)


def test_shipped_pictures_are_the_rendered_ones(shipped, bundle, make):
    source = ShippedSource(shipped)
    assert len(source) == 4
    rendered = PhotoSplit("test", 4, SIZE, 0, bundle)
    for index in range(4):
        sample, stored = rendered.generator().make("test", index), source[index]
        assert stored.image.shape == stored.iuv.shape == (SIZE, SIZE, 3)
        np.testing.assert_allclose(stored.joints, sample.joints, atol=1e-5)
        assert (stored.iuv[..., 0] != sample.iuv[..., 0]).mean() < 0.02
        both = (stored.iuv[..., 0] == sample.iuv[..., 0])[..., None]
        assert (np.abs(stored.iuv.astype(int) - sample.iuv) * both).max() <= 2
        assert stored.sequence == "open-v2-test"


def test_changed_shipped_file_is_named(shipped, tmp_path):
    for path in shipped.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = bytearray((tmp_path / "images.bin").read_bytes())
    changed[100] ^= 1
    (tmp_path / "images.bin").write_bytes(changed)
    with pytest.raises(ValueError, match=r"not the one that was published \(images\.bin changed on disk\)"):
        ShippedSource(tmp_path)


def test_test_split_needs_no_assets(make, monkeypatch, shipped, tmp_path):
    monkeypatch.setattr(module, "SHIPPED", shipped)
    datamodule = make(bundle=str(tmp_path), cache_dir=str(tmp_path))
    datamodule.setup("test")
    batch = next(iter(datamodule.test_dataloader()))
    assert batch["index"].tolist() == [0, 1, 2, 3]
    datamodule.check_test_split()
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in shipped.glob("*.*")}
    assert published(shipped) == {name: sums[name] for name in ("images.bin", "surfaces.bin", "labels.npz")}


def test_package_holds_the_benchmark():
    """600 pictures of 256 pixels in at most 8 MB, whose checksums are published beside them."""
    source = ShippedSource(SHIPPED)
    facts = json.loads((SHIPPED / "facts.json").read_text())
    assert len(source) == facts["samples"] == 600
    assert source.image(599).shape == (256, 256, 3)
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 8e6
    body = load_body("open")
    for index in (0, 300, 599):
        sample = source[index]
        with torch.no_grad():
            arrays = (
                torch.from_numpy(a)[None].float() for a in (sample.smpl.pose, sample.smpl.betas, sample.smpl.transl)
            )
            vertices = body(*arrays).vertices[0]
        joints = body.regress(vertices, "smpl24").numpy()
        np.testing.assert_allclose(joints, sample.joints[:24], atol=2e-4)
