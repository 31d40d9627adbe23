"""Weights from the Hub: the real client against a server on the loopback interface, in good and bad weather."""

import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import TOKEN, Repo

from zoo.checkpoints.hub import CONFIG, WEIGHTS, fetch, fetch_published
from zoo.errors import ZooError

SMALL = bytes(range(256)) * 400  # 102,400 bytes
OTHER = SMALL[::-1]
REPO = "someone/model"


def published(content):
    """Files of a repository as `zoo push` writes them."""
    return {WEIGHTS: content, CONFIG: json.dumps({"sha256": hashlib.sha256(content).hexdigest()}).encode()}


@pytest.fixture
def hub(hub_server):
    hub_server.repos[REPO] = Repo()
    hub_server.first = hub_server.repos[REPO].commit(published(SMALL))
    return hub_server


def leftovers(cache):
    """Files of a cache that are neither weights nor configuration, whole, nor the cache's own notes."""
    whole = {SMALL, OTHER, *published(SMALL).values(), *published(OTHER).values()}
    blobs = [path for path in cache.rglob("blobs/*") if path.is_file()]
    return [path.name for path in blobs if path.read_bytes() not in whole]


def test_first_download_then_cache_without_network(hub, tmp_path):
    path = fetch(REPO, WEIGHTS, hub.first, tmp_path, None)
    assert path.read_bytes() == SMALL
    assert path.parent.name == hub.first
    count = len(hub.log)
    assert count > 0
    assert fetch(REPO, WEIGHTS, hub.first, tmp_path, None) == path
    assert fetch(REPO, WEIGHTS, hub.first, tmp_path, True) == path
    assert len(hub.log) == count


def test_a_branch_is_taken_from_the_cache_when_the_hub_is_away(hub, tmp_path, monkeypatch):
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    hub.drop = True
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    hub.drop, hub.status = False, {"HEAD": 500}
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    for offline in (True, None):
        with pytest.raises(ZooError, match=r"not in the cache and the network is switched off .*load it once online"):
            fetch_published(REPO, None, tmp_path / "empty", offline)


def test_a_pinned_revision_stays_when_the_branch_moves(hub, tmp_path):
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    second = hub.repos[REPO].commit(published(OTHER))
    assert fetch_published(REPO, hub.first, tmp_path, None).read_bytes() == SMALL
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == OTHER
    assert fetch_published(REPO, second, tmp_path / "elsewhere", None).read_bytes() == OTHER
    assert fetch_published(REPO, hub.first, tmp_path / "elsewhere", None).read_bytes() == SMALL


def test_a_branch_that_moves_between_two_downloads_gives_files_of_one_commit(hub, tmp_path):
    def move(path):
        if WEIGHTS in path:
            hub.repos[REPO].commit(published(OTHER))

    hub.before = move
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL


def test_a_private_repository_needs_the_token_and_the_token_stays_with_the_hub(hub, tmp_path, monkeypatch):
    hub.repos[REPO].private = True
    with pytest.raises(ZooError, match=r"no Hub repository someone/model, or it is private; .*hf auth login"):
        fetch_published(REPO, None, tmp_path, None)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ZooError, match="private"):
        fetch_published(REPO, None, tmp_path, None)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL
    assert all("authorization" not in headers for headers in hub.asked("GET", "/cdn/"))
    assert any("authorization" in headers for headers in hub.asked("HEAD", WEIGHTS))


def test_an_interrupted_transfer_is_resumed(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)  # what has arrived in whole is kept
    hub.cuts = [30_000, 20_000]
    assert fetch(REPO, WEIGHTS, None, tmp_path, None).read_bytes() == SMALL
    ranges = [headers.get("range") for headers in hub.asked("GET", "/cdn/")]
    assert ranges == [None, "bytes=30000-", "bytes=50000-"]
    assert not leftovers(tmp_path)


