"""MuPoTS-3D from a fake copy: the table, who is handed to the metric, every protocol, and the result files."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake import mupots as fake
from fake.oracle import prediction_of
from fake.run import fit_and_test
from scipy.io import loadmat, savemat

from body.skeleton import MPI_INF_3DHP17
from datamodules.mupots import MupotsDataModule
from datamodules.mupots.results import JOINTS, PIXELS, read_results, score_results, write_results
from datamodules.settings import CropSettings
from metrics import People, build_task, get_protocol, groups
from metrics.functional import rescale_bones
from tests.unchecked import unchecked

PELVIS = 14
CROPS = CropSettings(skeleton="mpi_inf_3dhp17", size=32)
RELATIVE, ABSOLUTE, ROOT = "mupots-relative-all", "mupots-absolute-all", "mupots-root"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return fake.write(tmp_path_factory.mktemp("mupots"))


@pytest.fixture
def copy(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    return tmp_path / "copy"


def module(root, protocol=RELATIVE, **options):
    return unchecked(MupotsDataModule, str(root), protocol, CROPS, batch_size=16, num_workers=0, **options)


def scored(datamodule, change=lambda joints: joints, people=None, without=None):
    """What a method that knows the truth, changed, scores.

    Args:
        datamodule: of the fake copy.
        change: of true joints (people, 17, 3) in metres.
        people: truth in the order of the split; as annotated when omitted.
        without: a row of the split that is not predicted.
    """
    protocol = get_protocol(datamodule.protocol)
    task = build_task(protocol, datamodule.skeleton)
    task.prepare(datamodule.split_labels())
    people = people or [person for _, _, person in fake.everybody()]
    table = datamodule.table("test")
    assert len(table) == len(people)
    seen = [row for row in range(len(people)) if row != without]
    batch = {"index": torch.tensor(seen), "image_id": torch.tensor(table.image_ids)[seen]}
    guess = prediction_of([people[row] for row in seen], "mpi_inf_3dhp17")
    scale = fake.ANNOTATED if datamodule.layout == "3dmppe" and datamodule.protocol == ROOT else fake.UNIVERSAL
    task.update(replace(guess, joints=change(scale * guess.joints), vertices=None), batch)
    return task.compute()


def test_raw_table_is_the_truth(root):
    table = module(root).table("test")
    everybody = fake.everybody()
    assert len(table) == len(everybody)
    for row, (sequence, frame, person) in enumerate(everybody):
        assert table.images[row] == f"MultiPersonTestSet/TS{sequence}/img_{frame:06d}.jpg"
        assert (table.sequences[row], table.frames[row]) == (f"TS{sequence}", frame)
        assert table.image_ids[row] == 10000 * sequence + frame
        np.testing.assert_allclose(table.joints[row], fake.truth(person), atol=1e-5)
        pixels = person.pixels(MPI_INF_3DHP17)
        np.testing.assert_allclose(table.joints_2d[row], pixels, atol=1e-4)
        np.testing.assert_allclose(table.boxes[row], [*pixels.min(0), *np.ptp(pixels, axis=0)], atol=1e-4)
        np.testing.assert_allclose(
            table.intrinsics[row], person.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6
        )
    sample = module(root).dataset("test")[3]
    x, y = sample["joints_2d"][PELVIS].round().int().tolist()
    colour = sample["image"][:, y, x]
    assert colour.max() - colour.min() > 0.3, "the pelvis is on a coloured person, not on grey ground"


def test_3dmppe_table_is_the_truth(root):
    table = module(root, layout="3dmppe").table("test")
    numbers = fake.image_ids()
    expected = {10 * numbers[sequence, frame] + column: (sequence, frame, person)
                for sequence, frame in numbers for column, person in fake.people_of(sequence, frame)}  # fmt: skip
    assert sorted(table.annotation_ids.tolist()) == sorted(expected)
    for row in range(len(table)):
        sequence, frame, person = expected[int(table.annotation_ids[row])]
        assert table.image_ids[row] == numbers[sequence, frame]
        assert table.images[row] == f"MultiPersonTestSet/TS{sequence}/img_{frame:06d}.jpg"
        np.testing.assert_allclose(table.joints[row], fake.ANNOTATED * person.joints(MPI_INF_3DHP17), atol=1e-5)
        np.testing.assert_allclose(table.boxes[row], person.box, atol=1e-4)
        np.testing.assert_allclose(
            table.intrinsics[row], person.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6
        )


@pytest.mark.parametrize("protocol", MupotsDataModule.protocols)
def test_the_truth_scores_everything_under_every_protocol(root, protocol):
    report = scored(module(root, protocol))
    best = {"pck3d": 100, "pck3d_abs": 100, "ap_root25": 100, "mrpe": 0}
    assert {name: report[name] for name in best} == pytest.approx(best, abs=1e-2)
    people = fake.everybody()
    assert report["n"] == len(people)
    counts = {f"TS{k}": sum(sequence == k for sequence, _, _ in people) for k in range(1, 21)}
    assert {name: row["n"] for name, row in groups(report, "sequence").items()} == counts


def test_3dmppe_layout_is_evaluated_against_the_same_truth(root):
    data = module(root, layout="3dmppe")
    order = {int(number): person for number, person in _by_3dmppe_id().items()}
    people = [order[int(number)] for number in data.table("test").annotation_ids]
    assert scored(data, people=people)["pck3d"] == pytest.approx(100)
    roots = module(root, ROOT, layout="3dmppe")
    assert scored(roots, people=people)["mrpe"] == pytest.approx(0, abs=1e-2)


def _by_3dmppe_id():
    numbers = fake.image_ids()
    return {
        10 * number + column: person for place, number in numbers.items() for column, person in fake.people_of(*place)
    }


def test_constructed_errors_cost_what_they_should(root):
    people = fake.everybody()
    counts = np.bincount([sequence for sequence, _, _ in people], minlength=21)[1:]
    # The only person of a image is not found: all of it counts as missed, or nothing, or one root is not recalled.
    missed = next(row for row, (sequence, frame, _) in enumerate(people) if (sequence, frame) == (2, 1))
    lost = counts.copy()
    lost[2 - 1] -= 1
    for protocol, metric, expected in (
        (RELATIVE, "pck3d", np.mean(100 * lost / counts)),
        (ABSOLUTE, "pck3d_abs", np.mean(100 * lost / counts)),
        ("mupots-relative-matched", "pck3d", 100),
        ("mupots-absolute-matched", "pck3d_abs", 100),
        (ROOT, "ap_root25", 100 * lost.sum() / counts.sum()),
    ):
        assert scored(module(root, protocol), without=missed)[metric] == pytest.approx(expected, abs=1e-6), protocol
    # Everybody 20 cm to the right: too far for absolute joints, not for roots; further is too far for both.
    for shift, hits, found in ((0.2, 0, 100), (1.5, 0, 0)):
        moved = scored(module(root, ABSOLUTE), lambda joints, by=shift: joints + torch.tensor([by, 0, 0]))
        assert (moved["pck3d"], moved["pck3d_abs"]) == (pytest.approx(100, abs=1e-6), hits)
        assert moved["mrpe"] == pytest.approx(1000 * shift, rel=1e-4)
        assert moved["ap_root25"] == pytest.approx(found)
    # A size that is wrong by a factor is put right, about the root; millimetres for metres move the root away.
    grown = scored(module(root, RELATIVE), lambda joints: joints * 1000)
    assert (grown["pck3d"], grown["pck3d_abs"]) == (pytest.approx(100, abs=1e-6), 0)


def swap_sides(joints):
    return joints[:, list(MPI_INF_3DHP17.mirror)]


def drop_knees(joints):
    joints = joints.clone()
    knees = [MPI_INF_3DHP17.index("left_knee"), MPI_INF_3DHP17.index("right_knee")]
    joints[:, knees, 1] -= 0.4
    return joints


@pytest.mark.parametrize("mistake", [swap_sides, drop_knees, lambda joints: joints[..., [1, 0, 2]]])
def test_wrong_poses_score_as_a_loop_says(root, mistake):
    report = scored(module(root), mistake)
    cells = {k: [] for k in range(1, 21)}
    for sequence, _, person in fake.everybody():
        true = torch.tensor(fake.truth(person))[None]
        # The method's answer is in single precision.
        ours = mistake(fake.UNIVERSAL * prediction_of([person], "mpi_inf_3dhp17").joints).double()
        placed = rescale_bones(ours, true, MPI_INF_3DHP17.parent_indices)
        apart = ((placed - placed[:, [PELVIS]]) - (true - true[:, [PELVIS]])).norm(dim=-1)[0, :14]
        cells[sequence] += (apart < 0.15).tolist()
    expected = np.mean([100 * np.mean(cell) for cell in cells.values()])
    assert report["pck3d"] == pytest.approx(expected, abs=1e-6)
    assert expected < 95


@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
def test_detections(root, tmp_path, layout):
    """Boxes, roots and scores of RootNet's file; an invented person costs precision where it ranks."""
    numbers = fake.image_ids() if layout == "3dmppe" else {(s, f): 10000 * s + f for s, f in fake.image_ids()}
    people = fake.everybody()[::-1]
    sequence, frame, invented = people[5]
    away = replace(invented, transl=invented.transl + np.array([0, 0, 3.0]))
    found, areas = [(sequence, frame, away), *people], {}
    for score in (0.99, 0.01):
        path = fake.write_detections(tmp_path / "found.json", found, [score] + [0.5] * len(people), numbers)
        datamodule = module(root, ROOT, layout=layout, detections=str(path))
        table = datamodule.table("test")
        assert table.image_ids.tolist() == [numbers[s, f] for s, f, _ in found]
        assert (table.joints_valid == (np.arange(17) == PELVIS)).all()
        np.testing.assert_allclose(table.joints[:, PELVIS], [fake.truth(p)[PELVIS] for _, _, p in found], atol=1e-5)
        first = datamodule.dataset("test")[1]
        side = 1.25 * people[0][2].box[2:].max()
        assert first["box"][2:].tolist() == pytest.approx([side, side], rel=1e-4)
        assert first["estimated_root_depth"] == pytest.approx(fake.truth(people[0][2])[PELVIS, 2], rel=1e-5)
        areas[score] = scored(datamodule, people=[person for _, _, person in found])["ap_root25"]
    count = len(people)
    late = sum(rank / (rank + 1) for rank in range(1, count + 1)) / count  # precision at every true detection
    assert areas == {0.99: pytest.approx(100 * late), 0.01: pytest.approx(100)}


