"""What every method promises: one class of tests that a method's own tests inherit.

class TestContract(MethodContract):
    module = staticmethod(lambda: SomeModule(...))  # small, newly made
"""

import io

import pytest
import pytorch_lightning as pl
import torch
from people import make_batch
from torch.utils._pytree import tree_leaves

from lightning_modules.prediction import Prediction

BODY = {"v_template", "shapedirs", "posedirs", "lbs_weights", "regressor", "joint_regressor", "faces"}
PLAIN = (str, int, float, bool, list, dict, type(None))


class Leaves(torch.nn.Module):
    """A network whose answer is a plain tuple of tensors: an exported program can be stored without its classes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return tuple(leaf for leaf in tree_leaves(self.network(image)) if leaf is not None)


class MethodContract:
    """Tests of a method; a subclass gives `module` and, where they differ, `batch`, `silent` and `tolerance`."""

    silent = ()
    """Ends of names of weights that cannot matter: biases before a batch norm or a softmax."""
    tolerance = 0.05
    """Share by which the sum of the losses may differ under bf16 autocast."""

    @staticmethod
    def module():
        raise NotImplementedError

    def batch(self, size, crop):
        return make_batch(size, crop)

    @pytest.fixture
    def made(self):
        torch.manual_seed(0)
        module = self.module()
        for layer in module.network.modules():  # residual branches start at zero, which hides what is inside of them
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.ones_(layer.weight)
        return module, self.batch(3, module.example_input_array.shape[-1])

    def test_every_weight_gets_a_gradient(self, made):
        module, batch = made
        sum(module.losses(batch).values()).backward()
        trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        without = {name for name, weight in trained.items() if weight.grad is None or not weight.grad.any()}
        assert {name for name in without if not name.endswith(self.silent)} == set()
        # a process of a distributed training may see a batch without labels: its gradients are zeros, not missing
        batch |= {name: torch.zeros_like(value) for name, value in batch.items() if name.endswith("_valid")}
        module.zero_grad()
        sum(module.losses(batch).values()).backward()
        assert {name for name, weight in trained.items() if weight.grad is None} == set()

    def test_exported_network_gives_the_same_after_a_round_trip(self, made):
        module, batch = made
        network, image = Leaves(module.network).eval(), batch["image"]
        program = torch.export.export(network, (image,), dynamic_shapes=({0: torch.export.Dim("batch", min=2, max=8)},))
        stored = io.BytesIO()
        torch.export.save(program, stored)
        stored.seek(0)
        again = torch.export.load(stored).module()
        with torch.no_grad():
            for ours, expected in zip(again(image[:2]), network(image[:2]), strict=True):
                torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)

    def test_lightning_checkpoint_round_trip(self, made, tmp_path):
        module, _ = made
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
        trainer.strategy.connect(module)
        trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=True)
        content = torch.load(tmp_path / "a.ckpt", weights_only=True)
        assert all(type(value) in PLAIN for value in content["hyper_parameters"].values())
        assert not {name.rpartition(".")[2] for name in content["state_dict"]} & BODY, "a body in a checkpoint"
        again = type(module).load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
        for name, value in again.state_dict().items():
            assert torch.equal(value, module.state_dict()[name]), name

    def test_people_do_not_depend_on_those_beside_them(self, made):
        module, batch = made
        module.eval()
        with torch.no_grad():
            together = module.predict(batch)
            alone = module.predict({key: value[:1] for key, value in batch.items()})
        assert isinstance(together, Prediction)
        assert together.joints.shape == (3, len(together.skeleton), 3)
        torch.testing.assert_close(together.joints[:1], alone.joints, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.joints_2d[:1], alone.joints_2d, atol=0.05, rtol=1e-4)
        if together.vertices is not None:
            torch.testing.assert_close(together.vertices[:1], alone.vertices, atol=1e-4, rtol=1e-4)

    def test_bf16_losses_are_close_to_fp32(self, made):
        module, batch = made
        with torch.no_grad():
            expected = module.losses(batch)
            with torch.autocast("cpu", torch.bfloat16):
                losses = module.losses(batch)
        assert losses.keys() == expected.keys()
        assert all(value.isfinite() for value in losses.values())
        total, exact = (torch.stack(list(terms.values())).sum().item() for terms in (losses, expected))
        assert total == pytest.approx(exact, rel=self.tolerance)
