"""Shards: what is written is read, each sample once an epoch whoever reads, and damage in one line."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from datamodules import BENCHMARKS
from datamodules.shards.datamodule import ShardDataModule
from datamodules.shards.index import read_index
from datamodules.shards.record import decode_sample, encode_sample
from datamodules.shards.write import write_shards
from datamodules.synthetic import SyntheticDataModule
from zoo.cli import main


@pytest.fixture(scope="module")
def root(source, tmp_path_factory):
    """24 samples in 8 shards."""
    folder = tmp_path_factory.mktemp("shards") / "open"
    write_shards((source[index] for index in range(24)), folder, size=3)
    return folder


@pytest.fixture
def make(cache_dir):
    def shards(root, **options):
        samples = {"train_samples": 4, "val_samples": 24, "test_samples": 4, "image_size": 96}
        evaluated = SyntheticDataModule(**samples, cache_dir=str(cache_dir), generator_workers=1, num_workers=0)
        return ShardDataModule(str(root), evaluated, **{"batch_size": 3, "num_workers": 0, "buffer": 6, **options})

    return shards


def flat(batches):
    return [index for batch in batches for index in batch]


def as_rank(monkeypatch, rank, processes=2):
    """What torchrun and Lightning tell a process."""
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(processes))


def test_a_sample_comes_back_as_it_was(source):
    sample = dataclasses.replace(
        source[3],
        dense_points=np.arange(10, dtype=np.float32).reshape(2, 5),
        estimated_root_depth=2.5,
        absolute=False,
        image_name="Ähre.jpg",
        gender="female",
    )
    found = decode_sample(encode_sample(sample, 100))
    for field in dataclasses.fields(sample):
        one, other = getattr(sample, field.name), getattr(found, field.name)
        if field.name == "image":
            assert np.abs(one.astype(int) - other.astype(int)).mean() < 1
        elif field.name == "smpl":
            assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("pose", "betas", "transl"))
        else:
            assert type(one) is type(other)
            assert np.array_equal(one, other), field.name
    with pytest.raises(ValueError, match="it is no sample"):
        decode_sample({"jpg": b"", "npz": b"PK"})


def test_two_processes_with_two_workers_give_every_sample_once_an_epoch(root, make, monkeypatch):
    seen = {0: [], 1: []}
    for rank in (0, 1):
        as_rank(monkeypatch, rank)
        datamodule = make(root, num_workers=2)
        loader = datamodule.train_dataloader()
        loader.processes = 2
        for epoch in (0, 1):
            loader.epoch = lambda epoch=epoch: epoch
            batches = [batch["index"].tolist() for batch in loader]
            assert len(batches) == len(loader) == 4
            seen[epoch] += flat(batches)
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(24))
    assert seen[0] != seen[1]
    assert seen[0] != sorted(seen[0])


def test_processes_with_unequal_shards_give_equally_many_batches(source, tmp_path, make):
    write_shards((source[index] for index in range(11)), tmp_path / "a", size=4)  # 4, 4, 3
    index = read_index(str(tmp_path / "a"))
    for epoch in range(4):
        counts = [sum(shard.samples for shard in part) // 2 for part in index.assigned(0, epoch, 2)]
        assert index.batches(0, epoch, processes=2, workers=1, batch_size=2) == min(counts)
    with pytest.raises(ValueError, match=r"3 shards for 4 loading processes.*fewer num_workers, or write smaller"):
        list(make(tmp_path / "a", num_workers=4).train_dataloader())


class Recorder(pl.LightningModule):
    """Notes which samples Lightning asks for."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.zeros(())), []

    def training_step(self, batch, batch_idx):
        assert batch["vertices"].isfinite().all()
        self.seen.append(batch["index"].tolist())
        return self.weight * 0

    def validation_step(self, batch, batch_idx):
        assert batch["index"].tolist() == list(range(3 * batch_idx, 3 * batch_idx + 3))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Saved(pl.Callback):
    """Checkpoints in the middle and at the end of the first epoch."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_batch_end(self, trainer, pl_module, *_):
        if len(pl_module.seen) in (5, 8):
            trainer.save_checkpoint(self.folder / f"{len(pl_module.seen)}.ckpt")


def test_lightning_trains_on_shards_validates_on_a_benchmark_and_goes_on_where_it_stopped(root, make, tmp_path):
    def fit(path=None, **options):
        module = Recorder()
        trainer = pl.Trainer(max_epochs=2, num_sanity_val_steps=0, accelerator="cpu", logger=False,
                             enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                             **options)  # fmt: skip
        trainer.fit(module, datamodule=make(root), ckpt_path=path)
        return module.seen

    whole = fit(limit_val_batches=1, callbacks=[Saved(tmp_path)])
    epochs = flat(whole[:8]), flat(whole[8:])
    assert [sorted(epoch) for epoch in epochs] == [list(range(24))] * 2
    assert epochs[0] != epochs[1]
    for after in (5, 8):
        assert fit(tmp_path / f"{after}.ckpt", limit_val_batches=0) == whole[after:]


def test_workers_of_unequal_parts_go_on_in_turn(source, tmp_path, make):
    write_shards((source[index] for index in range(11)), tmp_path / "a", size=4)  # 4, 4, 3
    whole = [batch["index"].tolist() for batch in make(tmp_path / "a", batch_size=1, num_workers=2).train_dataloader()]
    for given in (5, 9):
        loader = make(tmp_path / "a", batch_size=1, num_workers=2).train_dataloader()
        loader.load_state_dict({"seed": 0, "given": given, "random": None, "order": 0})
        assert [batch["index"].tolist() for batch in loader] == whole[given:]
    assert (loader.state_dict()["given"], loader.state_dict()["order"]) == (0, 1), "the next epoch starts anew"


def test_damage_is_said_in_one_line(root, make, tmp_path):
    shutil.copytree(root, tmp_path / "a")
    shard = tmp_path / "a" / "000004.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"000004.tar is damaged after \d of 3 samples .*download it again, SHA-256"):
        list(make(tmp_path / "a").train_dataloader())
    shard.unlink()
    with pytest.raises(ValueError, match=r"000004.tar is damaged after 0 of 3 samples \(.*No such file"):
        list(make(tmp_path / "a").train_dataloader())
    index = tmp_path / "a" / "shards.json"
    index.write_text(json.dumps({"shards": [{"name": "../b.tar", "samples": 3, "sha256": ""}]}))
    with pytest.raises(ValueError, match=r"lists '../b.tar'; write the shards again"):
        read_index(str(tmp_path / "a"))
    index.unlink()
    with pytest.raises(FileNotFoundError, match=r"shards.json cannot be read; `zoo data shard` writes it"):
        read_index(str(tmp_path / "a"))
    with pytest.raises(ValueError, match="in a folder or at an https:// address, not at 'pipe:touch b'"):
        read_index("pipe:touch b")


def test_the_command(source, tmp_path, monkeypatch, capsys):
    class Rendered:
        root = tmp_path

        def __init__(self, **_):
            pass

        def source(self, split):
            assert split == "val"
            return source

    monkeypatch.setattr("zoo.cli.commands.data.get_benchmark", lambda _: Rendered)
    name = next(iter(BENCHMARKS))
    words = ["data", "shard", name, "--split", "val", "--out", str(tmp_path / "s"), "--shard-samples", "10"]
    assert main(words) == 0
    assert "24 samples in 3 shards" in capsys.readouterr().out
    assert read_index(str(tmp_path / "s")).samples == 24
    assert main(words) == 2
    assert "is not empty; shards need a folder of their own" in capsys.readouterr().err
    assert main(words[:3]) == 2
    assert capsys.readouterr().err == "zoo: zoo data shard needs --out, a new folder\n"
