"""The page that plays a video: its skin poses as the body model does, everybody has their frames, it stays small."""

import base64
import json
import re
from fractions import Fraction

import numpy as np
import torch

from body.camera import default_intrinsics, project
from body.load import load_body
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.prediction.export.motion import Motion, rest_vertices
from zoo.prediction.export.person import SourceImage
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.people import TrackedPerson
from zoo.prediction.video.viewer_page import ViewerPage, part_maps

CAMERA = default_intrinsics(64, 48).numpy()


def read(path):
    content = re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL).group(1)
    return json.loads(content)


def numbers(text, kind="<f4"):
    return np.frombuffer(base64.b64decode(text), kind)


def person(track, place, smpl=True):
    joints = torch.zeros(1, 24, 3) + torch.tensor(place)
    pixels = project(joints, torch.from_numpy(CAMERA)[None])
    pose = torch.zeros(1, 24, 3)
    pose[0, 1, 0] = 0.1 * track
    given = SmplParameters(pose, torch.zeros(1, 10), torch.tensor([place])) if smpl else None
    return TrackedPerson(track, Prediction(joints, SMPL24, pixels, "box", smpl=given), (0.0, 0.0, 9.0, 9.0), 1.0)


def write(path, count, people, body="open"):
    page = ViewerPage(path, "clip.mp4", body, SMPL24, Fraction(25))
    for index in range(count):
        canvas = SourceImage(np.full((48, 64, 3), index % 250, np.uint8), CAMERA, "clip.mp4")
        page.add(VideoFrame(index, index, index / 25, canvas, 1.0, tuple(people(index))))
    page.close()
    return path


def test_the_skin_is_the_body_models():
    torch.manual_seed(1)
    body = load_body("open")
    pose, betas, transl = 0.4 * torch.randn(3, 24, 3), torch.randn(1, 10), torch.randn(3, 3)
    expected = body(pose, betas.expand(3, 10), transl).vertices.numpy()
    maps = part_maps(Motion(pose.numpy(), betas[0].numpy(), transl.numpy(), "open"))
    rest = rest_vertices("open", betas.numpy())[0]
    points = np.einsum("fjab,vb->fjva", maps, np.c_[rest, np.ones(len(rest))])
    skinned = np.einsum("vj,fjva->fva", body.lbs_weights.numpy(), points)
    np.testing.assert_allclose(skinned, expected, atol=1e-5)


def test_everybody_has_their_frames(tmp_path):
    def people(index):
        shown = [person(0, [0.1 * index, 0.0, 3.0])]
        return [*shown, person(4, [0.0, 0.0, 5.0])] if index >= 2 else shown

    content = read(write(tmp_path / "clip.html", 5, people))
    assert (content["frames"], content["fps"], content["stride"], len(content["photos"])) == (5, 25.0, 1, 5)
    assert [one["name"] for one in content["people"]] == ["person 0", "person 4"]
    assert [one["rows"] for one in content["people"]] == [[0, 1, 2, 3, 4], [2, 3, 4]]
    first, late = content["people"]
    moving = numbers(first["moving"]).reshape(5, 24, 3)
    np.testing.assert_allclose(moving[:, 7], [[0.1 * k, 0, 3] for k in range(5)], atol=1e-6)
    assert numbers(late["maps"]).size == 3 * 24 * 12
    assert numbers(content["faces"], "<u4").size == 3 * len(load_body("open").faces)
    np.testing.assert_allclose(numbers(late["skin"]["weights"]).reshape(-1, 4).sum(1), 1, atol=1e-6)


def test_joints_alone_and_nobody(tmp_path):
    content = read(write(tmp_path / "a.html", 2, lambda _: [person(0, [0.0, 0.0, 3.0], smpl=False)], "none"))
    assert content["faces"] == content["people"][0]["vertices"] == ""
    assert not write(tmp_path / "nobody.html", 2, lambda _: []).exists()


def test_photographs_of_a_long_video_are_thinned_out(tmp_path):
    content = read(write(tmp_path / "long.html", 500, lambda _: [person(0, [0.0, 0.0, 3.0])]))
    assert content["stride"] == 4
    assert len(content["photos"]) == 125
    assert content["frames"] == 500
