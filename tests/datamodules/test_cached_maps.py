"""Maps of a frozen backbone, computed once: the same as those of its images, with the labels of their crops."""

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks import cached_maps
from benchmarks.cached_maps import CachedMaps, MapBatches, read_from_maps
from body.camera import apply_affine, project
from body.skeleton import H36M18
from datamodules.open_v2.feed.background import Backgrounds, plain_backgrounds
from datamodules.open_v2.feed.batch import BatchMaker
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.open_v2.feed.record import row_type, write_row
from datamodules.open_v2.feed.stand_in import StandIn
from datamodules.settings import CropSettings
from lightning_modules.common.backbones import create_backbone, create_pyramid
from lightning_modules.common.normalisation import Normalise

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    buffer, row, maker = ReplayBuffer(2, 96, CPU, folder / "train.samples"), np.zeros(1, row_type(96)), StandIn(96)
    for index in range(2):
        write_row(row[0], maker.make("train", index), index)
        buffer.add(np.frombuffer(row.tobytes(), np.uint8))
    buffer.flush()
    torch.manual_seed(0)
    save_file(create_pyramid("people_movenet").net.state_dict(), folder / "people.safetensors")
    words = ["--samples", folder / "train.samples", "--capacity", 2, "--picture", 96, "--out", folder / "maps"]
    words += ["--count", 3, "--weights", folder / "people.safetensors"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cached_maps", *map(str, words)])
        patch.setattr(cached_maps, "_CHUNK", 2)
        cached_maps.main()
    return folder


def batches(cache, **settings):
    crops = CropSettings(**{"skeleton": "h36m18", "size": 192, "iuv_size": 48} | settings)
    maker = BatchMaker(crops, Backgrounds(plain_backgrounds(1), CPU), CPU)
    return MapBatches(CachedMaps(cache / "maps"), maker, 2)


def test_labels_are_those_of_the_crops_in_the_method_s_joints(cache):
    assert len(CachedMaps(cache / "maps")) == 3
    batch = next(iter(batches(cache)))
    assert batch["joints"].shape == (2, len(H36M18), 3)
    pixels = apply_affine(project(batch["joints"], batch["intrinsics"]), batch["crop_affine"])
    valid = batch["joints_2d_valid"]
    torch.testing.assert_close(pixels[valid], batch["joints_2d"][valid], atol=0.05, rtol=1e-3)
    assert batch["iuv"].shape == (2, 3, 48, 48)
    assert batch["iuv"][:, 0].any()
    with pytest.raises(ValueError, match="maps of crops of 192 pixels are kept, not of 128"):
        next(iter(batches(cache, size=128)))


@pytest.mark.parametrize("stride", [4, 8, None])
def test_a_backbone_answers_with_the_maps_of_the_image(cache, stride):
    weights = str(cache / "people.safetensors")
    image = torch.rand(1, 3, 192, 192)
    whole = create_pyramid("people_movenet", weights).eval()
    tops = []
    whole.net.people_top.register_forward_hook(lambda *call: tops.append(call[-1]))
    module = Module(create_backbone("people_movenet", weights, maps=(-1,), output_stride=stride)).eval()
    with torch.no_grad():
        seen = Normalise(whole.mean, whole.std)(image)
        maps = dict(zip(cached_maps._SHAPES, [*whole(seen), *tops], strict=True))
        (expected,) = module.network.backbone(seen)
        undo = read_from_maps(module)
        torch.testing.assert_close(module.losses({"maps": maps, "image": torch.zeros(1)}), expected)
        undo()
        torch.testing.assert_close(module.losses({"image": seen}), expected)


class Module(nn.Module):
    """Hands out the backbone's answer to the batch's image."""

    def __init__(self, backbone):
        super().__init__()
        self.network = nn.Module()
        self.network.backbone = backbone

    def losses(self, batch):
        return self.network.backbone(batch["image"])[-1]
