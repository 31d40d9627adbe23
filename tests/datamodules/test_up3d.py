"""UP-3D, in its authors' files."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake import up3d
from fake.oracle import score
from fake.run import fit_and_test
from fake.smpl_truth import smpl_joints, write_bodies

from body.skeleton import LSP14, SMPL24
from datamodules.settings import CropSettings
from datamodules.up3d import Up3dDataModule
from datamodules.up3d.subsets import SUBSETS, TAN_139
from metrics import PROTOCOLS
from tests.unchecked import unchecked

SMPL = CropSettings("smpl24", "smpl", size=32)


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_bodies(tmp_path_factory.mktemp("assets"), patch)


@pytest.fixture(scope="module")
def copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("up3d")
    return root, up3d.write(root, "smpl")


def make(root, protocol=None, **options):
    return unchecked(
        Up3dDataModule, str(root), protocol, **{"crops": SMPL, "batch_size": 3, "num_workers": 0} | options
    )


def differences(table, truth):
    people = [row.person for row in truth]
    wanted = {
        "joints": np.stack([smpl_joints(person) for person in people]),
        "pose": np.stack([person.pose for person in people]),
        "betas": np.stack([person.betas for person in people]),
        "transl": np.stack([person.transl for person in people]),
        "intrinsics": np.stack([person.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]] for person in people]),
    }
    return {name: float(np.abs(getattr(table, name) - values).max()) for name, values in wanted.items()}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_fits_are_in_the_camera_of_the_whole_photograph(copy, split):
    root, truth = copy
    table = make(root).table(split)
    found = differences(table, truth[split])
    limits = {"joints": 1e-4, "pose": 1e-5, "betas": 1e-6, "transl": 1e-4, "intrinsics": 1e-3}
    assert all(found[name] <= limit for name, limit in limits.items()), found
    assert table.skeleton == SMPL24
    assert table.image_ids.tolist() == [row.number for row in truth[split]]
    for number, row in enumerate(truth[split]):
        assert (root / table.images[number]).is_file()
        assert table.sequences[number] == row.dataset
        rows, columns = np.nonzero(row.outline)
        np.testing.assert_allclose(
            table.boxes[number], [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        )
    pixels = make(root).source(split)[0]
    projected = pixels.joints @ pixels.intrinsics.T
    np.testing.assert_allclose(
        projected[:, :2] / projected[:, 2:], truth[split][0].person.camera.project(smpl_joints(truth[split][0].person)),
        atol=0.5,
    )  # fmt: skip


def test_annotated_joints_are_those_of_lsp(copy):
    root, truth = copy
    table = make(root, labels="annotated", boxes="joints").table("test")
    assert table.skeleton == LSP14
    assert table.joints is None
    for number, row in enumerate(truth["test"]):
        seen = np.arange(14) != row.number % 14
        assert table.joints_2d_valid[number].tolist() == seen.tolist()
        pixels = row.person.pixels(LSP14)[seen]
        np.testing.assert_allclose(table.joints_2d[number][seen], pixels, atol=1e-4)
        np.testing.assert_allclose(table.boxes[number], [*pixels.min(0), *np.ptp(pixels, axis=0)], atol=1e-3)


@pytest.mark.parametrize(
    ("protocol", "numbers"),
    [("up3d-test", [701, 702, 8000, 8100]), ("up3d-lsp-639", [701, 702]), ("up3d-139", [701, 702]),
     ("up3d-mpii", [8000]), ("up3d-fashionpose", [8100]), ("up3d-val-24j", [700]), ("upi-s1h-val", [700])],
)  # fmt: skip
def test_protocols_choose_their_photographs(copy, protocol, numbers):
    assert make(copy[0], protocol).table("test").image_ids.tolist() == numbers


def test_the_lists_are_as_long_as_the_protocols_say():
    assert len(TAN_139) == 139
    assert {min(TAN_139), max(TAN_139)} == {653, 1284}
    own = {name for name in PROTOCOLS if name.startswith(("up3d", "upi"))}
    assert own == set(SUBSETS)
    for name, subset in SUBSETS.items():
        assert subset.expected is None or str(subset.expected) in f"{PROTOCOLS[name].frames}{name}"
    assert make("nowhere", "up3d-mpii").expected_samples("test") is None
    assert make("nowhere", train_list="trainval").expected_samples("train") == 5703 + 1423


@pytest.mark.parametrize("protocol", ["up3d-test", "up3d-139", "up3d-val-24j"])
def test_the_truth_scores_nothing(copy, protocol):
    root, truth = copy
    rows = truth["val"] if "val" in protocol else truth["test"][: 2 if "139" in protocol else None]
    people = [row.person for row in rows]
    values = score(make(root, protocol), people)
    assert values["pve"] < 0.05, values
    assert values.get("mpjpe", 0) < 0.05
    assert values["n"] == len(people)
    if protocol == "up3d-val-24j":
        assert values["pckh"] == 100
        assert values["quaternion_error"] < 1e-2
    turned = [replace(person, pose=person.pose + 0.3 * (np.arange(24) == 0)[:, None]) for person in people]
    assert score(make(root, protocol), turned)["pve"] > 30


def test_part_labels_are_the_rendered_fits(copy):
    root, truth = copy
    values = score(make(root, "upi-s1h-val"), [row.person for row in truth["val"]])
    assert values["miou"] > 90  # float32 intrinsics move edges by a fraction of a pixel
    sample = make(root, "upi-s1h-val").source("test")[0]
    outline = truth["val"][0].outline
    assert sample.part_labels.shape == outline.shape
    assert sample.part_labels.max() == 12
    assert not sample.part_labels[~outline].any()

    def mirrored(prediction):
        return replace(prediction, vertices=prediction.vertices * torch.tensor([-1.0, 1, 1]))

    assert score(make(root, "upi-s1h-val"), [row.person for row in truth["val"]], mirrored)["miou"] < 80


def without_rotation(number, files):
    files["body"]["rt"] = np.zeros(3)


def transposed_cut(number, files):
    height, width, y0, y1, x0, x1 = files["crop"].split()
    files["crop"] = f"{width} {height} {x0} {x1} {y0} {y1}"


def millimetres(number, files):
    files["body"]["trans"] = 1000 * files["body"]["trans"]


@pytest.mark.parametrize(
    ("change", "column", "limit"),
    [(without_rotation, "pose", 0.05), (transposed_cut, "intrinsics", 3), (millimetres, "transl", 1)],
)
def test_wrong_files_do_not_pass_for_the_truth(assets, tmp_path, change, column, limit):
    truth = up3d.write(tmp_path, "smpl", change)["test"]
    assert differences(make(tmp_path).table("test"), truth)[column] > limit


def test_mistakes_are_explained(copy, tmp_path):
    root, _ = copy
    with pytest.raises(FileNotFoundError, match=r"up-3d/test.txt.*is it the right folder.*up-3d.zip"):
        make(tmp_path).table("test")
    for options in ({"labels": "own"}, {"boxes": "own"}, {"train_list": "test"}):
        with pytest.raises(ValueError, match=f"no {next(iter(options))} "):
            make(root, **options)
    with pytest.raises(ValueError, match="4 of the 1389"):
        make(root).check_test_split()
    up3d.write(tmp_path)
    data = {"crops": CropSettings(size=32)}
    folder = tmp_path / "up-3d"
    (folder / "00701_image.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"00701_image.png is not there"):
        make(tmp_path, **data).dataset("test")[0]
    for name, content, message in (
        ("00701_body.pkl", (folder / "00701_body.pkl").read_bytes()[:100], "no whole fit"),
        ("00702_fit_crop_info.txt", b"100 200", "2 words instead of 6"),
        ("08000_dataset_info.txt", b"", "0 words instead of 1"),
        ("08100_render_light.png", b"", "not an image of a body"),
        ("00700_joints.npy", b"x", "no whole array"),
        ("test.txt", b"/some_image.png\n", "names '/some_image.png'"),
    ):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        part, options = ("val", {"labels": "annotated"}) if name == "00700_joints.npy" else ("test", {})
        with pytest.raises(ValueError, match=f"{name}.*{message}"):
            make(tmp_path, **data, **options).table(part)
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=name):
            make(tmp_path, **data, **options).table(part)
        (folder / name).write_bytes(kept)


def test_crops_of_neural_body_fitting_are_read(assets, tmp_path):
    truth = up3d.write_nbf(tmp_path, "smpl")
    table = make(tmp_path, layout="nbf").table("train")
    assert table.smpl_valid.tolist() == [True, False]
    for row, person in enumerate(truth["train"]):
        np.testing.assert_allclose(table.joints[row], smpl_joints(person), atol=1e-5)
        np.testing.assert_allclose(table.pose[row], person.pose, atol=1e-6)
    sample = make(tmp_path, layout="nbf").source("train")[1]
    pixels = sample.joints @ sample.intrinsics.T
    seen = truth["train"][1].camera.project(smpl_joints(truth["train"][1]))
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], seen, atol=1e-2)
    data = make(tmp_path, "up3d-val-24j", layout="nbf")
    values = score(data, truth["val"])
    assert max(values["mpjpe"], values["pve"]) < 0.05
    assert values["n"] == 2
    with pytest.raises(ValueError, match="up3d-mpii is a part of the test split"):
        make(tmp_path, "up3d-mpii", layout="nbf").table("test")
    path = tmp_path / "smplparams/00001_smplparams.bin"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"00001_smplparams.bin has 84 numbers instead of 85"):
        make(tmp_path, layout="nbf").table("train")
    path.unlink()
    with pytest.raises(FileNotFoundError, match="00001_smplparams"):
        make(tmp_path, layout="nbf").table("train")
    (tmp_path / "lists/test_latent.txt").write_text("00001\n")
    with pytest.raises(ValueError, match="lines other than"):
        make(tmp_path, layout="nbf").table("test")


def test_the_command_line_trains_and_tests(copy, tmp_path):
    logged = fit_and_test(
        "datamodules.up3d.Up3dDataModule", copy[0], tmp_path, "up3d-mpii", crops={"body": "smpl"},
        model={"body": "smpl", "mesh_head": "smpl"},
    )  # fmt: skip
    assert logged["test/n"] == 1
    assert logged["test/pve"] > 10


def test_fits_of_smpl_are_not_put_on_the_open_body(copy, assets, tmp_path):
    """The open body rests 0.22 m from SMPL's root, so the fits would be off by that; the annotated joints are kept."""
    root = copy[0]
    with pytest.warns(UserWarning, match="fits are of SMPL, not of the open body"):
        table = make(root, crops=CropSettings("smpl29", size=32)).table("val")
    assert table.skeleton is LSP14
    assert table.joints is table.pose is table.smpl_valid is None
    same = make(root, labels="annotated").table("val")
    np.testing.assert_array_equal(table.joints_2d, same.joints_2d)
    np.testing.assert_array_equal(table.intrinsics, same.intrinsics)
    up3d.write_nbf(tmp_path, "smpl")
    with pytest.raises(ValueError, match=r"set crops.body to smpl .*layout nbf has no other labels"):
        make(tmp_path, layout="nbf", crops=CropSettings(size=32)).table("test")
