"""HumanEva-I: cameras, synchronisation, the parts of the recordings, extracted frames."""

import cv2
import numpy as np
import pytest
import torch
from fake import human36m, humaneva
from fake.run import fit_and_test

from body.skeleton import HUMANEVA15
from datamodules.humaneva import HumanEvaDataModule, prepare, recordings
from datamodules.jobs import run_jobs
from datamodules.settings import CropSettings
from lightning_modules.prediction import Prediction
from metrics import build_task, overall
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config

CROPS = CropSettings("humaneva15", size=32)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("humaneva")
    humaneva.write(root)
    return root


def make(root, **options):
    return HumanEvaDataModule(str(root), **{"crops": CROPS, "batch_size": 8, "num_workers": 0} | options)


@pytest.mark.parametrize(("split", "part"), [("train", 0), ("val", 1), ("test", 1)])
def test_tables_hold_the_truth(copy, split, part):
    table = make(copy).table(split)
    truth = humaneva.rows(part, humaneva.CAMERAS)
    assert len(table) == len(truth) == 36
    assert table.skeleton is HUMANEVA15
    for row, (subject, action, camera, frame, video, joints) in enumerate(truth):
        assert (table.subjects[row], table.actions[row], table.cameras[row]) == (subject, action, camera)
        assert table.frames[row] == frame
        assert table.images[row] == f"images/{subject}/{action}_1_({camera})/{video:06d}.jpg"
        np.testing.assert_allclose(table.joints[row], joints, atol=2e-6)
        seen = humaneva.camera_of(subject, camera)
        np.testing.assert_allclose(table.intrinsics[row], seen.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6)
        pixels = seen.project(joints)
        np.testing.assert_allclose(table.boxes[row], [*pixels.min(0), *np.ptp(pixels, axis=0)], rtol=1e-4)
    assert table.joints_valid.all()
    assert len(make(copy, cameras=["C2"]).table(split)) == 12


def test_parts_do_not_overlap_and_are_those_of_the_tables():
    assert {key: recordings.PARTS[key] for key in humaneva.WINDOWS} == humaneva.WINDOWS
    assert {action for action, _ in recordings.PARTS} == {"Walking", "Jog", "Box"}
    for train, validation in recordings.PARTS.values():
        assert 0 < validation[0] < validation[1] == train[0] < train[1]


def oracle(module, change=lambda joints: joints):
    task = build_task(module.protocol, module.skeleton)
    joints = torch.tensor(np.stack([row[-1] for row in humaneva.rows(1)])).float()
    start = 0
    for batch in module.test_dataloader():
        count = len(batch["image"])
        said, flat = change(joints[start : start + count].clone()), torch.zeros(count, 15, 2)
        task.update(Prediction(said, HUMANEVA15, flat, "given"), module.on_after_batch_transfer(batch, 0))
        start += count
    return task.compute()


MISTAKES = {
    "metres for millimetres": lambda joints: joints / 1000,
    "sides": lambda joints: joints[:, list(HUMANEVA15.mirror)],
    "order of joints": lambda joints: joints[:, ::-1],
    "axes": lambda joints: joints[..., ::-1],
    "one frame late": lambda joints: np.roll(joints, 1, axis=0),
    "other recording": lambda joints: np.where(np.isnan(joints), np.nan, joints[7]),
}


@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_truth_scores_zero_and_mistakes_do_not(copy, mistake):
    if mistake is None:
        values = oracle(make(copy, cameras=["C1"]))
        assert overall(values)["pa_mpjpe"] < 0.01
        assert values["mpjpe"] < 0.01
        assert values["n"] == 12
        assert sum(key.startswith("subject+action/") and key.endswith("/n") for key in values) == 6
        return
    path = copy / "converted_15j/Validate/S2/Jog_1.mat"
    whole = path.read_bytes()
    humaneva.write_joints(copy, "S2", "Jog", 1, MISTAKES[mistake])
    module = make(copy, cameras=["C1"])
    table, right = module.table("test"), humaneva.rows(1)
    wrong = [row for row in range(12) if np.abs(table.joints[row] - right[row][-1]).max() > 0.01]
    frames = [table.frames[row] != right[row][3] for row in range(12)]
    assert wrong or any(frames)
    if mistake == "one frame late":  # the same poses, at other frames, so with other images
        assert [row for row in range(12) if frames[row]] == [6, 7]
    else:
        assert oracle(module)["mpjpe"] > 5
    path.write_bytes(whole)


def test_wrong_root_is_seen(copy):
    def other_root(joints):
        joints[:, 0] = joints[:, 1]
        return joints

    assert oracle(make(copy, cameras=["C1"]), other_root)["mpjpe"] > 50


