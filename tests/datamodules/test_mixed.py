"""Training sets mixed from several benchmarks."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from datamodules.mixed import MixedDataModule, MixSampler
from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule

SIZES = (10, 1000, 37)
SHARES = (0.5, 0.25, 0.25)


def sets(positions):
    return np.searchsorted(np.cumsum(SIZES), positions, side="right")


def test_every_batch_has_the_shares():
    sampler = MixSampler(SIZES, SHARES, 800, 16, exact=True)
    batches = sets(list(sampler)).reshape(-1, 16)
    assert len(sampler) == 800
    assert [np.bincount(batch, minlength=3).tolist() for batch in batches] == [[8, 4, 4]] * 50
    assert len({tuple(batch) for batch in batches}) > 1  # not in the same order


def test_shares_that_do_not_divide_a_batch_are_off_by_less_than_one_sample():
    sampler = MixSampler(SIZES, (0.6, 0.3, 0.1), 900, 9, exact=True)
    batches = sets(list(sampler)).reshape(-1, 9)
    counts = np.array([np.bincount(batch, minlength=3) for batch in batches])
    assert (np.abs(counts - 9 * np.array([0.6, 0.3, 0.1])) < 1).all()
    np.testing.assert_allclose(counts.mean(0) / 9, [0.6, 0.3, 0.1], atol=0.02)


def test_samples_drawn_one_by_one_have_the_shares_on_average():
    counts = np.bincount(sets(list(MixSampler(SIZES, SHARES, 20000, 20, exact=False))), minlength=3)
    np.testing.assert_allclose(counts / 20000, SHARES, atol=5 * np.sqrt(0.25 / 20000))


def test_a_set_is_seen_whole_before_any_sample_comes_again():
    positions = np.array(list(MixSampler(SIZES, SHARES, 800, 16, exact=True)))
    small = positions[positions < 10]
    assert (np.sort(small.reshape(-1, 10), axis=1) == np.arange(10)).all()
    large = positions[sets(positions) == 1]
    assert len(set(large)) == len(large) == 200


def test_epochs_differ_and_repeat_with_their_number():
    sampler = MixSampler(SIZES, SHARES, 160, 16, exact=True)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert first == list(sampler)
    assert first != second


def test_processes_take_disjoint_samples():
    ranks = [list(MixSampler((400, 400), (0.5, 0.5), 160, 16, True, 2, rank)) for rank in range(2)]
    assert not set(ranks[0]) & set(ranks[1])
    assert all(len(set(own)) == 160 for own in ranks)


@pytest.fixture
def make(cache_dir):
    def part(samples, seed=0):
        options = {"val_samples": 4, "test_samples": 8, "image_size": 96, "generator_workers": 1, "seed": seed}
        return SyntheticDataModule(train_samples=samples, cache_dir=str(cache_dir), **options)

    def mix(**options):
        crops = CropSettings("h36m17", size=48)
        parts = [part(24), part(6, seed=1)]
        return MixedDataModule(parts, **{"crops": crops, "batch_size": 4, "num_workers": 0} | options)

    return mix


def test_batches_come_from_all_parts_in_the_layout_of_the_mix(make):
    datamodule = make(shares=[3.0, 1.0], epoch_samples=16)
    datamodule.setup("fit")
    batches = list(datamodule.train_dataloader())
    assert len(batches) == 4
    second = datamodule.parts[1].source("train")
    shapes = np.stack([second[index].smpl.betas for index in range(len(second))])
    for batch in batches:
        assert batch["image"].shape == (4, 3, 48, 48)
        assert batch["joints"].shape == (4, 17, 3)
        same = np.isclose(batch["betas"][:, None], shapes, atol=1e-5).all(-1).any(1)
        assert same.sum() == 1  # a quarter of four


def test_evaluation_is_that_of_one_benchmark(make):
    datamodule = make()
    assert datamodule.protocol == "open-v1"
    assert datamodule.fingerprint("test") == datamodule.parts[0].fingerprint("test")
    assert datamodule.fingerprint("train") != datamodule.parts[0].fingerprint("train")
    assert make(shares=[1.0, 2.0]).fingerprint("train") != datamodule.fingerprint("train")
    with pytest.raises(ValueError, match="not the test split"):
        datamodule.check_test_split()  # eight samples are not the benchmark
    assert len(datamodule.dataset("val")) == 4


@pytest.mark.parametrize("options", [{"shares": [1.0]}, {"shares": [1.0, 0.0]}])
def test_shares_that_fit_no_parts_are_refused(make, options):
    with pytest.raises(ValueError, match="share of each"):
        make(**options)


class Recorder(pl.LightningModule):
    """Notes which samples Lightning asks for."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, tuple(batch["betas"][:, 0].tolist())))
        return self.weight * 0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_lightning_gives_every_epoch_its_own_order(make):
    module = Recorder()
    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False)  # fmt: skip
    trainer.fit(module, datamodule=make(epoch_samples=8))
    assert [epoch for epoch, _ in module.seen] == [0, 0, 1, 1]
    assert module.seen[0][1] != module.seen[2][1]