def test_a_transfer_that_never_ends_leaves_nothing_and_the_next_one_works(hub, tmp_path):
    hub.cuts = [1000] + [0] * 20
    with pytest.raises(ZooError, match=r"someone/model/model.safetensors: the transfer failed"):
        fetch(REPO, WEIGHTS, None, tmp_path, None)
    assert not list(tmp_path.rglob(f"snapshots/*/{WEIGHTS}"))
    hub.cuts = []
    assert fetch(REPO, WEIGHTS, None, tmp_path, None).read_bytes() == SMALL


def test_a_flipped_bit_is_caught_and_the_file_not_kept(hub, tmp_path):
    hub.damage = True
    with pytest.raises(ZooError, match=r"is not the listed file \(sha256 .*load it again"):
        fetch_published(REPO, None, tmp_path, None)
    assert not list(tmp_path.rglob(f"snapshots/*/{WEIGHTS}"))
    assert not leftovers(tmp_path)
    hub.damage = False
    path = fetch_published(REPO, None, tmp_path, None)
    assert path.read_bytes() == SMALL
    with path.resolve().open("r+b") as stream:  # and the disk forgets as well
        stream.write(b"x")
    with pytest.raises(ZooError, match="is not the listed file"):
        fetch_published(REPO, hub.first, tmp_path, True)
    assert fetch_published(REPO, None, tmp_path, None).read_bytes() == SMALL


@pytest.mark.parametrize(
    ("repo", "file", "revision", "message"),
    [
        ("nobody/nothing", WEIGHTS, None, "no Hub repository nobody/nothing, or it is private"),
        (REPO, "other.safetensors", None, "someone/model/other.safetensors: the repository has no such file"),
        (REPO, WEIGHTS, "v9", "model.safetensors at v9: the repository has no such revision"),
        ("a/b/c", WEIGHTS, None, "'a/b/c' is no Hub repository name"),
    ],
)
def test_what_is_not_there_is_named(hub, tmp_path, repo, file, revision, message):
    with pytest.raises(ZooError, match=message):
        fetch(repo, file, revision, tmp_path, None)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": {"HEAD": 429}}, "the Hub responded with status 429; too many requests; wait some minutes"),
        ({"status": {"HEAD": 500}}, "the Hub responded with status 500; try again later"),
        ({"status": {"GET": 429}}, "the Hub responded with status 429; too many requests; wait some minutes"),
        ({"status": {"GET": 500}}, "the Hub responded with status 500; try again later"),
        ({"status": {"HEAD": 403}}, "the Hub responded with status 403; your token does not allow this"),
        ({"drop": True}, "the Hub was not reached|the transfer failed"),
    ],
)
def test_a_hub_in_trouble_is_one_line_and_the_next_load_works(hub, tmp_path, monkeypatch, fault, message):
    with monkeypatch.context() as during:
        for name, value in fault.items():
            during.setattr(hub, name, value)
        with pytest.raises(ZooError, match=message) as caught:
            fetch(REPO, WEIGHTS, None, tmp_path, None)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob(f"snapshots/*/{WEIGHTS}"))
    assert fetch(REPO, WEIGHTS, None, tmp_path, None).read_bytes() == SMALL
    assert not leftovers(tmp_path)


def test_a_repository_of_somebody_elses_making_is_refused(hub, tmp_path):
    hub.repos["some/thing"] = Repo()
    hub.repos["some/thing"].commit({WEIGHTS: SMALL})
    with pytest.raises(ZooError, match=r"config.json.* no such file"):
        fetch_published("some/thing", None, tmp_path, None)
    for content in (b"{}", b"[]", b"not json"):
        hub.repos["some/thing"].commit({CONFIG: content})
        with pytest.raises(ZooError, match="was not published with zoo push"):
            fetch_published("some/thing", None, tmp_path, None)


FETCH = """
import sys
from pathlib import Path
from huggingface_hub import constants
constants.HF_HUB_DISABLE_XET = True
from zoo.checkpoints.hub import fetch_published
path = fetch_published("someone/model", None, Path(sys.argv[1]) if len(sys.argv) > 1 else None, None)
print(path)
"""


