"""Every method under a bare `pl.Trainer`, with what Lightning offers, as its documentation writes it."""

import copy

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from contract import Leaves
from pytorch_lightning import callbacks
from pytorch_lightning.loggers.logger import DummyLogger
from pytorch_lightning.tuner import Tuner

import zoo
from datamodules.mixed import MixedDataModule
from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule
from lightning_modules.hemlets.config import HemletsConfig, HemletsLossConfig
from lightning_modules.hemlets.module import HemletsModule

METHODS = ("cascaded_lifting", "danet", "hemlets", "i2l_meshnet", "nbf")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def data(cache):
    def make(model, train=4, batch=2):
        skeleton = (model.batch_skeleton or model.skeleton).name
        crops = CropSettings(size=model.crop_size, skeleton=skeleton)
        samples = {"train_samples": train, "val_samples": 2, "test_samples": 2, "image_size": 64}
        return SyntheticDataModule(
            **samples, cache_dir=cache, generator_workers=1, crops=crops, batch_size=batch, num_workers=0
        )

    return make


@pytest.fixture
def trainer(tmp_path):
    def make(**options):
        quiet = {"enable_progress_bar": False, "logger": False, "enable_model_summary": False}
        return pl.Trainer(**{"accelerator": "cpu", "default_root_dir": tmp_path, **quiet, **options})

    return make


class Weights(callbacks.Callback):
    """Copies of the weights before every epoch and after every step."""

    def __init__(self):
        self.starts, self.steps = [], []

    def on_train_epoch_start(self, trainer, pl_module):
        self.starts.append([weight.detach().clone() for weight in pl_module.network.parameters()])

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.steps.append([weight.detach().clone() for weight in pl_module.network.parameters()])


def same(weights, expected):
    for weight, other in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight, other)


@pytest.mark.parametrize("method", METHODS)
def test_precisions_that_are_refused_before_data_are_prepared(method, data, trainer):
    model = zoo.load(f"{method}.open_tiny")
    split = data(model)
    split.prepare_data = split.setup = None
    for precision in ("bf16-true", "16-true", "64-true"):
        run = trainer(precision=precision)
        for action in (run.fit, run.validate, run.test, run.predict):
            with pytest.raises(ValueError, match=f"^precision {precision} is not supported.*use bf16-mixed.*$"):
                action(model, datamodule=split)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("method", ["cascaded_lifting", "i2l_meshnet", "hemlets"])
def test_batches_of_one(method, data, trainer):
    """They work where batch norms see maps; where they see one number a sentence says so."""
    model, run = zoo.load(f"{method}.open_tiny"), trainer(max_steps=1, limit_val_batches=0)
    if method == "hemlets":
        run.fit(model, datamodule=data(model, batch=1))
        assert run.global_step == 1
    else:
        with pytest.raises(ValueError, match="set batch_size: 2 or more"):
            run.fit(model, datamodule=data(model, batch=1))


def test_numpy_numbers_as_hyper_parameters(data, trainer, tmp_path):
    lr, alpha = np.logspace(-4, -3, 1)[0], np.float64(0.5)
    network = HemletsConfig(backbone="resnet18_tiny", crop_size=64, head_channels=16, feature_channels=16)
    model = HemletsModule(network=network, losses=HemletsLossConfig(alpha=alpha), lr=lr)
    run = trainer(max_steps=1, limit_val_batches=0)
    run.fit(model, datamodule=data(model))
    run.save_checkpoint(tmp_path / "a.ckpt")
    torch.load(tmp_path / "a.ckpt", weights_only=True)
    again = HemletsModule.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    assert (again.hparams["lr"], again.hparams["losses"]["alpha"]) == (1e-4, 0.5)


@pytest.mark.parametrize("broken", ["loss", "weights"])
def test_a_training_that_became_nan_ends_before_it_is_saved(broken, data, trainer, tmp_path):
    class Broken(callbacks.Callback):
        def on_before_zero_grad(self, trainer, pl_module, optimizer):
            if trainer.global_step == 1:
                next(pl_module.parameters()).data.fill_(torch.nan)

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            batch["image"].fill_(torch.nan)

    hook = "on_train_batch_start" if broken == "loss" else "on_before_zero_grad"
    own = type("One", (callbacks.Callback,), {hook: getattr(Broken, hook)})()
    model = zoo.load("hemlets.open_tiny")
    run = trainer(max_epochs=3, limit_val_batches=0, callbacks=[own, callbacks.ModelCheckpoint(tmp_path / "saved")])
    with pytest.raises(FloatingPointError, match="NaN or infin"):
        run.fit(model, datamodule=data(model))
    assert not list((tmp_path / "saved").glob("*"))


