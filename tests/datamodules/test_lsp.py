"""LSP, LSP-Extended and UPi-S1h, in their authors' files, and part labels as a protocol."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from fake import lsp
from fake.oracle import prediction_of
from fake.people import body_called, make_camera, make_image, make_people, write_image
from fake.run import fit_and_test
from scipy.io import loadmat, savemat

from body.crop_labels import uncrop_labels
from body.maps import label_map
from body.parts import face_parts, merge_table
from body.skeleton import LSP14, SPIN24
from datamodules.lsp import LspDataModule, LspExtendedDataModule
from datamodules.settings import CropSettings
from metrics import build_task
from tests.unchecked import unchecked

SMALL = CropSettings(size=96)
TEST = (1001, 1002, 1003)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root, upi = tmp_path_factory.mktemp("lsp"), tmp_path_factory.mktemp("upi_s1h")
    (root / "images").mkdir()
    truth = lsp.write_lsp(root)
    return root, upi, truth, lsp.write_upi(upi, {number: truth[number] for number in TEST})


def make(copy, **options):
    return unchecked(
        LspDataModule,
        str(copy[0]),
        upi_s1h=str(copy[1]),
        **{"protocol": "lsp-upi-parts", "crops": SMALL, "batch_size": 2, "num_workers": 0} | options,
    )


def test_the_first_thousand_are_for_training(copy):
    data = make(copy)
    train, test = data.table("train"), data.table("test")
    assert (len(train), len(test)) == (1000, 3)
    assert train.skeleton == LSP14
    assert [test.images[row] for row in range(3)] == [f"images/im{number}.jpg" for number in TEST]
    rows = [(train, 0, 1), (train, 1, 2), (train, 999, 1000), *((test, row, n) for row, n in enumerate(TEST))]
    for table, row, number in rows:
        pixels = copy[2][number].pixels(LSP14)
        np.testing.assert_allclose(table.joints_2d[row], pixels, atol=1e-4)
        np.testing.assert_allclose(table.boxes[row], [*pixels.min(0), *np.ptp(pixels, axis=0)], atol=1e-3)
        assert table.joints_2d_valid[row].all()
    width = copy[2][1003].camera.size[0]
    assert test.intrinsics[2][2] == pytest.approx((width - 1) / 2)


def test_training_can_have_the_full_resolution(copy, tmp_path):
    (tmp_path / "images").mkdir()
    lsp.write_lsp(tmp_path, lambda joints: 2 * joints)
    data = make(copy, high_resolution=str(tmp_path))
    np.testing.assert_allclose(data.table("train").joints_2d[1], 2 * copy[2][2].pixels(LSP14), atol=1e-3)
    np.testing.assert_allclose(data.table("test").joints_2d[0], copy[2][1001].pixels(LSP14), atol=1e-4)


@pytest.mark.parametrize("high_resolution", [False, True])
def test_marked_joints_of_the_extended_set_count(tmp_path, high_resolution):
    people = lsp.write_extended(tmp_path, high_resolution)
    table = LspExtendedDataModule(str(tmp_path)).table("train")
    assert len(table) == 2  # nobody is marked in the third
    for row in range(2):
        seen = np.arange(14) != row
        assert table.joints_2d_valid[row].tolist() == seen.tolist()
        np.testing.assert_allclose(table.joints_2d[row][seen], people[row].pixels(LSP14)[seen], atol=1e-4)
        assert (tmp_path / table.images[row]).is_file()


def evaluate(copy, predict, protocol="lsp-upi-parts"):
    data = make(copy)
    task, start = build_task(protocol), 0
    for batch in data.test_dataloader():
        batch = data.on_after_batch_transfer(batch, 0)
        people = [copy[2][number] for number in TEST[start : start + len(batch["image"])]]
        task.update(predict(people, batch), batch)
        start += len(people)
    return task.compute()


def test_a_mesh_scores_by_its_rendered_parts(copy):
    values = evaluate(copy, lambda people, _: prediction_of(people, "smpl29"))
    assert values["n"] == 3
    # a column of every picture is not drawn: for the part accuracy it is background, which the mesh covers
    assert values["fb_accuracy"] > 99.5
    assert values["fb_f1"] > 0.99
    assert values["part_f1"] > 0.98
    assert 97 < values["part_accuracy"] < 99.9

    def moved(people, _):
        prediction = prediction_of(people, "smpl29")
        prediction.vertices[..., 0] += 0.4
        return prediction

    assert evaluate(copy, moved)["fb_f1"] < 0.9

    def mirrored(people, batch):
        prediction, wrong = prediction_of(people, "smpl29"), batch["part_labels"]
        for row, labels in enumerate(wrong):
            wrong[row] = torch.from_numpy(np.array([0, 1, 2, 4, 3, 6, 5, *[255] * 249], np.uint8)[labels.numpy()])
        return prediction

    assert evaluate(copy, mirrored)["part_f1"] < 0.6


@pytest.mark.parametrize("kind", ["scores", "labels", "fine"])
def test_part_maps_of_crops_come_back_into_the_photograph(copy, kind):
    body = body_called("open")
    faces = face_parts(body.lbs_weights.numpy(), body.faces, 24)

    def predict(people, batch):
        maps = []
        for person, affine in zip(people, batch["crop_affine"].double().numpy(), strict=True):
            fine = label_map(person.vertices, body.faces, faces, person.camera.intrinsics, person.camera.size)
            crop = cv2.warpAffine(fine, affine, (96, 96), flags=cv2.INTER_NEAREST)
            maps.append(torch.from_numpy(crop if kind == "fine" else merge_table(6)[crop]).long())
        stacked = torch.stack(maps)
        if kind != "labels":
            stacked = torch.nn.functional.one_hot(stacked, 25 if kind == "fine" else 7).permute(0, 3, 1, 2).float()
        prediction = prediction_of(people, "smpl29")
        prediction.intermediates["parts"] = stacked
        prediction.vertices[:] = 0  # the maps count
        return prediction

    values = evaluate(copy, predict)
    assert values["fb_f1"] > 0.95, values
    assert values["part_f1"] > 0.85, values


def test_a_crop_is_put_back_pixel_by_pixel():
    """Against a loop over the image's pixels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 7, (8, 8)).astype(np.uint8)
    affine = np.array([[0.7, 0.1, -3.3], [-0.1, 0.7, 2.1]])
    size = (40, 30)
    expected = np.zeros(size[::-1], np.uint8)
    for y in range(size[1]):
        for x in range(size[0]):
            # a crop of 16 pixels, labels of two pixels each
            u, v = ((affine @ (x, y, 1)) + 0.5) / 2 - 0.5
            column, row = round(u), round(v)
            if 0 <= column < 8 and 0 <= row < 8:
                expected[y, x] = labels[row, column]
    found = uncrop_labels(labels, affine, 16, size)
    assert (found == expected).mean() > 0.98  # OpenCV rounds positions to 1/32 pixel


