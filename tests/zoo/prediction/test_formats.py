"""`--formats`: which files there are, and that other readers find the prediction in them."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage import data

import zoo
from body.camera import default_intrinsics, project
from body.load import load_body
from body.skeleton import COCO17, SMPL24, SMPL29, Skeleton
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.checkpoints.load import build_model
from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.detect.finders import GivenBoxes
from zoo.prediction.detect.people import find_people
from zoo.prediction.export import SourceImage, write_prediction
from zoo.prediction.folder import FolderRun
from zoo.prediction.sources import find_sources
from zoo.prediction.video.predict import VideoSettings

BOXES = [(60.0, 20.0, 100.0, 200.0), (160.0, 20.0, 100.0, 200.0)]
SCORES = [0.9, 0.75]


@pytest.fixture(scope="module")
def photo():
    camera = default_intrinsics(320, 240).numpy()
    return SourceImage(np.zeros((240, 320, 3), np.uint8), camera, "000000000042.jpg", intrinsics_given=True)


@pytest.fixture(scope="module")
def prediction(photo):
    """Two people of the open body in random poses, three metres away, with five points of the face."""
    torch.manual_seed(3)
    body = load_body("open")
    smpl = SmplParameters(
        0.3 * torch.randn(2, 24, 3), torch.randn(2, 10), torch.tensor([[-0.5, 0.2, 3.0], [0.5, 0.2, 3.5]])
    )
    vertices = body(smpl.pose, smpl.betas, smpl.transl).vertices
    joints = body.regress(vertices, "smpl29")
    pixels = project(joints, torch.from_numpy(photo.intrinsics).expand(2, 3, 3))
    return Prediction(joints, SMPL29, pixels, "box", vertices, body.faces, smpl)


@pytest.fixture(scope="module")
def folder(prediction, photo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    write_prediction(prediction, photo, BOXES, folder, "m", formats=["coco", "csv", "npz"], body="open", scores=SCORES)
    return folder


def test_rows_that_are_joined_again_are_the_prediction(prediction):
    again = Prediction.join([prediction[0], prediction[1]])
    for name in ("joints", "joints_2d", "vertices"):
        torch.testing.assert_close(getattr(again, name), getattr(prediction, name), rtol=0, atol=0)
    for name in ("pose", "betas", "transl"):
        torch.testing.assert_close(getattr(again.smpl, name), getattr(prediction.smpl, name), rtol=0, atol=0)


def test_only_the_chosen_files_are_written(folder, prediction, photo, tmp_path):
    names = {"000000000042_coco.json", "000000000042.csv"} | {f"000000000042_person{k}.npz" for k in (0, 1)}
    assert {path.name for path in folder.iterdir()} == names
    write_prediction(prediction, photo, BOXES, tmp_path, "m", formats=["json", "glb"])
    people = {f"000000000042_person{k}.json" for k in (0, 1)}
    assert {path.name for path in tmp_path.iterdir()} == {"000000000042.glb"} | people


def test_pycocotools_reads_the_keypoints_and_scores_them_as_perfect(folder, prediction):
    """The truth is written here from the joints by name, so a joint in another's place lowers the precision."""
    truth = COCO()
    annotations = []
    for number, (x, y, width, height) in enumerate(BOXES):
        points = [prediction.joints_2d[number, SMPL29.joints.index(name)].tolist() for name in COCO17.joints]
        keypoints = [value for u, v in points for value in (u, v, 2)]
        annotations.append(
            {"id": number + 1, "image_id": 42, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
            | {"keypoints": keypoints, "bbox": [x, y, width, height], "area": 0.5 * width * height}
        )
    truth.dataset = {"images": [{"id": 42}], "categories": [{"id": 1}], "annotations": annotations}
    truth.createIndex()
    results = truth.loadRes(str(folder / "000000000042_coco.json"))
    evaluation = COCOeval(truth, results, "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    written = results.loadAnns(results.getAnnIds())
    assert [one["score"] for one in written] == SCORES
    assert [tuple(one["bbox"]) for one in written] == BOXES


def test_joints_that_a_skeleton_lacks_are_marked_in_coco(prediction, photo, tmp_path):
    pelvis_only = Prediction(prediction.joints[:1, :24], SMPL24, prediction.joints_2d[:1, :24], "box")
    named = SourceImage(photo.pixels, photo.intrinsics, "holiday.jpg")
    (path,) = write_prediction(pelvis_only, named, BOXES[:1], tmp_path, "m", formats=["coco"])
    (result,) = json.loads(path.read_text())
    assert result["image_id"] == result["file_name"] == "holiday.jpg"
    points = np.reshape(result["keypoints"], (17, 3))
    np.testing.assert_array_equal(points[:5], 0)  # nose, eyes and ears
    np.testing.assert_array_equal(points[5:, 2], 1)
    shared = [SMPL24.index(name) for name in COCO17.joints[5:]]
    np.testing.assert_allclose(points[5:, :2], prediction.joints_2d[0, shared], atol=6e-4)
    root = Skeleton("root", ("pelvis",), ("pelvis",), "pelvis")
    nothing = Prediction(prediction.joints[:1, :1], root, prediction.joints_2d[:1, :1], "box")
    with pytest.raises(ZooError, match="m predicts none of COCO's 17 joints; leave coco out"):
        write_prediction(nothing, named, BOXES[:1], tmp_path / "new", "m", formats=["coco"])
    assert not (tmp_path / "new").exists()


def test_rows_of_the_table_project_to_their_own_pixels(folder, prediction, photo):
    with (folder / "000000000042.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["person"], row["joint"]) for row in rows] == [(k, name) for k in "01" for name in SMPL29.joints]
    (fx, _, cx), (_, fy, cy), _ = photo.intrinsics.tolist()
    for row, joint in zip(rows, prediction.joints.flatten(0, 1).tolist(), strict=True):
        x, y, z, u, v = (float(row[name]) for name in "xyzuv")
        assert (x, y, z) == pytest.approx(joint, abs=1e-6)
        assert (u, v) == pytest.approx((fx * x / z + cx, fy * y / z + cy), abs=2e-3)


def reposed(path):
    """Vertices of a file by `smplx`'s own code."""
    with np.load(path, allow_pickle=False) as file:
        content = {name: torch.from_numpy(file[name]) for name in ("poses", "betas", "trans")}
    body = load_body("open").as_smplx()
    pose = content["poses"]
    output = body(
        global_orient=pose[:, :3], body_pose=pose[:, 3:], betas=content["betas"][None], transl=content["trans"]
    )
    return output.vertices[0].detach().numpy()


def test_parameters_pose_the_predicted_mesh_and_name_their_body(folder, prediction, photo, tmp_path):
    for number in (0, 1):
        path = folder / f"000000000042_person{number}.npz"
        np.testing.assert_allclose(reposed(path), prediction.vertices[number].numpy(), atol=1e-4)
        with np.load(path, allow_pickle=False) as file:
            shapes = {name: file[name].shape for name in ("poses", "betas", "trans", "intrinsics")}
            assert shapes == {"poses": (1, 72), "betas": (10,), "trans": (1, 3), "intrinsics": (3, 3)}
            assert (str(file["body"]), str(file["gender"])) == ("open", "neutral")
            np.testing.assert_array_equal(file["intrinsics"], photo.intrinsics)
            assert file["image_size"].tolist() == [320, 240]
    (path,) = write_prediction(prediction[0], photo, BOXES[:1], tmp_path, "m", formats=["npz"], body="smpl_female")
    with np.load(path, allow_pickle=False) as file:
        assert (str(file["body"]), str(file["gender"])) == ("smpl", "female")


def test_parameters_of_a_method_pose_its_mesh(tmp_path):
    """From the network through the command's own joining of people and its translation."""
    torch.manual_seed(0)
    network = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}
    model = build_model("i2l_meshnet", {"network": network, "stage": "param", "mesh_from": "param"}).eval()
    picture = data.astronaut()[:200, 100:300]
    Image.fromarray(picture).save(tmp_path / "a.png")
    boxes = [[10, 10, 90, 180], [80, 10, 110, 180]]
    run = FolderRun(model, "m", tmp_path / "out", "", formats=["npz"])
    assert run.run(find_sources([str(tmp_path / "a.png")]), GivenBoxes(boxes), VideoSettings(batch_size=2)) == 0
    alone = zoo.predict(model, picture, boxes)
    for number in (0, 1):
        vertices = reposed(tmp_path / "out" / f"a_person{number}.npz")
        np.testing.assert_allclose(vertices, alone.vertices[number].numpy(), atol=1e-4)


def test_parameters_are_refused_in_one_line_where_there_are_none(listed, tmp_path, capsys):
    Image.fromarray(data.astronaut()[:120, 150:310]).save(tmp_path / "a.png")
    Image.fromarray(data.astronaut()[:110, 150:310]).save(tmp_path / "b.png")
    for images in ([tmp_path / "a.png"], [tmp_path]):
        command = ["predict", *map(str, images), "--whole", "--out", str(tmp_path / "out"), "--formats", "npz", "json"]
        assert main(command) == 2
        printed = capsys.readouterr()
        assert "gives no pose and shape of a body with 24 joints" in printed.err
        assert printed.err.count("\n") == 1
        assert not list((tmp_path / "out").glob("*.json"))


def test_the_command_writes_what_is_asked_for_with_the_detectors_score(listed, tmp_path, capsys):
    portrait = data.astronaut()
    Image.fromarray(portrait).save(tmp_path / "7.png")
    Image.fromarray(data.brick()).save(tmp_path / "wall.png")
    (expected,) = find_people([portrait])
    for images, out in (([tmp_path / "7.png"], "single"), ([tmp_path / "7.png", tmp_path / "wall.png"], "several")):
        command = ["predict", *map(str, images), "--out", str(tmp_path / out), "--formats", "coco", "csv"]
        assert main(command) == 0
        names = {path.name for path in (tmp_path / out).iterdir()} - {"predicted.jsonl"}
        assert names == {"7_coco.json", "7.csv"}
        (result,) = json.loads((tmp_path / out / "7_coco.json").read_text())
        assert result["image_id"] == 7
        assert result["score"] == pytest.approx(expected[0].score, abs=1e-4)
    capsys.readouterr()
    assert main([*command[:-2], "json"]) == 0  # other files: done again
    assert "1 predicted" in capsys.readouterr().out


def test_help_and_a_wrong_format(capsys):
    for arguments, code in ((["--help"], 0), (["a.png", "--formats", "fbx"], 2)):
        try:
            result = main(["predict", *arguments])
        except SystemExit as end:
            result = end.code
        assert result == code
        printed = capsys.readouterr()
        text = printed.out + printed.err
        assert all(name in text for name in ("overlay", "views", "coco", "csv", "npz"))
