"""The backbone's training: network, losses, and a schedule by the clock."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from body.skeleton import OPEN36
from datamodules.open_v2.feed.background import Backgrounds, plain_backgrounds
from datamodules.open_v2.feed.batch import BatchMaker
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.open_v2.feed.record import row_type, write_row
from datamodules.open_v2.feed.stand_in import StandIn
from datamodules.settings import CropSettings
from lightning_modules.people import timed
from lightning_modules.people.losses import heatmap_loss, surface_losses
from lightning_modules.people.module import PeopleModule
from lightning_modules.people.timed import TimedTraining, timed_factor

CPU = torch.device("cpu")
SMALL = {"backbone": "mobilenetv3_small_050", "channels": 16, "crop_size": 64}


@pytest.fixture(scope="module")
def batch():
    buffer, rows, maker = ReplayBuffer(2, 96, CPU), np.zeros(1, row_type(96)), StandIn(96)
    for index in range(2):
        write_row(rows[0], maker.make("val", index), index)
        buffer.add(np.frombuffer(rows.tobytes(), np.uint8))
    buffer.flush()
    settings = CropSettings(skeleton="open36", size=64)
    return BatchMaker(settings, Backgrounds(plain_backgrounds(2), CPU), CPU).plain(buffer.take(torch.arange(2)))


def test_a_few_steps_learn_two_people_by_heart(batch):
    torch.manual_seed(0)
    module = PeopleModule(**SMALL)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    first = last = math.inf
    for step in range(40):
        losses = module.losses(batch)
        total = sum(losses.values())
        assert torch.isfinite(total)
        optimizer.zero_grad()
        total.backward()
        assert step or all(weight.grad is not None for weight in module.network.parameters())
        optimizer.step()
        first, last = (float(total) if step == 0 else first), float(total)
    assert last < 0.6 * first


def test_joints_are_found_where_the_maps_say(batch):
    """With the labels' own maps in place of the network's, `predict` gives the labels back."""
    module = PeopleModule(**SMALL, root_depth="given").eval()
    cells = batch["joints_2d"] / 4
    depth = batch["joints"][..., 2] - batch["root_depth"][:, None]
    output = module.network(batch["image"])._replace(joints=torch.cat([cells, depth[..., None]], -1))
    module.network.forward = lambda image: output
    prediction = module.predict(batch)
    torch.testing.assert_close(prediction.joints, batch["joints"], rtol=1e-3, atol=2e-3)
    assert prediction.root_depth_source == "given"


def test_a_mirrored_crop_says_the_same(batch):
    """The flip test of a network that finds its joints in any picture: the mean over both is the truth."""
    module = PeopleModule(**SMALL, flip_test=True, root_depth="given").eval()
    cells = batch["joints_2d"] / 4
    depth = (batch["joints"][..., 2] - batch["root_depth"][:, None])[..., None]
    seen = torch.cat([cells, depth], -1)
    mirrored = torch.cat([63 / 4 - cells[..., :1], cells[..., 1:], depth], -1)[:, list(OPEN36.mirror)]
    both = torch.cat([batch["image"], batch["image"].flip(-1)])
    output = module.network(both)._replace(joints=torch.cat([seen, mirrored]))
    module.network.forward = lambda image: output if torch.equal(image, both) else None
    torch.testing.assert_close(module.predict(batch).joints, batch["joints"], rtol=1e-3, atol=2e-3)


def test_heatmap_loss_is_the_cross_entropy_of_the_whole_map():
    torch.manual_seed(0)
    logits, cells = torch.randn(2, 3, 8, 8), torch.rand(2, 3, 2) * 7
    valid = torch.tensor([[True, True, False], [True, False, True]])
    grid = torch.arange(8.0)
    total = 0.0
    for b, j in valid.nonzero().tolist():
        x, y = cells[b, j]
        gaussian = torch.exp(-((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2) / (2 * 1.5**2))
        gaussian = gaussian / gaussian.sum()
        total -= float((gaussian * logits[b, j].flatten().log_softmax(0).view(8, 8)).sum())
    assert float(heatmap_loss(logits, cells, valid, 1.5)) == pytest.approx(total / int(valid.sum()), rel=1e-5)


def test_surface_losses_read_the_true_part():
    parts = torch.zeros(1, 25, 2, 2)
    surface = torch.full((1, 48, 2, 2), 0.9)
    surface[:, 4], surface[:, 24 + 4] = 0.25, 0.75  # U and V of part 5
    iuv = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    iuv[0, :, 1, 1] = torch.tensor([5, 51, 204], dtype=torch.uint8)  # U 0.2, V 0.8
    entropy, error = surface_losses(parts, surface, iuv, torch.tensor([True]))
    assert float(entropy) == pytest.approx(math.log(25))
    assert float(error) == pytest.approx(0.05)
    nothing = surface_losses(parts, surface, iuv, torch.tensor([False]))
    assert [float(value) for value in nothing] == [0.0, 0.0]


def test_the_schedule_is_a_ramp_and_half_a_cosine():
    assert timed_factor(0.0) == 0.0
    assert timed_factor(0.025) == pytest.approx(0.5)
    assert timed_factor(0.05) == pytest.approx(1.0)
    assert timed_factor(0.525) == pytest.approx(0.5)  # the middle of what is left
    assert timed_factor(0.05 + 0.95 / 3) == pytest.approx(0.75)
    assert timed_factor(1.0) == pytest.approx(0.0)
    assert timed_factor(1.3) == pytest.approx(0.0)


class Clock:
    """A clock that goes one second further whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def test_a_timed_training_ends_averages_and_goes_on(batch, tmp_path, monkeypatch):
    monkeypatch.setattr(timed, "time", Clock())
    torch.manual_seed(0)

    def train(seconds: float, checkpoint=None) -> tuple[TimedTraining, PeopleModule, pl.Trainer]:
        callback, module = TimedTraining(seconds, phases={"pose_steps": 0.5}, average=0.5), PeopleModule(**SMALL)
        trainer = pl.Trainer(
            accelerator="cpu",
            logger=False,
            max_steps=100,
            callbacks=[callback],
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            limit_val_batches=0,
        )
        trainer.fit(module, DataLoader([batch] * 100, batch_size=None), ckpt_path=checkpoint)
        trainer.save_checkpoint(tmp_path / "last.ckpt")
        return callback, module, trainer

    callback, module, trainer = train(12.0)
    assert 3 <= trainer.global_step <= 12  # the clock is looked at up to four times a step
    assert trainer.optimizers[0].param_groups[0]["lr"] < 2e-4  # of 1e-3, near the end
    assert module.pose_steps == 0
    weight = module.network.maps.weight.detach().clone()
    callback.use_average(module)
    assert not torch.equal(module.network.maps.weight, weight)
    elapsed = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"]["TimedTraining"]["elapsed"]
    again, _, trainer = train(elapsed + 20.0, tmp_path / "last.ckpt")
    assert elapsed + 20 <= again.elapsed <= elapsed + 32


def test_no_nan_reaches_a_weight():
    module = PeopleModule(**SMALL)
    weight = module.network.maps.weight
    weight.grad = torch.full_like(weight, math.nan)
    TimedTraining(1.0).on_before_optimizer_step(pl.Trainer(logger=False, barebones=True), module)
    assert not weight.grad.any()
