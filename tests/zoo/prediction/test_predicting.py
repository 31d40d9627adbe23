"""`zoo.predict`: boxes, crops and cameras."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_settings import make
from skimage import data

import zoo
from body.camera import apply_affine, default_intrinsics
from body.skeleton import SMPL29
from zoo.errors import ZooError
from zoo.prediction.crops import make_crop_batch
from zoo.prediction.detect.people import FoundPerson
from zoo.prediction.inputs import check_boxes
from zoo.prediction.many import predict_images
from zoo.prediction.sources import SourceFile


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:240, 100:420]


def blob(width: int, height: int, x: float, y: float, sigma: float) -> np.ndarray:
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    value = 255 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2))
    return np.repeat(value.round().astype(np.uint8)[..., None], 3, 2)


def centroid(image: torch.Tensor) -> torch.Tensor:
    weight = image[0].double()
    v, u = torch.meshgrid(torch.arange(len(weight)), torch.arange(len(weight)), indexing="ij")
    return torch.stack([(u * weight).sum(), (v * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("scale", [1, 3, 7])
def test_the_affine_says_where_things_land_in_the_crop(scale):
    width, height, x, y = 200 * scale, 150 * scale, 90.3 * scale, 70.8 * scale
    pixels = blob(width, height, x, y, 5 * scale)
    intrinsics = default_intrinsics(width, height).numpy()
    batch = make_crop_batch(pixels, [(40.0 * scale, 20.0 * scale, 100.0 * scale, 90.0 * scale)], intrinsics, 64)
    expected = apply_affine(torch.tensor([[[x, y]]]), batch["crop_affine"])[0, 0].double()
    torch.testing.assert_close(centroid(batch["image"][0]), expected, atol=0.02, rtol=0)
    torch.testing.assert_close(batch["box"][0, 2], torch.tensor(125.0 * scale))


def test_the_batch_has_no_labels_and_the_documented_keys(photo):
    from datamodules.batch import Batch

    batch = make_crop_batch(photo, [(0.0, 0.0, 50.0, 60.0)] * 2, default_intrinsics(320, 240).numpy(), 64)
    assert set(batch) == set(Batch.__annotations__)
    for name in ("joints", "joints_2d", "depth_order", "root_depth", "smpl", "vertices", "iuv"):
        assert not batch[f"{name}_valid"].any()
    assert batch["index"].tolist() == [0, 1]


def test_outside_of_the_photograph_is_black(photo):
    batch = make_crop_batch(photo, [(0.0, 0.0, 100.0, 40.0)], default_intrinsics(320, 240).numpy(), 64)
    assert (batch["image"][0, :, :20] == 0).all()
    assert (batch["image"][0, :, 32] > 0).any()


def test_whole_frame_and_several_boxes(small_model, photo):
    frame = zoo.predict(small_model, photo)
    assert frame.joints.shape == (1, 29, 3)
    assert frame.root_depth_source == "box"
    boxes = [[10, 10, 100, 200], [150, 20, 100, 150]]
    both = zoo.predict(small_model, photo, boxes)
    for number, box in enumerate(boxes):
        alone = zoo.predict(small_model, photo, [box])
        torch.testing.assert_close(both.vertices[number], alone.vertices[0], atol=1e-4, rtol=1e-4)
        x, y, w, h = box
        side = 1.25 * max(w, h)
        offset = (both.joints_2d[number] - torch.tensor([x + w / 2, y + h / 2])).abs()
        assert (offset < side / 2 + 1).all()
    assert not small_model.training


def test_many_people_are_predicted_a_few_at_a_time(small_model, photo, monkeypatch):
    boxes = [(10.0 * number, 5.0 * number, 90.0, 120.0) for number in range(10)]
    monkeypatch.setattr("zoo.prediction.predict._AT_ONCE", 4)
    some = zoo.predict(small_model, photo, boxes)
    monkeypatch.setattr("zoo.prediction.predict._AT_ONCE", 10)
    together = zoo.predict(small_model, photo, boxes)
    assert some.intermediates.keys() == together.intermediates.keys() != set()
    for name, value in together.intermediates.items():
        torch.testing.assert_close(some.intermediates[name], value, atol=1e-3, rtol=1e-4, msg=name)
    for name in ("joints", "joints_2d", "vertices", "boxes"):
        torch.testing.assert_close(getattr(some, name), getattr(together, name), atol=1e-3, rtol=1e-4, msg=name)


def test_crops_are_as_wide_as_in_the_model_s_training(small_model, root_net, photo):
    """A box with twice the margin is a box twice as large; RootNet keeps its own margin."""
    wide = copy.copy(small_model)
    wide.crop_margin = 2 * small_model.crop_margin
    box, twice = (110.0, 80.0, 60.0, 60.0), (80.0, 50.0, 120.0, 120.0)
    expected = zoo.predict(small_model, photo, [twice]).vertices
    torch.testing.assert_close(zoo.predict(wide, photo, [box]).vertices, expected)
    file = SourceFile(Path("a.jpg"), Path(), "a")
    (of_file,) = predict_images(wide, iter([(file, photo)]), lambda _: [[FoundPerson(box, 1.0)]], None, 1)
    torch.testing.assert_close(of_file.people[0][0].vertices, expected)
    camera = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])
    near, far = zoo.predict(wide, photo, [box], camera), zoo.predict(wide, photo, [box], camera, root_net)
    own, root_net_s = 2 * 300 / (2 * 1.25 * 60), 1.5 * 2 * 300 / (1.25 * 60)  # how far away crops of 2 m are
    torch.testing.assert_close(
        far.joints[0, 0, 2] - near.joints[0, 0, 2], torch.tensor(root_net_s - own), atol=1e-3, rtol=0
    )


def test_a_known_camera_moves_the_person_away(small_model, photo):
    near = np.array([[200.0, 0, 159.5], [0, 200.0, 119.5], [0, 0, 1]])
    far = near * [[2], [2], [1]] - [[0, 0, 159.5], [0, 0, 119.5], [0, 0, 0]]
    depths = [zoo.predict(small_model, photo, [[100, 50, 100, 150]], k).joints[0, :, 2].mean() for k in (near, far)]
    assert 1.8 < depths[1] / depths[0] < 2.2


def test_boxes_are_cut_to_the_image():
    assert check_boxes([[-10, -20, 50, 60]], 100, 80) == [(0, 0, 40, 40)]
    assert check_boxes([[90, 70, 50, 60]], 100, 80) == [(90, 70, 10, 10)]
    assert check_boxes(None, 100, 80) == [(0, 0, 100, 80)]
    assert check_boxes(np.array([[1, 2, 3, 4]]), 100, 80) == [(1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([200, 10, 20, 20], "outside of the image of 100 x 80"),
        ([-50, 10, 50, 20], "outside"),
        ([10, 10, 0, 20], "is empty"),
        ([10, 10, 20, -5], "is empty"),
        ([10, 10, float("nan"), 20], "four numbers"),
        ([10, 10, 20], "four numbers"),
    ],
)
def test_impossible_boxes(box, message):
    with pytest.raises(ZooError, match=message):
        check_boxes([box], 100, 80)


def test_impossible_arguments(small_model, photo):
    with pytest.raises(ZooError, match="list of boxes is empty"):
        zoo.predict(small_model, photo, [])
    with pytest.raises(ZooError, match="3 x 3 matrix"):
        zoo.predict(small_model, photo, None, np.zeros((3, 3)))


@pytest.fixture
def root_net():
    from lightning_modules.rootnet.module import RootNetModule

    torch.manual_seed(0)
    model = make(RootNetModule, backbone="resnet18_tiny", crop_size=96, head_channels=8)
    torch.nn.init.constant_(model.network.depth.bias, 1.5)
    torch.nn.init.zeros_(model.network.depth.weight)
    return model


def test_root_net_says_how_far_away_people_are(small_model, root_net, photo):
    """One that corrects every box by 1.5 puts people there, whatever the crop size of the method."""
    boxes, camera = [[10, 10, 100, 200], [150, 20, 100, 150]], np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])
    near, far = zoo.predict(small_model, photo, boxes, camera), zoo.predict(small_model, photo, boxes, camera, root_net)
    assert (near.root_depth_source, far.root_depth_source) == ("box", "rootnet")
    pinhole = 2 * 300 / (1.25 * torch.tensor([200.0, 150.0]))
    torch.testing.assert_close(far.joints[:, 0, 2] - near.joints[:, 0, 2], 0.5 * pinhole, atol=1e-3, rtol=0)
    torch.testing.assert_close(far.joints_2d, near.joints_2d, atol=0.05, rtol=0)
    assert root_net.training


def test_converted_root_net_is_found(small_model, root_net, photo, tmp_path, monkeypatch):
    from zoo.checkpoints.listing import get_checkpoint
    from zoo.checkpoints.store import store_converted

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert zoo.predict(small_model, photo).root_depth_source == "box"
    entry = dataclasses.replace(get_checkpoint("rootnet"), config=dict(root_net.hparams))
    path = store_converted(entry, root_net.state_dict(), {"weights": entry.name})
    found = zoo.predict(small_model, photo)
    assert found.root_depth_source == "rootnet"
    torch.testing.assert_close(found.joints, zoo.predict(small_model, photo, root_net=root_net).joints)
    path.with_suffix(".json").unlink()
    with pytest.raises(ZooError, match="has no provenance beside it; run zoo convert rootnet FILE"):
        zoo.predict(small_model, photo)


def test_a_body_s_root_net_is_not_asked_about_hands(small_model, root_net, photo, monkeypatch):
    monkeypatch.setattr(root_net, "predict_step", lambda batch, number: pytest.fail("RootNet was asked about a hand"))
    monkeypatch.setattr(small_model, "skeleton", dataclasses.replace(SMPL29, root="left_wrist"))
    assert zoo.predict(small_model, photo, root_net=root_net).root_depth_source == "box"