def test_methods_without_parts_are_told_so(copy):
    def predict(people, _):
        prediction = prediction_of(people, "smpl29")
        prediction.intermediates["parts"] = torch.zeros(len(people), 14, 8, 8)
        return prediction

    with pytest.raises(ValueError, match="part maps of 14 classes do not fit a protocol of 7"):
        evaluate(copy, predict)
    data = make(copy)
    batch = next(iter(data.train_dataloader()))
    prediction = prediction_of([copy[2][1001]], "smpl29")
    with pytest.raises(ValueError, match="has no part labels"):
        build_task("lsp-upi-parts").update(prediction, batch)


def test_mistakes_are_explained(copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"joints.mat: is it the right folder\? LSP: download"):
        LspDataModule(str(tmp_path)).table("train")
    with pytest.raises(ValueError, match="no layout '3dmppe'"):
        unchecked(LspDataModule, layout="3dmppe")
    with pytest.raises(ValueError, match="fits belong to layout spin"):
        LspExtendedDataModule(fits="fits.npz")
    with pytest.raises(ValueError, match="3 of the 1000"):
        make(copy).check_test_split()
    savemat(tmp_path / "joints.mat", {"joints": np.zeros((14, 3, 5))})
    with pytest.raises(ValueError, match="LSP-Extended's"):
        LspDataModule(str(tmp_path)).table("train")
    with pytest.raises(FileNotFoundError, match="has no images"):
        LspExtendedDataModule(str(tmp_path)).table("train")
    (tmp_path / "im1.png").touch()
    with pytest.raises(ValueError, match=r"1 images, but joints.mat joints of 5"):
        LspExtendedDataModule(str(tmp_path)).table("train")
    (tmp_path / "joints.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(ValueError, match=r"joints.mat is no whole MATLAB file"):
        LspExtendedDataModule(str(tmp_path)).table("train")


def test_missing_or_strange_labels_are_explained(copy, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_ASSETS", raising=False)
    with pytest.raises(FileNotFoundError, match=r"needs the labels of UPi-S1h.*upi-s1h.zip"):
        LspDataModule(str(copy[0]), "lsp-upi-parts").source("test")
    with pytest.raises(FileNotFoundError, match="has no data"):
        make((copy[0], tmp_path)).source("test")
    lsp.write_upi(tmp_path, {1001: copy[2][1001]})
    source = make((copy[0], tmp_path)).source("test")
    sample = source[0]
    np.testing.assert_array_equal(sample.part_labels, copy[3][1001])
    assert sample.silhouette.max() == 1
    with pytest.raises(FileNotFoundError, match=r"im1002_part_segmentation.png is not there"):
        source[1]
    path = tmp_path / "data/lsp/im1001_part_segmentation.png"
    cv2.imwrite(str(path), np.full((64, 92), 9, np.uint8))
    with pytest.raises(ValueError, match=r"has labels \[9\]"):
        source[0]
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable label image"):
        source[0]


def test_the_command_line_trains_and_tests(copy, tmp_path):
    logged = fit_and_test(
        "datamodules.lsp.LspDataModule", copy[0], tmp_path, "lsp-upi-parts", data={"upi_s1h": str(copy[1])}
    )
    assert logged["test/n"] == 3
    assert 0 < logged["test/fb_accuracy"] < 100


def test_joints_in_images_are_scored_for_perfect_and_for_moved_predictions(copy):
    data = make(copy, protocol="lsp-test-2d")
    data.setup("test")
    for moved, expected in ((0.0, 100.0), (1e4, 0.0)):
        task = build_task("lsp-test-2d")
        for batch in data.test_dataloader():
            people = [copy[2][TEST[int(index)]] for index in batch["index"]]
            prediction = prediction_of(people, "smpl29")
            prediction = replace(prediction, joints_2d=prediction.joints_2d + moved)
            task.update(prediction, batch)
        result = task.compute()
        assert result["n"] == 3
        assert {result[name] for name in ("pck", "pckh", "within_box")} == {expected}
        assert (result["box_error"] < 0.5) == (moved == 0)  # SMPL's hips are not quite LSP's


def test_the_extended_set_tests_people_whose_limbs_are_all_marked(tmp_path):
    people = lsp.write_extended(tmp_path)
    joints = loadmat(tmp_path / "joints.mat")["joints"]
    joints[:12, :2, 1], joints[:12, 2, 1], joints[12:, 2, 1] = people[1].pixels(LSP14)[:12], 1, 0
    savemat(tmp_path / "joints.mat", {"joints": joints})
    data = LspExtendedDataModule(str(tmp_path))
    assert len(data.table("train")) == 2
    test = data.table("test")
    np.testing.assert_allclose(test.joints_2d[:, :12], people[1].pixels(LSP14)[None, :12], atol=1e-4)
    with pytest.raises(ValueError, match="has no val split"):
        data.table("val")


def test_the_command_line_trains_on_the_extended_set(tmp_path):
    lsp.write_extended(tmp_path / "lspet")
    data, no_val = "datamodules.lsp.LspExtendedDataModule", {"limit_val_batches": 0}
    logged = fit_and_test(data, tmp_path / "lspet", tmp_path, "lsp-extended-2d", test=False, trainer=no_val)
    assert np.isfinite(logged["train/loss"])


def test_training_photographs_get_the_ordinal_data_set(copy):
    depth = np.random.default_rng(0).integers(0, 4, (1003, 14))
    nearer = np.sign(depth[:, None] - depth[..., None])  # [i, j] is 1 where i is nearer than j
    savemat(copy[0] / "ordinal.mat", {"ord": nearer})
    data = make(copy, ordinal="ordinal.mat")
    table = data.table("train")
    np.testing.assert_array_equal(table.depth_order, -nearer[:1000])
    assert table.depth_order_valid.sum() == 1000 * 14 * 13
    assert data.table("test").depth_order is None
    with pytest.raises(ValueError, match="belongs to layout raw"):
        make(copy, layout="spin", ordinal="ordinal.mat")


def test_spin_trains_on_the_resolution_that_its_file_is_in(tmp_path):
    """Its training file is in the pixels of `lsp_dataset_original`, whose images are called like the small ones."""
    people = [make_people(1, make_camera((80, 64), seed=n), seed=n)[0] for n in range(2)]
    large = 4 * np.stack([person.pixels(SPIN24) for person in people])
    for row, person in enumerate(people):
        image = make_image([person])
        write_image(tmp_path / f"images/im{row + 1:04d}.jpg", image)
        write_image(tmp_path / f"original/images/im{row + 1:04d}.jpg", image.repeat(4, 0).repeat(4, 1))
    np.savez(
        tmp_path / "lsp_dataset_original_train.npz",
        imgname=np.array(["images/im0001.jpg", "images/im0002.jpg"]),
        center=large.mean(1), scale=np.full(2, 1.2), part=np.concatenate([large, np.ones((2, 24, 1))], -1),
    )  # fmt: skip
    with pytest.raises(
        ValueError, match=r"\d+% of the joints .* lie outside the images .*name its folder in `high_res"
    ):
        LspDataModule(str(tmp_path), layout="spin").table("train")
    data = LspDataModule(str(tmp_path), layout="spin", high_resolution="original")
    sample = data.source("train")[0]
    assert sample.image.shape[:2] == (256, 320)
    inside = (sample.joints_2d >= 0) & (sample.joints_2d < [320, 256])
    assert inside[sample.joints_2d_valid].mean() > 0.9
