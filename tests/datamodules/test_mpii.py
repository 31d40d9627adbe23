"""MPII in all its files, and the depth order that FBI and Ordinal add."""

import json

import h5py
import numpy as np
import pytest
from fake import mpii
from fake.run import fit_and_test

from body.skeleton import LSP14, MPII16
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.mpii import MpiiDataModule, datamodule
from datamodules.mpii.people import People, people_table
from datamodules.readers.relative_depth import FBI_PARTS, read_pairs, with_forward_backward, with_ordinal
from datamodules.settings import CropSettings
from tests.unchecked import unchecked

CROPS = CropSettings("mpii16", size=32, augmentation=None)
WRITE = {"raw": mpii.write_release, "3dmppe": mpii.write_3dmppe, "hourglass": mpii.write_hourglass}


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    roots = {}
    for layout, write in WRITE.items():
        roots[layout] = tmp_path_factory.mktemp(layout)
        write(roots[layout])
    return roots


def make(root, layout="raw", **options):
    return unchecked(
        MpiiDataModule, str(root), layout=layout, **{"crops": CROPS, "batch_size": 4, "num_workers": 0} | options
    )


def same_people(table, rows, boxes):
    assert len(table) == len(rows)
    assert [table.images[row] for row in range(len(table))] == [row.image for row in rows]
    np.testing.assert_array_equal(table.joints_2d_valid, [row.valid for row in rows])
    np.testing.assert_allclose(table.joints_2d, [row.joints for row in rows], atol=1e-4)
    np.testing.assert_allclose(table.boxes, boxes, atol=1e-3)
    assert table.joints is None
    assert table.skeleton is MPII16
    width, height = mpii.SIZE
    focal = width / 2 / np.tan(np.pi / 6)
    wanted = np.tile([focal, focal, (width - 1) / 2, (height - 1) / 2], (len(rows), 1))
    np.testing.assert_allclose(table.intrinsics, wanted, rtol=1e-5)


def test_release_and_hourglass_files_hold_the_truth(copies, tmp_path):
    rows = mpii.truth()
    squares = [row.square for row in rows]
    same_people(make(copies["raw"]).table("train"), rows, squares)
    hourglass = make(copies["hourglass"], "hourglass")
    same_people(hourglass.table("train"), rows[:3], squares[:3])
    same_people(hourglass.table("val"), rows[3:], squares[3:])
    mpii.write_hourglass(tmp_path, codes=True)
    same_people(make(tmp_path, "hourglass").table("train"), rows[:3], squares[:3])


def test_3dmppe_files_hold_the_truth(copies):
    rows = mpii.truth()
    boxes = []
    for row in rows:
        low, high = row.joints[row.valid].min(0), row.joints[row.valid].max(0)
        boxes.append([*(low + 0.5), *(high - low - 1)])
    table = make(copies["3dmppe"], "3dmppe").table("train")
    same_people(table, rows, boxes)
    np.testing.assert_array_equal(table.annotation_ids, range(4))


def test_crops_show_the_joints_where_they_are_annotated(copies):
    module = make(copies["raw"])
    (batch,) = module.train_dataloader()
    batch = module.on_after_batch_transfer(batch, 0)
    rows = mpii.truth()
    for place, number in enumerate(batch["index"].tolist()):
        row, affine = rows[number], batch["crop_affine"][place].numpy()
        wanted = row.joints @ affine[:, :2].T + affine[:, 2]
        np.testing.assert_allclose(batch["joints_2d"][place].numpy()[row.valid], wanted[row.valid], atol=1e-3)
        assert batch["joints_2d_valid"][place].tolist() == row.valid.tolist()
        assert not batch["joints_valid"][place].any()
        assert not batch["depth_order_valid"][place].any()
        low, high = wanted[row.valid].min(), wanted[row.valid].max()
        assert low > -1
        assert high < 33


def test_real_command_line_trains(copies, tmp_path):
    values = fit_and_test(
        "datamodules.mpii.MpiiDataModule", copies["hourglass"], tmp_path, data={"layout": "hourglass"}, test=False
    )
    assert values["train/loss"] >= 0