def test_result_files(root, tmp_path):
    """As 3DMPPE writes them, and scored as the predictions that they hold."""
    datamodule = module(root)
    keys = datamodule.image_keys()
    assert len(keys) == 41
    assert keys[70001] == "TS7_img_000001"
    rng = np.random.default_rng(3)
    images = {}
    for number, key in keys.items():
        people = [p for s, f, p in fake.everybody() if 10000 * s + f == number]
        joints = np.array([fake.truth(p) + rng.normal(0, 0.08, (17, 3)) for p in people]).reshape(-1, 17, 3)
        pixels = np.array([p.pixels(MPI_INF_3DHP17) for p in people]).reshape(-1, 17, 2)
        images[key] = People(torch.tensor(joints), torch.tensor(pixels))
    write_results(tmp_path, images)
    stored = loadmat(tmp_path / JOINTS)
    assert stored["TS7_img_000001"].shape[0] == 0
    one = stored["TS7_img_000000"]
    assert one.shape == (len(images["TS7_img_000000"].joints), 17, 3)
    np.testing.assert_allclose(one, 1000 * images["TS7_img_000000"].joints, rtol=1e-12)
    back = read_results(tmp_path)
    assert set(back) == set(images)
    for key, people in images.items():
        torch.testing.assert_close(back[key].joints, people.joints)
        torch.testing.assert_close(back[key].pixels, people.pixels)
    task = build_task(get_protocol(RELATIVE))
    task.prepare(datamodule.split_labels())
    everything = [(number, p, q) for number, key in keys.items() for p, q in
                  zip(images[key].joints, images[key].pixels, strict=True)]  # fmt: skip
    numbers, joints, pixels = zip(*everything, strict=True)
    index = torch.arange(len(numbers))
    task.metric.update(torch.stack(joints), torch.stack(pixels), MPI_INF_3DHP17, torch.tensor(numbers), index)
    report = score_results(datamodule, tmp_path)
    assert report == task.compute()
    assert 5 < report["pck3d"] < 95, "noise must cost something"
    savemat(tmp_path / PIXELS, {"TS1_img_000000": np.zeros((1, 17, 2))})
    with pytest.raises(ValueError, match="have other people in TS"):
        read_results(tmp_path)
    savemat(tmp_path / JOINTS, {"TS21_img_000000": np.zeros((1, 17, 3))})
    savemat(tmp_path / PIXELS, {"TS21_img_000000": np.zeros((1, 17, 2))})
    with pytest.raises(ValueError, match="no image TS21_img_000000 in MuPoTS-3D"):
        score_results(datamodule, tmp_path)
    savemat(tmp_path / JOINTS, {"TS1_img_000000": np.zeros((17, 3))})
    with pytest.raises(ValueError, match=r"TS1_img_000000 has shape \(17, 3\)"):
        read_results(tmp_path)
    (tmp_path / JOINTS).write_bytes(b"half")
    with pytest.raises(ValueError, match="is no whole MATLAB file"):
        read_results(tmp_path)


