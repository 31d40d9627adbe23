"""Parameters fitted to meshes and joints, against the bodies that these were made of."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.transform import Rotation
from skimage import data

from body.load import load_body
from body.model import BodyModel
from body.open_body import read_open_body
from body.skeleton import H36M18, LSP14, SMPL24, SMPL29
from datamodules.synthetic.actions import sample_pose
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.fit import fit_parameters
from zoo.prediction.fit.gauss_newton import BodyFit
from zoo.prediction.fit.start import start_from_mesh


@pytest.fixture(scope="module")
def body():
    return load_body("open")


@pytest.fixture(scope="module")
def people(body):
    """Parameters of two people who walk and throw, upright in front of the camera, seen from two sides."""
    rng = np.random.default_rng(5)
    pose = np.stack([sample_pose(name, rng) for name in ("walking", "throwing")])
    turns = Rotation.from_euler("y", [[10], [130]], degrees=True)
    pose[:, 0] = (Rotation.from_euler("x", 180, degrees=True) * turns).as_rotvec()
    torch.manual_seed(0)
    return torch.from_numpy(pose).float(), torch.randn(2, 10), torch.tensor([[0.0, 0.2, 3.0]]).repeat(2, 1)


def predicted(body, people, skeleton, mesh):
    vertices = body(*people).vertices
    joints = body.regress(vertices, skeleton.name)
    given = (vertices, body.faces) if mesh else ()
    return Prediction(joints, skeleton, joints[..., :2], "box", *given)


def posed(body, smpl):
    return body(smpl.pose, smpl.betas, smpl.transl)


def test_a_mesh_gives_its_parameters_back(body, people):
    found = fit_parameters(predicted(body, people, SMPL29, mesh=True)).smpl
    truth, again = body(*people), posed(body, found)
    torch.testing.assert_close(again.joints, truth.joints, atol=1e-4, rtol=0)
    torch.testing.assert_close(again.vertices, truth.vertices, atol=2e-4, rtol=0)
    torch.testing.assert_close(found.betas, people[1], atol=0.03, rtol=0)
    apart = Rotation.from_rotvec(found.pose.reshape(-1, 3)).inv() * Rotation.from_rotvec(people[0].reshape(-1, 3))
    assert np.degrees(apart.magnitude()).max() < 0.2
    assert found.fit_error_mm.max() < 0.1


@pytest.mark.parametrize("skeleton", [SMPL24, H36M18])
def test_joints_give_a_body_that_has_them(body, people, skeleton):
    prediction = predicted(body, people, skeleton, mesh=False)
    result = fit_parameters(prediction)
    again = posed(body, result.smpl)
    misses = (body.regress(again.vertices, skeleton.name) - prediction.joints).norm(dim=-1).mean(1)
    assert misses.max() < 0.008
    torch.testing.assert_close(result.smpl.fit_error_mm, 1000 * misses, atol=0.02, rtol=0)
    others = (again.joints - body(*people).joints).norm(dim=-1).mean(1)  # also those that the skeleton lacks
    assert others.max() < 0.035
    assert result.vertices is None
    assert result.joints is prediction.joints


def test_the_stated_error_is_that_of_the_posed_mesh(body, people):
    prediction = predicted(body, people, SMPL29, mesh=True)[:1]
    bent = prediction.vertices + 0.03 * torch.sin(20 * prediction.vertices.roll(1, -1))  # no body's mesh
    smpl = fit_parameters(Prediction(prediction.joints, SMPL29, prediction.joints_2d, "box", bent, body.faces)).smpl
    misses = 1000 * (posed(body, smpl).vertices - bent).norm(dim=-1).mean(1)
    assert misses.min() > 5
    torch.testing.assert_close(smpl.fit_error_mm, misses, atol=0.02, rtol=0)


def test_blendshapes_of_the_pose_are_fitted_through(people):
    """A body with SMPL's kind of pose blendshapes, some millimetres strong."""
    arrays = read_open_body()
    rng = np.random.default_rng(0)
    arrays["posedirs"] = 0.004 * rng.standard_normal((len(arrays["v_template"]), 3, 207)).astype(np.float32)
    model = BodyModel("bent", SMPL24, arrays, {})
    vertices = model(*people).vertices[:1]
    problem = BodyFit(model, vertices, None, miss=0.01, stiffness=10.0)
    found = problem.solve(start_from_mesh(model, vertices), 12)
    assert problem.distances(found).max() < 5e-4


def test_what_is_given_stays_and_nobody_is_no_error(body, people):
    prediction = predicted(body, people, SMPL24, mesh=False)
    own = Prediction(prediction.joints, SMPL24, prediction.joints_2d, "box", smpl=SmplParameters(*people))
    assert fit_parameters(own) is own
    nobody = fit_parameters(prediction[:0])
    assert [len(values) for values in (nobody.smpl.pose, nobody.smpl.betas, nobody.smpl.transl)] == [0, 0, 0]


def test_what_cannot_be_fitted_is_one_line(body, people):
    mesh = predicted(body, people, SMPL29, mesh=True)
    with pytest.raises(ZooError, match="has 100 vertices and is not of the body 'open'"):
        fit_parameters(Prediction(mesh.joints, SMPL29, mesh.joints_2d, "box", mesh.vertices[:, :100], body.faces))
    with pytest.raises(ZooError, match="no joint regressor 'lsp14'"):
        fit_parameters(Prediction(mesh.joints[:, :14], LSP14, mesh.joints_2d[:, :14], "box"))


def test_the_command_writes_a_rig_of_a_method_without_parameters(listed, tmp_path, capsys):
    Image.fromarray(data.astronaut()[:200, 100:300]).save(tmp_path / "a.png")
    command = ["predict", str(tmp_path / "a.png"), "--whole", "--formats", "npz", "rig", "bvh", "json", "--out"]
    assert main([*command, str(tmp_path / "plain")]) == 2
    assert "--fit-parameters estimates them" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "one"), "--fit-parameters"]) == 0
    printed = capsys.readouterr().err
    assert main(["predict", str(tmp_path), *command[2:], str(tmp_path / "many"), "--fit-parameters"]) == 0
    names = {"a.npz", "a_rig.glb", "a.bvh", "a.json"}
    for folder in ("one", "many"):
        assert {path.name for path in (tmp_path / folder).iterdir()} - {"predicted.jsonl"} == names
        record = json.loads((tmp_path / folder / "a.json").read_text())["smpl"]
        with np.load(tmp_path / folder / "a.npz") as file:
            assert record["fit_error_mm"] == pytest.approx(float(file["fit_error_mm"][0]), rel=1e-5)
            assert record["body"] == str(file["body"]) == "open"
            np.testing.assert_allclose(np.ravel(record["pose_axis_angle"]), file["poses"][0], atol=1e-6)
    assert f"{record['fit_error_mm']:.1f} mm" in printed