def test_forward_and_backward_parts(copies):
    entries = mpii.write_forward_backward(copies["raw"], FBI_PARTS)
    plain = make(copies["raw"]).table("train")
    table = make(copies["raw"], forward_backward="fbi.json").table("train")
    order, valid = table.depth_order, table.depth_order_valid
    rows = mpii.truth()
    known = {(entry["image"], entry["person"]): entry["labels"] for entry in entries}
    seen = {}
    for number, row in enumerate(rows):
        name = row.image.removeprefix("images/")
        seen[name] = seen.get(name, -1) + 1
        labels = known.get((name, seen[name]))
        true = mpii.order_of(row.person, MPII16.joints)
        told = (
            []
            if labels is None
            else [pair for pair, label in zip(FBI_PARTS, labels, strict=True) if label != "unknown"]
        )
        pairs = {(MPII16.index(a), MPII16.index(b)) for a, b in told}
        assert {tuple(pair) for pair in np.argwhere(valid[number])} == pairs | {(b, a) for a, b in pairs}
        assert all(order[number, i, j] == true[i, j] for i, j in np.argwhere(valid[number]))
    assert valid.any()
    (batch,) = make(copies["raw"], forward_backward="fbi.json").train_dataloader()
    place = batch["index"].tolist().index(1)
    np.testing.assert_array_equal(batch["depth_order_valid"][place], valid[1])
    np.testing.assert_array_equal(batch["depth_order"][place], order[1])
    with pytest.raises(ValueError, match=r"of none in the table"):
        with_forward_backward(plain.take(np.array([0])), _file(copies["raw"], entries[-1:]))
    with pytest.raises(ValueError, match=r"labels are 14 of forward, backward, unknown"):
        with_forward_backward(plain, _file(copies["raw"], [{**entries[0], "labels": ["sideways"] * 14}]))
    with pytest.raises(ValueError, match=r"labels are 14"):
        with_forward_backward(plain, _file(copies["raw"], [{**entries[0], "labels": ["forward"] * 13}]))


def _file(root, entries):
    path = root / "other.json"
    path.write_text(json.dumps(entries))
    return path


def test_ordinal_pairs_of_mpii(tmp_path):
    mpii.write_ordinal(tmp_path)
    table = make(tmp_path, "ordinal").table("train")
    rows = mpii.truth()
    np.testing.assert_allclose(table.joints_2d, [row.joints for row in rows], atol=1e-4)
    assert table.images[2] == "mpii_upis1h/images/00003.png"
    unknown = {(1, 2, 3), (2, 4, 9)}
    for number, row in enumerate(rows):
        true = mpii.order_of(row.person, MPII16.joints)
        for i in range(16):
            for j in range(16):
                told = i != j and row.valid[i] and row.valid[j] and (number, *sorted((i, j))) not in unknown
                assert table.depth_order_valid[number, i, j] == told
                assert table.depth_order[number, i, j] == (true[i, j] if told else 0)
    (tmp_path / "mpii_upis1h/images/00004.png").unlink()
    with pytest.raises(ValueError, match=r"do not fit 3 images"):
        make(tmp_path, "ordinal").table("train")


def test_ordinal_pairs_of_lsp(tmp_path):
    """Matrices of 14 joints in LSP's order, for some of the images."""
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    depth = rng.integers(0, 4, (5, 14))
    stored = np.sign(depth[:, None] - depth[..., None])  # 1 where the first joint is nearer
    savemat(tmp_path / "ordinal.mat", {"ord": stored})
    numbers = np.array([3, 1])
    valid = np.ones((2, 14), bool)
    valid[0, 5] = False
    lsp = Annotations(
        skeleton=LSP14, images=StringColumn.of(["im0004.jpg", "im0002.jpg"]), intrinsics=np.ones((2, 4)),
        boxes=np.ones((2, 4)), joints_2d=np.zeros((2, 14, 2)), joints_2d_valid=valid,
    )  # fmt: skip
    table = with_ordinal(lsp, tmp_path / "ordinal.mat", numbers)
    wanted = np.sign(depth[numbers][:, :, None] - depth[numbers][:, None])
    pairs = valid[:, :, None] & valid[:, None] & ~np.eye(14, dtype=bool)
    np.testing.assert_array_equal(table.depth_order_valid, pairs)
    np.testing.assert_array_equal(table.depth_order, wanted * pairs)
    for wrong, message in (
        ({"numbers": np.array([3, 9])}, "person 9 is needed"),
        ({"numbers": np.array([3])}, "does not fit 2 people"),
    ):
        with pytest.raises(ValueError, match=message):
            with_ordinal(lsp, tmp_path / "ordinal.mat", **wrong)
    with pytest.raises(ValueError, match="does not fit"):
        with_ordinal(people_of_mpii(), tmp_path / "ordinal.mat")