def mangle(path, change):
    cells = loadmat(path)["annotations"]
    for cell in cells.flat:
        change(cell[0, 0])
    savemat(path, {"annotations": cells})


def in_metres(cell):
    cell["univ_annot3"] = cell["univ_annot3"] / 1000


def rows_for_columns(cell):
    cell["univ_annot3"] = cell["univ_annot3"].reshape(17, 3).T


def unscaled(cell):
    cell["univ_annot3"] = cell["annot3"]


@pytest.mark.parametrize(("change", "absolute_only"), [(in_metres, False), (rows_for_columns, False), (unscaled, True)])
def test_mistakes_in_the_file_show(copy, change, absolute_only):
    mangle(copy / "MultiPersonTestSet/TS3/annot.mat", change)
    cells = groups(scored(module(copy)), "sequence")
    assert cells["TS3"]["pck3d_abs"] < 50
    assert (cells["TS3"]["pck3d"] > 99) == (absolute_only or change is in_metres)
    assert cells["TS2"]["pck3d"] == pytest.approx(100)


def test_frames_count_from_zero(copy):
    """Annotations of another frame match nobody well: what is asked of an off-by-one reader."""
    path = copy / "MultiPersonTestSet/TS7/annot.mat"
    savemat(path, {"annotations": np.roll(loadmat(path)["annotations"], 1, 0)})
    table, before = module(copy).table("test"), module(fake_root(copy)).table("test")
    assert [table.images[r] for r in range(len(table))] != [before.images[r] for r in range(len(before))]


