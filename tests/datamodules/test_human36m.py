"""Human3.6M, in its authors' files, in 3DMPPE's and in SPIN's."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake import human36m
from fake.assets import write_smpl, write_video
from fake.oracle import score
from fake.people import make_image
from fake.run import fit_and_test

from body.skeleton import H36M17, H36M18
from datamodules.human36m import Human36MDataModule, raw
from datamodules.human36m.boxes import store_boxes
from datamodules.human36m.json_3dmppe import read_3dmppe
from datamodules.human36m.names import TESTS, Selection, parse_image_name
from datamodules.human36m.prepare import jobs
from datamodules.jobs import run_jobs
from datamodules.settings import CropSettings
from metrics import PROTOCOLS
from tests.unchecked import unchecked

CROPS = CropSettings("h36m17", body="smpl", size=32)
GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "i2l_meshnet_pipeline.npz")
FRONTAL = "h36m-p2-14j-lixel"


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_smpl(tmp_path_factory.mktemp("assets"), patch)


@pytest.fixture(scope="module")
def raw_copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("raw")
    human36m.write_raw(root)
    return root


@pytest.fixture(scope="module")
def json_copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("3dmppe")
    human36m.write_3dmppe(root)
    return root


def make(root, protocol=FRONTAL, **options):
    return unchecked(
        Human36MDataModule, str(root), protocol, **{"crops": CROPS, "batch_size": 16, "num_workers": 0} | options
    )


def by_key(table):
    """Row of (subject, action, trial as named, camera, frame)."""
    columns = (table.subjects, table.actions, table.sequences, table.cameras, table.frames)
    return {tuple(column[row] for column in columns): row for row in range(len(table))}


def key_of(row, layout):
    action = human36m.ACTIONS[row.action - 2]
    _, _, number = human36m.file_name(*row.key[:3]).partition(" ")
    name = f"{action} {row.trial}" if layout == "3dmppe" else f"{action} {number}".strip()
    return f"S{row.subject}", action, name, human36m.CAMERAS[row.camera - 1], row.frame


RULES = {  # written down once more, from the papers
    "h36m-p1-17j": ((9, 11), (1, 2, 3, 4), 1),
    "h36m-s11-17j-rigid": ((11,), (1, 2, 3, 4), 64),
    "h36m-p2-17j-64": ((9, 11), (1, 2, 3, 4), 64),
    "h36m-p1-14j-mesh": ((9, 11), (1, 2, 3, 4), 5),
    "h36m-p2-14j-mesh": ((9, 11), (4,), 5),
    FRONTAL: ((9, 11), (4,), 64),
}


FEW = ("h36m-s11-17j-rigid", "h36m-p2-14j-mesh", FRONTAL)  # the raw copy has not got all cameras of subject 9


@pytest.mark.parametrize(
    ("layout", "protocol"), [*(("3dmppe", name) for name in RULES), *(("raw", name) for name in FEW)]
)
def test_tables_hold_the_truth_of_every_frame_rule(raw_copy, json_copy, layout, protocol):
    table = make(raw_copy if layout == "raw" else json_copy, protocol, layout=layout).table("test")
    subjects, cameras, step = RULES[protocol]
    truth = human36m.truth(subjects, cameras, step)
    rows = by_key(table)
    assert rows.keys() == {key_of(row, layout) for row in truth}
    order = [rows[key_of(row, layout)] for row in truth]
    joints = np.stack([row.person.joints("h36m17") for row in truth])
    thorax = joints[:, [11, 14]].mean(1)
    assert table.skeleton is H36M18
    np.testing.assert_allclose(table.joints[order, :17], joints, atol=3e-6)
    np.testing.assert_allclose(table.joints[order, 17], thorax, atol=3e-6)
    assert table.joints_valid.all()
    assert table.joints_2d is None
    inner = np.stack([row.person.camera.intrinsics for row in truth])
    np.testing.assert_allclose(table.intrinsics[order], inner[:, [0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6)
    if layout == "3dmppe":
        np.testing.assert_allclose(table.boxes[order], [row.person.box for row in truth], rtol=1e-5)
        return
    boxes = np.array([human36m.mask_box(row.person) for row in truth], float)
    wanted = np.concatenate([boxes[:, :2] + boxes[:, 2:] / 8, boxes[:, 2:] * 0.75], 1)
    np.testing.assert_allclose(table.boxes[order], wanted, atol=1e-4)
    assert [table.images[row] for row in order] == [human36m.image_name(row) for row in truth]


def test_every_protocol_has_a_rule_and_training_subjects():
    assert set(TESTS) == {name for name, protocol in PROTOCOLS.items() if protocol.benchmark == "Human3.6M"}
    train = {name: make("nowhere", name).selection("train") for name in TESTS}
    for name, chosen in train.items():
        assert set(chosen.subjects) == {int(n) for n in PROTOCOLS[name].split.partition("trained on ")[2].split(", ")}
        assert chosen.step == 5
        assert not set(chosen.subjects) & set(TESTS[name].subjects)
    assert make("nowhere", train_subjects=[1], train_step=2).selection("train") == Selection((1,), 2)
    assert make("nowhere", "h36m-p1-17j").selection("val").step == 64


def test_training_reads_world_poses_and_both_names_of_an_action(raw_copy):
    table = make(raw_copy, train_subjects=[1]).table("train")
    truth = human36m.truth((1,), step=5)
    rows = by_key(table)
    order = [rows[key_of(row, "raw")] for row in truth]
    np.testing.assert_allclose(table.joints[order, :17], [row.person.joints("h36m17") for row in truth], atol=3e-6)
    assert {"Photo", "WalkDog"} < set(table.actions.names)
    for old, new in (("TakingPhoto", "Photo"), ("WalkingDog", "WalkDog")):  # as some unpack them
        for path in raw_copy.glob(f"S1/MyPoseFeatures/D3_Positions/{old}*"):
            path.rename(path.with_name(path.name.replace(old, new)))
    np.testing.assert_array_equal(make(raw_copy, train_subjects=[1]).table("train").joints, table.joints)


def test_smpl_fits_come_into_the_camera_frame(json_copy):
    table = make(json_copy, layout="3dmppe", train_subjects=[1, 9], train_step=1).table("train")
    rows = by_key(table)
    fitted = human36m.truth((1,))
    order = [rows[key_of(row, "3dmppe")] for row in fitted]
    for name, limit in (("pose", 1e-5), ("betas", 1e-6), ("transl", 1e-5)):
        wanted = np.stack([getattr(row.person, name) for row in fitted])
        np.testing.assert_allclose(getattr(table, name)[order], wanted, atol=limit)
    assert table.smpl_valid[order].all()
    assert table.smpl_valid.sum() == len(fitted)  # subject 9 has no file
    missing = [rows[key_of(row, "3dmppe")] for row in human36m.truth((9,))]
    assert not table.smpl_valid[missing].any()
    assert not table.pose[missing].any()


def test_subject_8_is_compared_where_it_has_fits(assets, tmp_path):
    human36m.write_3dmppe(tmp_path, (8,), fitted=(8,), images=False)
    path = tmp_path / "annotations/Human36M_subject8_smpl_param.json"
    fits = json.loads(path.read_text())
    del fits["5"]["1"]["0"]
    path.write_text(json.dumps(fits))
    table = make(tmp_path, "h36m-s8-24j", layout="3dmppe").table("test")
    assert len(table) == 120 - 4
    assert table.smpl_valid.all()
    path.unlink()
    with pytest.raises(ValueError, match="smpl_param"):
        make(tmp_path, "h36m-s8-24j", layout="3dmppe").table("test")


def test_official_sample_of_i2l_meshnet(tmp_path):
    """The inputs that the official dataset class saw, written as files: joints are R X + t, and so is the mesh."""
    given = {key.removeprefix("Human36M_in_"): GOLDEN[key] for key in GOLDEN.files if key.startswith("Human36M_in_")}
    folder = tmp_path / "annotations"
    folder.mkdir()
    camera = {key: given[key].tolist() for key in "Rtfc"}
    fit = {name: given[name].tolist() for name in ("pose", "shape", "trans")}
    image = {"id": 4, "file_name": "a.jpg", "width": 1000, "height": 1002, "subject": 9, "action_idx": 3,
             "subaction_idx": 1, "cam_idx": 4, "frame_idx": 64}  # fmt: skip
    contents = {
        "data": {"images": [image], "annotations": [{"id": 8, "image_id": 4, "bbox": [450, 420, 210, 200]}]},
        "camera": {str(k): camera for k in range(1, 5)},
        "joint_3d": {"3": {"1": {"64": given["joint_world"].tolist()}}},
        "smpl_param": {"3": {"1": {"64": fit}}},
    }
    for kind, content in contents.items():
        (folder / f"Human36M_subject9_{kind}.json").write_text(json.dumps(content))

    def rest(betas):
        return np.einsum("v,rvc->rc", GOLDEN["J"][0], GOLDEN["template"] + np.einsum("vck,rk->rvc", shapes, betas))

    shapes = GOLDEN["shapedirs"]
    table = read_3dmppe(tmp_path, Selection((9,), 64), rest, "")
    rotation, shift = given["R"].astype(float), given["t"].astype(float)
    np.testing.assert_allclose(table.joints[0, :17], (given["joint_world"] @ rotation.T + shift) / 1000, atol=1e-6)
    np.testing.assert_allclose(table.intrinsics[0], [*given["f"], *given["c"]], rtol=1e-6)
    vertices, root = GOLDEN["template"] + shapes @ given["shape"], rest(given["shape"][None])[0]

    def posed(pose, transl):
        return (vertices - root) @ cv2.Rodrigues(np.asarray(pose, float))[0].T + root + transl

    world = posed(given["pose"][:3], given["trans"])
    np.testing.assert_allclose(posed(table.pose[0, 0], table.transl[0]), world @ rotation.T + shift / 1000, atol=2e-3)


def test_shifted_sequences_can_be_left_out(raw_copy, json_copy):
    for root, layout in ((raw_copy, "raw"), (json_copy, "3dmppe")):
        kept, dropped = (
            by_key(make(root, layout=layout, drop_shifted=drop).table("test")).keys() for drop in (False, True)
        )
        gone = {("S9", "Greeting", 2), ("S9", "SittingDown", 2), ("S9", "Waiting", 1)}
        rows = [
            row for row in human36m.truth((9,), (4,), 64) if ("S9", human36m.ACTIONS[row.action - 2], row.trial) in gone
        ]
        assert kept - dropped == {key_of(row, layout) for row in rows}
    with pytest.raises(ValueError, match="57 of the 60 videos"):
        make(raw_copy, drop_shifted=True).check_test_split()
    make(raw_copy).check_test_split()


def test_spin_files_hold_what_they_can(assets, tmp_path):
    test, train = human36m.truth((9, 11), (4,), 5), human36m.truth((1, 8), (1, 2), 1)
    (tmp_path / "dataset_extras").mkdir()
    human36m.write_spin(tmp_path, "h36m_valid_protocol2.npz", test)
    human36m.write_spin(tmp_path, "dataset_extras/h36m_mosh_train.npz", train, smpl=True)
    module = make(tmp_path, "h36m-p2-14j-mesh", layout="spin", crops=replace(CROPS, margin=1.2))
    table, rows = module.table("test"), by_key(module.table("test"))
    order = [rows[key_of(row, "spin")] for row in test]
    assert len(order) == len(rows) == 73
    places = table.skeleton.positions_of(H36M17)
    joints = np.stack([row.person.joints("h36m17") for row in test])
    found = table.joints[order][:, places]
    np.testing.assert_allclose(found - found[:, :1], joints - joints[:, :1], atol=1e-5)  # metres away
    assert table.joints_valid[:, places].all()
    boxes = np.array([human36m.mask_box(row.person) for row in test], float)
    side = table.boxes[order][:, 2]
    np.testing.assert_allclose(side * 1.2, 0.9 * boxes[:, 2:].max(1), rtol=1e-5)
    assert len(module.table("val")) == 60  # frames are multiples of 5 and of 64
    with pytest.raises(ValueError, match="73 of the 27558"):
        module.check_test_split()
    fitted = make(tmp_path, "h36m-s8-24j", layout="spin").table("test")
    assert len(fitted) == sum(row.subject == 8 for row in train) == fitted.smpl_valid.sum()
    assert len(make(tmp_path, layout="spin").table("train")) == sum(row.subject in (1, 8) for row in train)
    assert len(make(tmp_path, layout="spin", train_subjects=[1]).table("train")) == 60
    with pytest.raises(ValueError, match="not of h36m-p1-17j"):
        make(tmp_path, "h36m-p1-17j", layout="spin").table("test")
    with pytest.raises(ValueError, match="do not number trials"):
        make(tmp_path, "h36m-p2-14j-mesh", layout="spin", drop_shifted=True).table("test")
    with pytest.raises(FileNotFoundError, match=r"h36m_valid_protocol1.npz.*right folder"):
        make(tmp_path, "h36m-p1-14j-mesh", layout="spin").table("test")
    values = score(module, [test[order.index(row)].person for row in range(73)])
    assert values["mpjpe"] < 0.01


MISTAKES = {
    "millimetres": lambda joints, *_: joints * 1000,
    "sides": lambda joints, *_: joints[:, list(H36M17.mirror)],
    "order of joints": lambda joints, *_: joints[:, ::-1],
    "axes": lambda joints, *_: joints[..., [1, 0, 2]],
    "people of the next sequence": lambda joints, path, read: read(
        path.with_name(path.name.replace("Eating", "Posing"))
    ),
}


@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_truth_scores_zero_and_mistakes_do_not(raw_copy, monkeypatch, mistake):
    people = [row.person for row in human36m.truth((9, 11), (4,), 64)]
    if mistake:
        read = raw.read_positions
        monkeypatch.setattr(raw, "read_positions", lambda path: MISTAKES[mistake](read(path), path, read))
    values = score(make(raw_copy), people)
    assert values["n"] == 61
    assert (values["mpjpe"] < 0.01) == (values["pa_mpjpe"] < 0.01) == (mistake is None), values


def position_for_translation(cameras):
    return {key: {**one, "t": (-np.array(one["R"]).T @ one["t"]).tolist()} for key, one in cameras.items()}


def one_frame_late(joints):
    long = joints["2"]["1"]
    return {**joints, "2": {**joints["2"], "1": {key: long[str(max(int(key) - 1, 0))] for key in long}}}


@pytest.mark.parametrize(
    ("kind", "change", "rows"), [("camera", position_for_translation, 61), ("joint_3d", one_frame_late, 1)]
)
def test_wrong_numbers_in_3dmppe_files_show(json_copy, kind, change, rows):
    path = json_copy / f"annotations/Human36M_subject9_{kind}.json"
    right, whole = make(json_copy, layout="3dmppe").table("test"), path.read_text()
    path.write_text(json.dumps(change(json.loads(whole))))
    wrong = make(json_copy, layout="3dmppe").table("test")
    path.write_text(whole)
    moved = np.abs(wrong.joints - right.joints).max((1, 2)) > 0.01
    assert 0 < moved.sum() <= rows
    assert {right.subjects[row] for row in np.flatnonzero(moved).tolist()} == {"S9"}
    if rows == 1:
        assert right.frames[np.flatnonzero(moved)[0]] == 64


@pytest.mark.parametrize("mistake", [None, "wrong root"])
def test_absolute_positions_in_3dmppe_files(json_copy, mistake):
    def other_root(prediction):
        moved = prediction.joints.clone()
        moved[:, 0] = moved[:, 7]
        return replace(prediction, joints=moved, vertices=None)

    module = make(json_copy, "h36m-p2-root", layout="3dmppe")
    rows = by_key(module.table("test"))
    truth = {key_of(row, "3dmppe"): row.person for row in human36m.truth((9, 11), step=64)}
    people = [truth[key] for key in sorted(rows, key=rows.get)]
    kept = np.arange(0, len(people), 12)
    module._tables["test"] = module.table("test").take(kept)
    change = other_root if mistake else lambda prediction: prediction
    values = score(module, [people[row] for row in kept], change)
    assert (values["mrpe"] < 0.01) == (mistake is None), values


def test_real_command_line_trains_and_tests(raw_copy, tmp_path):
    both = {"body": "smpl", "skeleton": "h36m17"}
    values = fit_and_test(
        "datamodules.human36m.Human36MDataModule", raw_copy, tmp_path, FRONTAL,
        data={"train_subjects": [1], "batch_size": 16}, model=both, crops=both,
    )  # fmt: skip
    assert values["train/loss"] > 0
    assert values["test/n"] == 61
    assert values["test/mpjpe"] > 1


def test_videos_and_masks_are_prepared_once(assets, tmp_path):
    """Image i + 1 shows frame i; a truncated video is named, the others are done."""
    human36m.write_metadata(tmp_path)
    name, camera = human36m.file_name(*human36m.LONG), human36m.CAMERAS[1]
    people = [human36m.person(*human36m.LONG, 2, frame) for frame in range(human36m.FRAMES)]
    joints = np.stack([one.joints("h36m17") for one in people])
    folder = tmp_path / "S9"
    human36m.write_cdf(folder / f"MyPoseFeatures/D3_Positions_mono/{name}.{camera}.cdf", joints)
    human36m.write_masks(folder / f"MySegmentsMat/ground_truth_bb/{name}.{camera}.mat", people[:3])
    frames = [human36m.numbered_frame(frame) for frame in range(human36m.FRAMES)]
    write_video(folder / f"Videos/{name}.{camera}.mp4", frames)
    work = [job for job in jobs(tmp_path) if f"/{name}.{camera}." in job.name]
    assert len(work) == 2
    outcome = run_jobs(work)
    assert not outcome.failed
    made = sorted((tmp_path / "images").iterdir())
    numbers = [frame for frame in range(human36m.FRAMES) if frame % 5 == 0 or frame == 64]
    assert [path.name for path in made] == [f"S9_Directions_1.{camera}_{frame + 1:06d}.jpg" for frame in numbers]
    assert [human36m.number_of(cv2.imread(str(path))) for path in made] == numbers
    boxes = np.load(tmp_path / f"boxes/S9_Directions_1.{camera}.npy")
    np.testing.assert_array_equal(boxes, [human36m.mask_box(one) for one in people[:3]])
    before = made[0].stat().st_mtime_ns
    assert run_jobs(work).skipped == 1  # the boxes; the video is looked through
    assert made[0].stat().st_mtime_ns == before
    write_video(folder / f"Videos/{name}.{camera}.mp4", frames[:20])
    for path in made:
        path.unlink()
    assert "ends after 20 frames, but frame 65 is needed" in run_jobs(work).failed[work[0].name]
    assert len(list((tmp_path / "images").iterdir())) == 4
    assert len(jobs(tmp_path, every_frame=True)[0].arguments[-1]) == 1


def test_stored_boxes_are_read_instead_of_masks(raw_copy):
    module = make(raw_copy)
    original = module.table("test").boxes
    masks = next(raw_copy.glob("S9/MySegmentsMat/ground_truth_bb/Posing.60457274.mat"))
    stored = raw_copy / "boxes/S9_Posing.60457274.npy"
    store_boxes(masks, stored)
    hidden = masks.rename(masks.with_suffix(".hidden"))
    try:
        np.testing.assert_array_equal(make(raw_copy).table("test").boxes, original)
        stored.write_bytes(b"half")
        with pytest.raises(ValueError, match=r"S9_Posing.60457274.npy is damaged"):
            make(raw_copy).table("test")
        stored.unlink()
        with pytest.raises(FileNotFoundError, match=r"Posing.60457274.mat.*boxes: joints"):
            make(raw_copy).table("test")
        joints = make(raw_copy, boxes="joints").table("test")
        pixels = human36m.truth((9, 11), (4,), 64)[0].person.pixels("h36m17")
        np.testing.assert_allclose(joints.boxes[0], [*pixels.min(0), *np.ptp(pixels, axis=0)], atol=1e-3)
    finally:
        stored.unlink(missing_ok=True)
        hidden.rename(masks)


def test_damaged_and_missing_files_are_named(raw_copy, json_copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"metadata.xml.*right folder"):
        make(json_copy).table("test")
    with pytest.raises(FileNotFoundError, match=r"Human36M_subject9_data.json.*right folder"):
        make(raw_copy, layout="3dmppe").table("test")
    with pytest.raises(FileNotFoundError, match=r"no S5/MyPoseFeatures"):
        make(raw_copy).table("train")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        make(tmp_path / "nowhere").table("test")
    with pytest.raises(ValueError, match="only layouts 3dmppe and spin"):
        make(raw_copy, "h36m-s8-24j").table("test")
    with pytest.raises(ValueError, match="no protocol 'other'"):
        make(raw_copy, "other")
    for options in ({"layout": "other"}, {"boxes": "other"}, {"train_step": 0}):
        with pytest.raises(ValueError, match=r"other|train_step"):
            make(raw_copy, **options)
    for pattern, message in (
        ("metadata.xml", "metadata.xml is damaged"),
        ("S11/MyPoseFeatures/D3_Positions_mono/Posing.60457274.cdf", "Posing.60457274.cdf is damaged"),
        ("S11/MySegmentsMat/ground_truth_bb/Posing.60457274.mat", "Posing.60457274.mat is damaged"),
    ):
        path = raw_copy / pattern
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 3])
        with pytest.raises(ValueError, match=message):
            make(raw_copy).table("test")
        path.write_bytes(whole)
    path = json_copy / "annotations/Human36M_subject11_data.json"
    whole = path.read_text()
    path.write_text(whole[:-50])
    with pytest.raises(ValueError, match=r"subject11_data.json is not whole JSON"):
        make(json_copy, layout="3dmppe").table("test")
    path.write_text(whole.replace('"action_idx": 4', '"action_idx": 40'))
    with pytest.raises(ValueError, match=r"is not one of Human3.6M's"):
        make(json_copy, layout="3dmppe").table("test")
    path.write_text(whole)
    path = json_copy / "annotations/Human36M_subject11_joint_3d.json"
    whole = path.read_text()
    path.write_text(whole.replace('"7": {"1"', '"7": {"3"'))
    with pytest.raises(ValueError, match=r"joint_3d.json lacks frames"):
        make(json_copy, layout="3dmppe").table("test")
    path.write_text(whole)


def test_absent_image_is_named(raw_copy):
    module = make(raw_copy)
    path = raw_copy / module.table("test").images[5]
    hidden = path.rename(path.with_suffix(".hidden"))
    with pytest.raises(FileNotFoundError, match=path.name):
        module.source("test")[5]
    hidden.rename(path)


def test_image_names_are_parsed():
    assert parse_image_name("images/S9_Directions_1.60457274_000001.jpg") == (9, "Directions 1", "60457274", 0)
    assert parse_image_name("S11_WalkTogether.54138969_001234.jpg") == (11, "WalkTogether", "54138969", 1233)
    with pytest.raises(ValueError, match="not named like"):
        parse_image_name("images/frame_1.jpg")


def test_photographs_show_the_person(raw_copy):
    sample = make(raw_copy).source("test")[3]
    row = human36m.truth((9, 11), (4,), 64)[3]
    assert np.abs(sample.image.astype(int) - make_image([row.person])).mean() < 8
    assert sample.frame == row.frame
