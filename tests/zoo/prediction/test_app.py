"""The page of `zoo app`, through Gradio's own client."""

import os
from pathlib import Path

import av
import numpy as np
import pygltflib
import pytest
import trimesh
from clips import write_clip
from PIL import Image
from skimage import data

pytest.importorskip("gradio")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


@pytest.fixture(scope="module")
def client(small_model, tmp_path_factory):
    """The page with one small model, served on the loopback interface."""
    from gradio_client import Client

    from zoo.app import page, work

    patch = pytest.MonkeyPatch()
    for module in (page, work):
        patch.setattr(module, "ready_weights", lambda: ["i2l_meshnet.small"])
    patch.setattr(work, "_model", lambda name: small_model)
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    served = page.make_page()
    _, url, _ = served.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield Client(url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))
    served.close()
    patch.undo()


def value(output):
    return output["value"] if isinstance(output, dict) else output


def predict(client, path, parameters=False):
    from gradio_client import handle_file

    return client.predict(handle_file(path), "i2l_meshnet.small", parameters, api_name="/predict")


def test_a_picture_gives_overlay_model_and_downloads(client, tmp_path):
    Image.fromarray(data.astronaut()).save(tmp_path / "portrait.png")
    picture, clip, model, downloads, summary = predict(client, str(tmp_path / "portrait.png"), parameters=True)
    assert summary.startswith("1 person by i2l_meshnet")
    assert "mm from the prediction" in summary
    assert value(clip) is None
    assert np.asarray(Image.open(value(picture))).shape[0] == 480
    assert len(trimesh.load(value(model)).geometry) == 1
    endings = {".png", ".glb", ".html", ".json", ".csv", ".bvh", ".npz"}
    assert {Path(path).suffix for path in downloads} == endings


def test_a_clip_gives_a_video_and_bodies_that_move(client, tmp_path):
    small = np.asarray(Image.fromarray(data.astronaut()).resize((256, 256)))
    path = write_clip(tmp_path / "a.mp4", 2, size=(256, 256), pictures=[small, small])
    picture, clip, model, downloads, summary = predict(client, str(path), parameters=True)
    assert summary == "2 frames, 1 person by i2l_meshnet.small"
    assert value(picture) is None
    clip = value(clip)
    with av.open(str(clip["video"] if isinstance(clip, dict) else clip)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2
    assert pygltflib.GLTF2().load(value(model)).animations[0].channels
    endings = {".mp4", ".glb", ".html", ".jsonl", ".csv", ".bvh", ".npz"}
    assert {Path(path).suffix for path in downloads} == endings


def test_bad_uploads_are_answered_in_one_line(client, tmp_path):
    from gradio_client.exceptions import AppError

    Image.fromarray(data.brick()).save(tmp_path / "wall.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "text.txt").write_text("hello")
    for name, message in (
        ("wall.png", "no person found"),
        ("broken.jpg", "broken.jpg"),
        ("broken.mp4", "is no video that can be read"),
        ("text.txt", "text.txt"),
    ):
        with pytest.raises((AppError, ValueError)) as caught:
            predict(client, str(tmp_path / name))
        assert message in str(caught.value) or "Invalid file type" in str(caught.value)
        assert "Traceback" not in str(caught.value)
        assert str(caught.value).count("\n") == 0
    with pytest.raises((AppError, ValueError), match="drop a picture or a clip first"):
        client.predict(None, "i2l_meshnet.small", False, api_name="/predict")


def test_the_folder_is_a_space():
    import yaml

    import zoo.app

    folder = Path(zoo.app.__file__).parent
    head = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert head["sdk"] == "gradio"
    assert (folder / head["app_file"]).is_file()
    compile((folder / "app.py").read_text(), "app.py", "exec")
    assert "human-mesh-zoo[app,video]" in (folder / "requirements.txt").read_text()