def test_real_command_line_trains_and_tests(copy, tmp_path):
    settings = read_config(find_config("hemlets/humaneva"))["model"]["init_args"]
    small = {
        "hidden_channels": 8,
        "feature_channels": 8,
        "skeleton": "humaneva15",
        "parts": settings["network"]["parts"],
    }
    values = fit_and_test(
        "datamodules.humaneva.HumanEvaDataModule", copy, tmp_path, "humaneva-walk-jog", method="hemlets", model=small,
        data={"cameras": ["C1"]}, crops={"skeleton": "humaneva15"},
    )  # fmt: skip
    assert values["train/loss"] > 0
    assert values["test/n"] == 12
    assert values["test/pa_mpjpe"] > 1


def test_frames_are_extracted_without_distortion(tmp_path, monkeypatch):
    """Video frame k becomes the image of number k, and lines that the lens bends come out straight."""
    humaneva.write(tmp_path, parts=())
    monkeypatch.setattr(prepare, "PARTS", {("Jog", "S2"): ((14, 20), (5, 14)), ("Walking", "S1"): ((6, 7), (5, 6))})
    size, lens, offset = humaneva.SIZE, humaneva.camera_of("S1", "C2"), humaneva.offset_of("S2", "Jog", "C1") - 1
    humaneva.write_recording(tmp_path, "S2", "Jog", "C1", [human36m.numbered_frame(k, size) for k in range(30)])
    humaneva.write_calibration(tmp_path / "S2/Calibration_Data/C1.cal", humaneva.camera_of("S2", "C1"), [0] * 5)
    work = prepare.jobs(tmp_path)
    assert len(work) == 6
    (job,) = [job for job in work if job.name.endswith("S2/Image_Data/Jog_1_(C1).avi")]
    assert run_jobs([job]).failed == {}
    made = sorted((tmp_path / "images/S2/Jog_1_(C1)").iterdir())
    assert [int(path.stem) for path in made] == list(range(5 + offset, 20 + offset))
    assert [human36m.number_of(cv2.imread(str(path))) for path in made] == [int(path.stem) for path in made]
    line = np.stack([np.linspace(-0.9, 0.9, 25), np.full(25, 0.5), np.full(25, 2.2)], 1)
    bent = cv2.projectPoints(line, np.zeros(3), np.zeros(3), lens.intrinsics, np.array(humaneva.DISTORTION))[0][:, 0]
    image = np.zeros((size[1], size[0], 3), np.uint8)
    cv2.polylines(image, [np.rint(bent).astype(np.int32)], False, (255, 255, 255), 2)
    humaneva.write_recording(tmp_path, "S1", "Walking", "C2", [image] * 12)
    assert prepare.extract(tmp_path, tmp_path / "S1/Image_Data/Walking_1_(C2).avi", "S1", "Walking", "C2") == 2
    straight = cv2.imread(str(next((tmp_path / "images/S1/Walking_1_(C2)").iterdir())), cv2.IMREAD_GRAYSCALE)
    ys, xs = np.nonzero(straight > 127)
    assert np.abs(ys[(xs > 20) & (xs < 108)] - lens.project(line)[0, 1]).max() < 2.6
    assert np.ptp(bent[:, 1]) > 2.6


def test_damaged_and_missing_files_are_named(copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no S1 or S2 or S3.*right folder"):
        make(tmp_path).table("test")
    with pytest.raises(ValueError, match=r"C1, C2, C3"):
        make(copy, cameras=["BW1"])
    for name, message in (
        ("S1/Calibration_Data/C1.cal", r"C1.cal has \d+ numbers, not 22"),
        ("S2/Sync_Data/Jog_1_(C3).ofs", r"ofs has 1 numbers, not 3"),
        ("converted_15j/Validate/S3/Walking_1.mat", r"Walking_1.mat"),
    ):
        path = copy / name
        whole = path.read_bytes()
        path.write_bytes(whole[: 2 if path.suffix == ".ofs" else len(whole) // 2])
        with pytest.raises(ValueError, match=message):
            make(copy).table("test")
        path.rename(path.with_suffix(".hidden"))
        with pytest.raises(FileNotFoundError, match=r"right folder"):
            make(copy).table("test")
        path.with_suffix(".hidden").unlink()
        path.write_bytes(whole)
    path = copy / "converted_15j/Validate/S1/Jog_1.mat"
    whole = path.read_bytes()
    humaneva.write_joints(copy, "S1", "Jog", 1, lambda joints: joints[:-1])
    with pytest.raises(ValueError, match=r"has 361 frames, but this part has 362"):
        make(copy).table("test")
    path.write_bytes(whole)
    path = copy / "S1/Calibration_Data/C1.cal"
    whole = path.read_text()
    numbers = whole.split()
    path.write_text("\n".join([*numbers[:10], "2.0", *numbers[11:]]))
    with pytest.raises(ValueError, match="no rotation matrix"):
        make(copy).table("test")
    path.write_text(whole)