def people_of_mpii():
    return Annotations(
        skeleton=MPII16, images=StringColumn.of(["a"] * 5), intrinsics=np.ones((5, 4)), boxes=np.ones((5, 4)),
        joints_2d=np.zeros((5, 16, 2)), joints_2d_valid=np.ones((5, 16), bool),
    )  # fmt: skip


def test_pairs_brute_force():
    rng = np.random.default_rng(1)
    stored = rng.choice([-1.0, 0.0, 1.0, 2.0, np.nan], (6, 5, 5))
    order, known = read_pairs(stored)
    for r in range(6):
        for i in range(5):
            for j in range(5):
                a, b = stored[r, i, j], stored[r, j, i]
                fine = i != j and a in (-1, 0, 1) and b in (-1, 0, 1) and a == -b
                assert known[r, i, j] == fine
                assert order[r, i, j] == (-a if fine else 0)


MIRROR = list(MPII16.mirror)
MISTAKES = {
    "pixels from 1": lambda people: people._replace(joints=people.joints + 1),
    "rows for columns": lambda people: people._replace(joints=people.joints[..., ::-1]),
    "sides": lambda people: people._replace(joints=people.joints[:, MIRROR], valid=people.valid[:, MIRROR]),
    "next person": lambda people: people._replace(joints=np.roll(people.joints, 1, 0)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_show_in_the_table(copies, monkeypatch, mistake):
    right, read = make(copies["raw"]).table("train").joints_2d, datamodule.read_release
    monkeypatch.setattr(datamodule, "read_release", lambda path: MISTAKES[mistake](read(path)))
    wrong = make(copies["raw"]).table("train").joints_2d
    assert np.abs(wrong - right).max() >= 1 - 1e-3


def test_damaged_and_missing_files_are_named(copies, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mpii_human_pose_v1_u12_1.mat.*right folder"):
        make(copies["3dmppe"]).table("train")
    with pytest.raises(ValueError, match="mpii has no val split"):
        make(copies["raw"]).table("val")
    with pytest.raises(ValueError, match="has no test split"):
        make(copies["raw"]).table("test")
    for options in ({"layout": "other"}, {"fits": "a.npy"}, {"layout": "ordinal", "forward_backward": "fbi.json"}):
        with pytest.raises(ValueError, match=r"other|fits belong|own images"):
            make(copies["raw"], **options)
    for layout, name, message in (
        ("raw", "mpii_human_pose_v1_u12_1.mat", r"u12_1.mat is no whole MATLAB file"),
        ("hourglass", "annot/train.h5", r"train.h5 is damaged"),
        ("3dmppe", "annotations/train.json", r"train.json is not whole JSON"),
    ):
        path = copies[layout] / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=message):
            make(copies[layout], layout).table("train")
        path.write_bytes(whole)
    image = copies["raw"] / "images/015599452.jpg"
    whole = image.read_bytes()
    image.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"015599452.jpg is not a readable image"):
        make(copies["raw"]).table("train")
    image.unlink()
    with pytest.raises(FileNotFoundError, match=r"015599452.jpg is not there"):
        make(copies["raw"]).table("train")
    image.write_bytes(whole)


def test_an_empty_box_is_an_error_that_names_the_person(copies):
    module = make(copies["raw"])
    module.table("train").boxes[2] = 0
    with pytest.raises(ValueError, match=r"sample 2 \(images/015599452.jpg\): its box .* is empty"):
        module.dataset("train")[2]


def test_a_table_of_nobody(tmp_path):
    nobody = People([], np.zeros((0, 16, 2)), np.zeros((0, 16), bool), np.zeros((0, 4)))
    assert len(people_table(tmp_path, nobody)) == 0


def test_hourglass_crops_are_those_of_the_authors(copies):
    """With a margin of 1.25 the crop is the file's own: 200 pixels per unit of its scale around its centre."""
    module = make(copies["hourglass"], "hourglass", crops=CropSettings("mpii16", size=32, margin=1.25))
    batch = next(iter(module.loader(module.dataset("val"))))
    with h5py.File(copies["hourglass"] / "annot/valid.h5") as file:
        centre, side = file["center"][0] - 1, 200 * file["scale"][0]
    np.testing.assert_allclose(batch["box"][0], [*(centre - side / 2), side, side], rtol=1e-5)