def test_nbf_s_traced_network_gives_the_same_for_other_images():
    model = zoo.load("nbf.open_tiny")
    network, side = Leaves(model.network), model.network.input_size
    first, other = torch.rand(1, 3, side, side), torch.rand(2, 3, side, side)
    with torch.no_grad():
        traced = torch.jit.trace(network, first, check_trace=False)
        for ours, expected in zip(traced(other), network(other), strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


class Seen(callbacks.Callback):
    """Indices and pixels of the training batches; checkpoints are written after some of them."""

    def __init__(self, folder=None, after=()):
        self.folder, self.after, self.batches = folder, after, []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.batches.append((trainer.current_epoch, batch["index"].tolist(), batch["image"].sum().item()))
        if len(self.batches) in self.after:
            trainer.save_checkpoint(self.folder / f"{len(self.batches)}.ckpt")


@pytest.mark.parametrize(("mix", "accumulate", "places"), [(False, 1, (2, 3)), (True, 2, (2,))])
def test_resumed_in_the_middle_of_an_epoch_and_at_its_end(mix, accumulate, places, data, trainer, tmp_path):
    """The same batches, augmented alike, and the same weights as without an interruption."""

    def split(model):
        one = data(model, train=8)
        return MixedDataModule([one, data(model)], crops=one.crops, batch_size=2, num_workers=0) if mix else one

    torch.manual_seed(0)
    whole, uninterrupted = Seen(tmp_path, places), zoo.load("hemlets.open_tiny", lr=1e-3)
    options = {"max_epochs": 2, "limit_val_batches": 0, "limit_train_batches": 3}
    options["accumulate_grad_batches"] = accumulate
    trainer(**options, callbacks=[whole]).fit(uninterrupted, split(uninterrupted))
    assert len(whole.batches) == 6
    if not mix:  # whose parts number their samples alike
        assert len({index for _, row, _ in whole.batches[:3] for index in row}) == 6
    assert whole.batches[:3] != whole.batches[3:], "both epochs have one order"
    for after in places:
        torch.manual_seed(1)
        rest, resumed = Seen(), zoo.load("hemlets.open_tiny", lr=1e-3)
        trainer(**options, callbacks=[rest]).fit(resumed, split(resumed), ckpt_path=tmp_path / f"{after}.ckpt")
        assert rest.batches == whole.batches[after:]
        for name, value in uninterrupted.state_dict().items():
            assert torch.equal(resumed.state_dict()[name], value), name


@pytest.mark.parametrize("method", METHODS)
def test_default_settings(method, data, tmp_path):
    model = zoo.load(f"{method}.open_tiny")
    before = copy.deepcopy(model.network.state_dict())
    trainer = pl.Trainer(max_steps=1, accelerator="cpu", default_root_dir=tmp_path, enable_progress_bar=False)
    trainer.fit(model, datamodule=data(model))
    assert any(not torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
    (validated,), (tested,) = trainer.validate(model, data(model), verbose=False), trainer.test(model, data(model))
    assert {name.partition("/")[0] for name in (*validated, *tested)} == {"val", "test"}
    (predicted,) = trainer.predict(model, datamodule=data(model))
    split = data(model)
    batch = split.on_after_batch_transfer(next(iter(split.test_dataloader())), 0)
    with torch.inference_mode():
        torch.testing.assert_close(predicted.joints, model.eval().predict_step(batch, 0).joints)


@pytest.mark.parametrize("method", METHODS)
def test_summary_by_rich_and_learning_rate_finder(method, data, trainer, capsys):
    model = zoo.load(f"{method}.open_tiny")
    run = trainer(max_steps=1, callbacks=[callbacks.RichModelSummary(max_depth=1)], enable_model_summary=True)
    run.fit(model, datamodule=data(model))
    assert "network" in capsys.readouterr().out
    split, run = data(model, train=12), trainer(max_epochs=1, limit_val_batches=0)
    finder = Tuner(run).lr_find(model, datamodule=split, num_training=3, max_lr=1e-4, update_attr=False)
    rates = finder.results["lr"]
    assert len(rates) == len(finder.results["loss"]) >= 2
    assert rates == sorted(rates)
    run.fit(model, datamodule=split)
    assert run.global_step == 6, "the trial's data are not the training's"


@pytest.mark.parametrize("method", METHODS)
def test_training_in_mixed_precision_stays_finite(method, data, trainer):
    model, weights = zoo.load(f"{method}.open_tiny"), Weights()
    trainer(precision="bf16-mixed", max_steps=2, limit_val_batches=0, callbacks=[weights]).fit(model, data(model))
    first, last = weights.starts[0], weights.steps[-1]
    assert all(weight.isfinite().all() and weight.dtype == torch.float32 for weight in last)
    assert any(not torch.equal(one, other) for one, other in zip(first, last, strict=True))


def test_batch_size_finder(data, trainer):
    model = zoo.load("hemlets.open_tiny")
    split = data(model, train=16)
    tuner = Tuner(trainer(max_epochs=1))
    size = tuner.scale_batch_size(model, datamodule=split, init_val=2, max_trials=2, steps_per_trial=1)
    assert size == split.batch_size == 4


def test_stochastic_weight_averaging(data, trainer):
    model, weights = zoo.load("hemlets.open_tiny"), Weights()
    average = callbacks.StochasticWeightAveraging(swa_lrs=1e-4, swa_epoch_start=1)
    run = trainer(max_epochs=3, limit_train_batches=1, limit_val_batches=0, callbacks=[average, weights])
    run.fit(model, datamodule=data(model))
    *averaged, last = weights.starts  # Lightning adds an epoch, with the average, for batch norm's statistics
    assert len(averaged) == 3
    same(last, [torch.stack(starts).mean(0) for starts in zip(*averaged, strict=True)])


def test_exponential_average_of_weights(data, trainer):
    averaging = getattr(callbacks, "EMAWeightAveraging", None)
    if averaging is None:
        pytest.skip("this Lightning has no EMAWeightAveraging")
    model, weights = zoo.load("hemlets.open_tiny"), Weights()
    run = trainer(max_steps=3, limit_val_batches=0, callbacks=[weights, averaging(decay=0.5)])
    run.fit(model, datamodule=data(model, train=6))
    average = weights.steps[0]
    for step in weights.steps[1:]:
        average = [0.5 * old + 0.5 * new for old, new in zip(average, step, strict=True)]
    same(model.network.parameters(), average)


def test_accumulation_and_limits(data, trainer):
    model = zoo.load("hemlets.open_tiny")
    run = trainer(max_epochs=1, accumulate_grad_batches=2, limit_train_batches=4, limit_val_batches=1)
    run.fit(model, datamodule=data(model, train=12))
    assert run.global_step == 2
    assert len(trainer(limit_predict_batches=1).predict(model, data(model, batch=1))) == 1
    assert trainer(limit_test_batches=0.5).test(model, data(model, batch=1), verbose=False)


def test_own_logger_best_checkpoint_and_early_stopping(data, trainer, tmp_path):
    class Log(DummyLogger):
        def __init__(self):
            super().__init__()
            self.names = set()

        def log_metrics(self, metrics, step=None):
            self.names.update(metrics)

    model = zoo.load("hemlets.open_tiny")
    best = callbacks.ModelCheckpoint(tmp_path, monitor="val/mpjpe")
    patient = callbacks.EarlyStopping(monitor="val/mpjpe", patience=1, min_delta=1e6)  # nothing improves that much
    log = Log()
    run = trainer(
        max_epochs=5, limit_train_batches=1, logger=log, callbacks=[best, patient], log_every_n_steps=1, precision=32
    )
    run.fit(model, datamodule=data(model))
    assert run.current_epoch == 2
    assert {"train/loss", "val/mpjpe"} <= log.names
    again = type(model).load_from_checkpoint(best.best_model_path)
    assert float(best.best_model_score) == pytest.approx(
        trainer().validate(again, data(model), verbose=False)[0]["val/mpjpe"], rel=1e-4
    )