def start(*arguments, **variables):
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", **variables}
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", FETCH, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_clients_own_variables_are_respected(hub, tmp_path):
    hub.repos[REPO].private = True
    variables = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": TOKEN}
    out, error = start(**variables).communicate(timeout=60)
    path = Path(out.strip())
    assert path.is_relative_to(tmp_path / "home"), error
    assert path.read_bytes() == SMALL
    count = len(hub.log)
    out, error = start(**variables, HF_HUB_OFFLINE="1").communicate(timeout=60)
    assert Path(out.strip()) == path, error
    assert len(hub.log) == count


def test_two_processes_at_once(hub, tmp_path):
    variables = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    both = [start(tmp_path / "cache", **variables) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert {Path(out.strip()).read_bytes() for out, _ in results} == {SMALL}
    assert not leftovers(tmp_path / "cache")
    assert fetch_published(REPO, hub.first, tmp_path / "cache", True).read_bytes() == SMALL


def test_a_cache_without_room_is_one_line_and_never_broken(hub, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # a write beyond fails, as on a full disk
    try:
        with pytest.raises(ZooError, match=r"could not be stored: File too large.* another folder with cache_dir"):
            fetch(REPO, WEIGHTS, None, tmp_path, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob(f"snapshots/*/{WEIGHTS}"))
    assert fetch(REPO, WEIGHTS, None, tmp_path, None).read_bytes() == SMALL


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free some space or choose another folder"), (errno.EROFS, "a folder that can be written to")],
)
def test_full_and_read_only_caches_say_what_to_do(hub, tmp_path, monkeypatch, number, advice):
    from huggingface_hub import file_download

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number), str(tmp_path))

    with monkeypatch.context() as during:
        during.setattr(file_download, "_download_to_tmp_and_move", refuse)
        with pytest.raises(ZooError, match=f"{os.strerror(number)}.*{advice} with cache_dir or HF_HOME"):
            fetch(REPO, WEIGHTS, None, tmp_path, None)
    assert fetch(REPO, WEIGHTS, None, tmp_path, None).read_bytes() == SMALL


def test_a_cache_that_is_no_folder(hub, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match=r"could not be stored: (Not a directory|File exists)"):
        fetch(REPO, WEIGHTS, None, tmp_path / "file", None)


def test_a_cached_file_in_a_read_only_cache_is_used(hub, tmp_path):
    path = fetch_published(REPO, hub.first, tmp_path, None)
    folders = [folder for folder in (tmp_path, *tmp_path.rglob("*")) if folder.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert fetch_published(REPO, hub.first, tmp_path, None) == path
        assert fetch_published(REPO, None, tmp_path, None) == path
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_backbones_take_imagenet_weights_from_the_hub(hub, tmp_path, monkeypatch):
    import timm
    import torch
    from safetensors.torch import save

    from lightning_modules.common.backbones import create_backbone

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    name = "test_resnet"  # timm's own small network for tests
    with pytest.raises(ValueError, match=r"weights of 'test_resnet' could not be fetched .*set pretrained: false"):
        create_backbone(name, pretrained=True)
    trained = timm.create_model(name).state_dict()
    trained["conv1.0.weight"] = torch.full_like(trained["conv1.0.weight"], 0.25)
    source = timm.get_pretrained_cfg(name)
    hub.repos[source.hf_hub_id] = Repo()
    hub.repos[source.hf_hub_id].commit({WEIGHTS: save(trained)})
    network = create_backbone(name, pretrained=True)
    assert torch.equal(network.net.state_dict()["conv1.0.weight"], trained["conv1.0.weight"])
    named = create_backbone(name, pretrained=source.hf_hub_id)
    assert torch.equal(named.net.state_dict()["conv1.0.weight"], trained["conv1.0.weight"])