def fake_root(copy):
    """An untouched copy beside a changed one."""
    return fake.write(copy.parent / "fresh")


def test_errors(root, copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"MultiPersonTestSet/TS1/annot\.mat: is it the right folder\? MuPoTS"):
        module(tmp_path).table("test")
    annot = copy / "MultiPersonTestSet/TS5/annot.mat"
    whole = annot.read_bytes()
    annot.write_bytes(whole[:500])
    with pytest.raises(ValueError, match=r"TS5/annot\.mat is no whole MATLAB file"):
        module(copy).table("test")
    savemat(annot, {"annotation": np.zeros(3)})
    with pytest.raises(ValueError, match=r"TS5/annot\.mat has no annotations"):
        module(copy).table("test")
    savemat(annot, {"annotations": np.zeros((2, 3))})
    with pytest.raises(ValueError, match=r"TS5/annot\.mat: annotations is not a cell"):
        module(copy).table("test")
    annot.write_bytes(whole)
    (copy / "MultiPersonTestSet/TS1/img_000000.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"TS1/img_000000\.jpg is not there, though an annotation names it"):
        module(copy).dataset("test")[0]
    path = copy / "MuPoTS-3D.json"
    content = json.loads(path.read_text())
    content["images"][0]["file_name"] = "img_000000.jpg"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"not called like TS1/img_000000\.jpg"):
        module(copy, layout="3dmppe").table("test")
    with pytest.raises(FileNotFoundError, match=r"has no nothing\.json"):
        module(root, detections="nothing.json").table("test")
    found = fake.write_detections(tmp_path / "one.json", fake.everybody()[:1], [1.0], {(1, 0): 5})
    with pytest.raises(ValueError, match="image 5 is annotated but not listed"):
        module(root, detections=str(found)).table("test")
    with pytest.raises(ValueError, match="mupots has no train split"):
        module(root).table("train")
    with pytest.raises(ValueError, match="no layout 'spin'"):
        module(root, layout="spin")
    with pytest.raises(ValueError, match="has 41 of the 8370 frames"):
        module(root).check_test_split()


def test_command_line_and_writer(root, tmp_path):
    """RootNet through `zoo test`: its roots are in the files, and the files score what the command logged."""
    writer = {"class_path": "datamodules.mupots.MupotsWriter", "init_args": {"folder": str(tmp_path / "files")}}
    logged = fit_and_test(
        "datamodules.mupots.MupotsDataModule",
        root,
        tmp_path,
        ROOT,
        fit=False,
        method="rootnet",
        model={"skeleton": "mpi_inf_3dhp17"},
        crops={"skeleton": "mpi_inf_3dhp17"},
        trainer={"callbacks": [writer]},
    )
    assert logged["test/n"] == len(fake.everybody())
    assert 0 <= logged["test/ap_root25"] <= 100
    found = read_results(tmp_path / "files")
    assert sum(len(people.joints) for people in found.values()) == len(fake.everybody())
    assert found["TS7_img_000001"].joints.shape == (0, 17, 3)
    report = score_results(module(root, ROOT), tmp_path / "files")
    assert report["ap_root25"] == pytest.approx(logged["test/ap_root25"], abs=1e-4)
