"""The device feed of open-v2 against the crops that the datamodules make one by one, and its processes' failures."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from painter import Painter

from body.load import load_body
from body.skeleton import OPEN36, SMPL24, get_skeleton
from datamodules.augment import Change
from datamodules.base import rest_root
from datamodules.crop import make_crop
from datamodules.open_v2.augment.draw import Changes
from datamodules.open_v2.feed.background import Backgrounds, plain_backgrounds
from datamodules.open_v2.feed.batch import BatchMaker, Visits
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.open_v2.feed.feed import Feed, plain_batches
from datamodules.open_v2.feed.record import row_type, write_row
from datamodules.open_v2.feed.stand_in import StandIn
from datamodules.open_v2.feed.workers import RenderWorkers, Work
from datamodules.open_v2.types import Sample
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings
from metrics.protocols import get_protocol

CPU = torch.device("cpu")
SIZE = 96
CHANGES = [
    Change(),
    Change(scale=1.2, rotation=0.4),
    Change(flip=True),
    Change(scale=0.8, rotation=-2.5, flip=True),
]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    maker = StandIn(SIZE)
    return [maker.make("val", index) for index in range(len(CHANGES))]


def buffer_of(samples: list[Sample], capacity: int = 8, **more) -> ReplayBuffer:
    buffer = ReplayBuffer(capacity, SIZE, CPU, **more)
    rows = np.zeros(1, row_type(SIZE))
    for index, sample in enumerate(samples):
        write_row(rows[0], sample, index)
        buffer.add(np.frombuffer(rows.tobytes(), np.uint8))
    buffer.flush()
    return buffer


def raw(sample: Sample, index: int) -> RawSample:
    return RawSample(
        image=sample.foreground[..., :3],
        intrinsics=sample.intrinsics,
        box=sample.box,
        joints=sample.joints,
        joints_valid=np.ones(len(OPEN36), bool),
        skeleton=OPEN36,
        index=index,
        smpl=Smpl(sample.pose, sample.betas, sample.transl),
        iuv=sample.iuv,
    )


@pytest.mark.parametrize("skeleton", ["smpl29", "h36m18", "open36"])
def test_the_device_feed_gives_what_the_crops_give(samples, skeleton):
    settings = CropSettings(skeleton=skeleton, size=64, iuv_size=32, same_joints="h36m_mpii")
    protocol = get_protocol("open-v1")
    backgrounds = Backgrounds(plain_backgrounds(4), CPU)
    maker = BatchMaker(settings, backgrounds, CPU, protocol=protocol)
    batch = maker.plain(buffer_of(samples).take(torch.arange(len(samples))), Changes.of(CHANGES, CPU))
    body = load_body("open")
    for row, (sample, change) in enumerate(zip(samples, CHANGES, strict=True)):
        wanted = make_crop(raw(sample, row), settings, change, rest_root(body), protocol)
        for key, value in wanted.items():
            if not isinstance(value, torch.Tensor) or key in ("image", "iuv", "part_labels", "silhouette"):
                continue
            torch.testing.assert_close(batch[key][row], value, rtol=1e-4, atol=2e-3, msg=lambda m, k=key: f"{k}: {m}")
        assert (batch["image"][row] - wanted["image"]).abs().mean() < 0.004  # OpenCV rounds places to 1/32 pixel
        assert (batch["iuv"][row] == wanted["iuv"]).all(0).float().mean() > 0.98  # and here to whole ones
        posed = body(wanted["pose"][None], wanted["betas"][None], wanted["transl"][None]).vertices[0]
        torch.testing.assert_close(batch["vertices"][row], posed, rtol=1e-4, atol=1e-4)


def test_a_training_batch_keeps_the_batch_s_promises(samples):
    maker = BatchMaker(CropSettings(skeleton="smpl24", size=64), Backgrounds(plain_backgrounds(4), CPU), CPU)
    torch.manual_seed(0)
    batch = maker.train(buffer_of(samples).draw(16))
    homogeneous = batch["joints"] @ batch["intrinsics"].mT
    pixels = homogeneous[..., :2] / homogeneous[..., 2:]
    pixels = pixels @ batch["crop_affine"][:, :, :2].mT + batch["crop_affine"][:, None, :, 2]
    torch.testing.assert_close(pixels, batch["joints_2d"], rtol=1e-3, atol=0.02)
    regressed = load_body("open").joint_regressor("smpl24") @ batch["vertices"]
    torch.testing.assert_close(regressed, batch["joints"], rtol=0, atol=0.02)  # a mirrored body is its mirror image
    assert batch["image"].min() >= 0
    assert batch["image"].max() <= 1
    assert batch["image"].shape == (16, 3, 64, 64)
    assert batch["iuv"].dtype == torch.uint8


def test_a_left_hand_stays_left(samples):
    """The part under a joint's pixel is the joint's own, mirrored or not: sides are not mixed up."""
    maker = BatchMaker(CropSettings(skeleton="smpl24", size=96), Backgrounds(plain_backgrounds(4), CPU), CPU)
    records = buffer_of(samples).take(torch.arange(len(samples)))
    for flip in (False, True):
        batch = maker.plain(records, Changes.of([Change(flip=flip)] * len(samples), CPU))
        right = wrong = 0
        for row in range(len(samples)):
            for side, other in (("left", "right"), ("right", "left")):
                for joint in ("knee", "elbow"):
                    place = batch["joints_2d"][row, SMPL24.index(f"{side}_{joint}")].round().long()
                    if not ((place >= 0) & (place < 96)).all():
                        continue
                    part = int(batch["iuv"][row, 0, place[1], place[0]])
                    name = SMPL24.joints[part - 1] if part else ""
                    right, wrong = right + name.startswith(side), wrong + name.startswith(other)
        assert right > 2 * wrong + 2, (flip, right, wrong)


def test_upright_people_are_turned_to_the_right_by_a_quarter(samples):
    """A rotation of pi / 2 takes x to y: what was above the pelvis lies to its right."""
    maker = BatchMaker(CropSettings(skeleton="smpl24", size=64), Backgrounds(plain_backgrounds(4), CPU), CPU)
    records = buffer_of(samples).take(torch.arange(len(samples)))
    still = maker.plain(records)["joints"]
    turned = maker.plain(records, Changes.of([Change(rotation=math.pi / 2)] * len(samples), CPU))["joints"]
    torch.testing.assert_close(turned[..., 0], -still[..., 1], rtol=0, atol=1e-5)
    torch.testing.assert_close(turned[..., 1], still[..., 0], rtol=0, atol=1e-5)


def test_a_transparent_picture_shows_its_background(samples):
    nobody = np.zeros((SIZE, SIZE, 4), np.uint8)
    empty = [Sample(**{**vars(sample), "foreground": nobody, "background_seed": 1}) for sample in samples]
    bank = np.full((2, 8, 8, 3), 50, np.uint8)
    bank[1] = 200
    maker = BatchMaker(CropSettings(size=32, margin=0.2), Backgrounds(bank, CPU), CPU, Visits())
    batch = maker.plain(buffer_of(empty).take(torch.arange(1)))
    torch.testing.assert_close(batch["image"], torch.full((1, 3, 32, 32), 200 / 255), rtol=0, atol=1e-3)


def test_the_newest_samples_replace_the_oldest_and_a_file_keeps_them(samples, tmp_path):
    file = tmp_path / "train.samples"
    buffer = buffer_of([*samples, *samples[:2]], capacity=4, file=file)
    assert (len(buffer), buffer.added) == (4, 6)
    assert buffer.take(torch.arange(4)).index.tolist() == [4, 5, 2, 3]
    again = ReplayBuffer(4, SIZE, CPU, file=file)
    assert again.added == 6
    assert torch.equal(again.take(torch.arange(4)).foreground, buffer.take(torch.arange(4)).foreground)
    with pytest.raises(ValueError, match="delete it"):
        ReplayBuffer(5, SIZE, CPU, file=file)


def test_processes_hand_over_every_sample_once():
    buffers = {"train": ReplayBuffer(64, 8, CPU, staging=4), "val": ReplayBuffer(8, 8, CPU, staging=4)}
    work = [Work("val", 0, 5), Work("train", 10, 40)]
    with RenderWorkers(Painter, work, 8, processes=2, slots=3) as workers:
        feed = Feed(workers, buffers)
        feed.fill("val", 5, seconds=200.0)
        feed.fill("train", 30, seconds=200.0)
        with pytest.raises(TimeoutError, match="30 of 31 train samples"):
            feed.fill("train", 31, seconds=5.0)
    assert sorted(buffers["val"].take(torch.arange(5)).index.tolist()) == [0, 1, 2, 3, 4]
    rows = buffers["train"].take(torch.arange(30))
    assert sorted(rows.index.tolist()) == list(range(10, 40))
    assert torch.equal(rows.joints[:, 3, 1].long(), rows.index)
    assert torch.equal(rows.iuv[:, 7, 7, 2].long(), rows.index)


@pytest.mark.parametrize(("how", "said"), [("raise", "train sample 3: no such garment"), ("die", "exit code 7")])
def test_a_process_that_fails_is_one_clear_error(how, said):
    buffers = {"train": ReplayBuffer(64, 8, CPU, staging=4)}
    with (
        RenderWorkers(functools.partial(Painter, 3, how), [Work("train")], 8, processes=2, slots=2) as workers,
        pytest.raises(RuntimeError, match=said),
    ):
        Feed(workers, buffers).fill("train", 65, seconds=200.0)


def test_a_sample_that_fails_can_be_left_out(capfd):
    buffers = {"train": ReplayBuffer(64, 8, CPU, staging=4)}
    make = functools.partial(Painter, 3, "raise")
    with RenderWorkers(make, [Work("train", 0, 9)], 8, processes=1, tolerated=1) as workers:
        Feed(workers, buffers).fill("train", 8, seconds=200.0)
    assert sorted(buffers["train"].take(torch.arange(8)).index.tolist()) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "left out: train sample 3: no such garment" in capfd.readouterr().err


def test_plain_batches_are_all_samples_in_order(samples):
    maker = BatchMaker(CropSettings(size=32), Backgrounds(plain_backgrounds(2), CPU), CPU, vertices=False)
    batches = plain_batches(buffer_of(samples), maker, 3)
    assert [batch["index"].tolist() for batch in batches] == [[0, 1, 2], [3]]
    assert not batches[0]["vertices_valid"].any()
    assert batches[0]["joints"].shape[1] == len(get_skeleton("smpl29"))
