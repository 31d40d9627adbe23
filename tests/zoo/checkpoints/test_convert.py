"""Official weights: from the authors' file to `zoo.load`, safely, with provenance."""

import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from distributed_files import write_snapshot
from official_files import NARROW, golden_keys, release
from safetensors import safe_open

import zoo
from lightning_modules.common.backbones import BACKBONES
from lightning_modules.i2l_meshnet import official
from zoo.checkpoints.archives import unpack
from zoo.checkpoints.convert import convert, convert_official_state, extract_state_dict, match_entry, read_official
from zoo.checkpoints.listing import read_checkpoints
from zoo.cli import main
from zoo.errors import ZooError

NAME = "i2l_meshnet.h36m_muco_coco"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    with pytest.MonkeyPatch.context() as patch:
        state = release(folder, patch)
    return folder, state


@pytest.fixture
def download_folder(released, monkeypatch, tmp_path):
    """The folder of the download; the zoo lists the small release, its cache is empty, SMPL is there."""
    folder, _ = released
    from zoo.documents import resources

    original = resources.resource_path
    listing = folder / "checkpoints.yaml"
    monkeypatch.setattr(
        "zoo.checkpoints.listing.resource_path", lambda n: listing if n == "checkpoints.yaml" else original(n)
    )
    monkeypatch.setattr(
        "lightning_modules.METHODS", {"i2l_meshnet": "lightning_modules.i2l_meshnet.module.I2LMeshNetModule"}
    )
    monkeypatch.setitem(BACKBONES, "narrow", NARROW["narrow"])
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZOO_ASSETS", str(folder / "assets"))
    return folder


def test_a_snapshot_becomes_a_model(download_folder, released, tmp_path, capsys, monkeypatch):
    file = download_folder / "snapshot_7.pth.tar"
    assert main(["fetch", NAME]) == 1
    told = capsys.readouterr().out
    assert "download snapshot_7.pth.tar" in told
    assert "zoo convert i2l_meshnet snapshot_7.pth.tar --variant h36m_muco_coco" in told
    assert "Also required: SMPL" in told
    with pytest.raises(ZooError, match=r"get snapshot_7.pth.tar from the authors' page https://github.com/mks0601"):
        zoo.load(NAME)

    assert main(["convert", "i2l_meshnet", str(file)]) == 0
    path = tmp_path / "cache" / "converted" / f"{NAME}.safetensors"
    assert capsys.readouterr().out.splitlines() == [str(path), f'zoo.load("{NAME}")']
    assert {p.name for p in path.parent.iterdir()} == {path.name, f"{NAME}.json"}
    note = json.loads(path.with_suffix(".json").read_text())
    assert note["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert note["official"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (note["official"]["file"], note["official"]["bytes"]) == (file.name, file.stat().st_size)
    with safe_open(path, "pt") as stream:
        assert not any("human_model" in key or "optimizer" in key for key in stream.keys())  # noqa: SIM118

    model = zoo.load(NAME)
    own = model.network.state_dict()
    for key, value in released[1].items():
        for name in official.convert_state_dict({key: value}):
            assert torch.equal(own[name], value), key
    assert model(torch.rand(1, 3, 64, 64)).vertices.shape == (1, 6890, 3)
    assert main(["fetch", NAME]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    monkeypatch.delenv("ZOO_ASSETS")
    with pytest.raises(ZooError, match=r"body 'smpl' is licensed and cannot be shipped: register at"):
        zoo.load(NAME)


def test_damage_and_lost_provenance_are_noticed(download_folder, tmp_path):
    path = convert("i2l_meshnet", download_folder / "snapshot_7.pth.tar")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ZooError, match=r"is damaged; run zoo convert i2l_meshnet FILE --variant h36m_muco_coco again"):
        zoo.load(NAME)
    assert convert("i2l_meshnet", download_folder / "snapshot_7.pth.tar") == path
    path.with_suffix(".json").unlink()
    with pytest.raises(ZooError, match="has no provenance beside it"):
        zoo.load(NAME)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_file_inside_an_archive(download_folder, tmp_path, released, kind):
    archive = tmp_path / f"drive-download.{kind}"
    file = download_folder / "snapshot_7.pth.tar"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("model/readme.txt", "hello")
            zipped.write(file, "model/snapshot_7.pth.tar")
    else:
        with tarfile.open(archive, "w:gz", compresslevel=1) as tarred:
            tarred.add(file, "model/snapshot_7.pth.tar")
    state = read_official(archive)
    key = "pose_backbone.conv1.weight"
    assert torch.equal(state[key], released[1][key])


def test_what_does_not_fit_is_refused_and_nothing_written(download_folder, released, tmp_path):
    state = released[1]
    wrong = tmp_path / "snapshot_7.pth.tar"
    incomplete = {key: value for key, value in state.items() if key != "mesh_net.conv_x.0.weight"}
    misshaped = {**state, "mesh_net.conv_x.0.weight": torch.zeros(3, 8, 1)}
    for network, message in (
        (incomplete, r"not weights of i2l_meshnet: .*Missing key\(s\).*mesh_head.conv_x.weight"),
        (misshaped, r"not weights of i2l_meshnet: .*size mismatch for mesh_head.conv_x.weight"),
        (
            {**state, "img2iuv.learned_ratio": torch.zeros(24)},
            "'img2iuv.learned_ratio' is not a weight of the released",
        ),
    ):
        write_snapshot(wrong, network)
        with pytest.raises(ZooError, match=message):
            convert("i2l_meshnet", wrong)
    for content, message in (
        (b"text", "not a file of tensors"),
        ((download_folder / wrong.name).read_bytes()[:50_000], "snapshot_7.pth.tar is not a file of tensors"),
    ):
        wrong.write_bytes(content)
        with pytest.raises(ZooError, match=message):
            convert("i2l_meshnet", wrong)
    with pytest.raises(ZooError, match="no such file"):
        convert("i2l_meshnet", tmp_path / "missing.pth")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_to(download_folder, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(ZooError, match=r"cannot be written .*set ZOO_CACHE"):
        convert("i2l_meshnet", download_folder / "snapshot_7.pth.tar")


def danet_file(path):
    """The wrapper of a DaNet checkpoint: `model` without SMPL, Adam, and the trainer's counters."""
    state = {"img2iuv.learned_ratio": torch.ones(24), "iuv2smpl.smpl_para_Outs.mean_pose": torch.zeros(1, 144)}
    optimizer = {"state": {}, "param_groups": [{"lr": 1e-4, "params": [0, 1]}]}
    counters = {"epoch": 3, "batch_idx": 17, "batch_size": 16, "dataset_perm": [2, 0, 1], "total_step_count": 60000}
    torch.save({"model": state, "optimizer": optimizer, **counters}, path)
    return state


def hemlets_file(path):
    """A HEMlets checkpoint: a bare state dict, written by an old torch."""
    state = {"backbone.conv1.weight": torch.randn(64, 3, 7, 7), "volume_reg.dis_map": torch.zeros(1, 18, 64)}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return state


@pytest.mark.parametrize(
    ("file", "write"), [("danet_model_h36m_itw.pt", danet_file), ("hemlets_h36m_lastest.pth", hemlets_file)]
)
def test_authors_files_are_read_completely(tmp_path, file, write):
    state = write(tmp_path / file)
    read = read_official(tmp_path / file)
    assert read.keys() == state.keys()
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_methods_without_weights_say_why(download_folder):
    for name, reason in (
        ("nbf.up3d", "are dead, reported since 2020 .*as of 2022-10-17"),
        ("cascaded_lifting.h36m_mpii", "neither code nor"),
    ):
        method = name.partition(".")[0]
        with pytest.raises(ZooError, match=f"there are no weights: .*{reason}"):
            zoo.load(name)
        with pytest.raises(ZooError, match=f"{method} has no official weights to convert: .*{reason}"):
            convert(method, __file__)


def test_files_are_recognised_by_their_names():
    for entry in read_checkpoints().values():
        if entry.availability == "official":
            assert match_entry(entry.method, entry.source.file, None) is entry
            assert match_entry(entry.method, "renamed.pth", entry.name.partition(".")[2]) is entry
    assert match_entry("hemlets", "renamed.pth", None).name == "hemlets.h36m"  # there is only one
    with pytest.raises(
        ZooError, match=r"which weights of i2l_meshnet is renamed.pth\? Give --variant; there are h36m_muco_coco"
    ):
        match_entry("i2l_meshnet", "renamed.pth", None)
    with pytest.raises(ZooError, match=r"no official variant 'open_tiny'; there are h36m_muco_coco \(snapshot_7"):
        match_entry("i2l_meshnet", "snapshot_7.pth.tar", "open_tiny")
    with pytest.raises(ZooError, match="no method 'i2l'; did you mean i2l_meshnet"):
        match_entry("i2l", "snapshot_7.pth.tar", None)


@pytest.mark.parametrize(
    ("tag", "golden"),
    [("h36m_muco_coco", "body"), ("h36m_muco_coco_smooth", "body"), ("h36m_coco", "body"), ("freihand", "hand")],
)
def test_the_listed_hyper_parameters_are_those_of_the_authors_files(tag, golden):
    state = {key: torch.empty(shape, device="meta") for key, shape in golden_keys(f"i2l_meshnet_{golden}.npz")}
    entry = read_checkpoints()[f"i2l_meshnet.{tag}"]
    converted = convert_official_state("i2l_meshnet", state, entry.config)
    assert all(name.startswith("network.") for name in converted)
    used = sum(value.numel() for name, value in converted.items() if not name.endswith(("_mean", "_var", "_tracked")))
    assert used == entry.parameters


def test_numpy_values_in_a_checkpoint_are_no_obstacle(tmp_path):
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    torch.save({"state_dict": {"module.a": weights, "b": torch.ones(2)}, "epoch": np.int64(3)}, tmp_path / "a.pth")
    state = read_official(tmp_path / "a.pth")
    np.testing.assert_array_equal(state["a"].numpy(), weights)
    assert set(state) == {"a", "b"}


def test_unwrapping():
    tensor = torch.ones(1)
    for content in (
        {"network": {"module.x": tensor}},
        {"model": {"x": tensor}},
        {"state_dict": {"x": tensor}},
        {"x": tensor},
    ):
        assert list(extract_state_dict(content)) == ["x"]
    assert list(extract_state_dict({"model.weight": tensor, "epoch": 3})) == ["model.weight"]
    for content in ({}, {"epoch": 3}, [tensor], {"network": {}}, None):
        with pytest.raises(ZooError, match="holds no state dict"):
            extract_state_dict(content)


def tar_with(path, **member):
    info = tarfile.TarInfo()
    for key, value in member.items():
        setattr(info, key, value)
    good = tarfile.TarInfo("good.txt")
    good.size = 2
    info.size = 2 if info.isreg() else 0
    with tarfile.open(path, "w") as archive:
        archive.addfile(good, io.BytesIO(b"ok"))
        archive.addfile(info, io.BytesIO(b"no") if info.isreg() else None)


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "/tmp/zoo_out.txt",
        "a/../../out.txt",
        "..\\out.txt",
        "C:\\out.txt",
        "C:out.txt",
        "\\\\host\\share\\out.txt",
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_write_nothing_outside(tmp_path, name, kind):
    archive, folder = tmp_path / f"evil.{kind}", tmp_path / "deep" / "inside"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("good.txt", "ok")
            zipped.writestr(name, "no")
    else:
        tar_with(archive, name=name)
    with pytest.raises(ZooError, match="was not unpacked"):
        unpack(archive, folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


@pytest.mark.parametrize(
    "member",
    [
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "../../out.txt"},
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"name": "link", "type": tarfile.LNKTYPE, "linkname": "../../out.txt"},
        {"name": "pipe", "type": tarfile.FIFOTYPE},
        {"name": "device", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    ],
)
def test_links_and_devices_are_refused(tmp_path, member):
    tar_with(tmp_path / "evil.tar", **member)
    with pytest.raises(ZooError, match="was not unpacked"):
        unpack(tmp_path / "evil.tar", tmp_path / "inside")
    assert not (tmp_path / "inside").exists()


def test_good_archives_are_unpacked_and_damaged_ones_explained(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("folder/a.txt", "one")
        zipped.writestr("b.txt", "two")
    assert [path.read_text() for path in unpack(tmp_path / "a.zip", tmp_path / "a")] == ["two", "one"]
    with pytest.raises(ZooError, match="nothing in it is replaced"):
        unpack(tmp_path / "a.zip", tmp_path / "a")
    (tmp_path / "b.tar").write_bytes(b"no archive")
    with pytest.raises(ZooError, match="was not unpacked"):
        unpack(tmp_path / "b.tar", tmp_path / "b")


@pytest.mark.parametrize("damage", ["content", "names"])
def test_an_archive_that_fails_midway_leaves_nothing(tmp_path, damage):
    """Its last file is damaged, or would have to lie in the first as if that were a folder."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("a", "one")
        zipped.writestr("b" if damage == "content" else "a/b", "the content of two")
    if damage == "content":
        archive.write_bytes(archive.read_bytes().replace(b"content of", b"CONTENT of"))
    with pytest.raises(ZooError, match="was not unpacked"):
        unpack(archive, tmp_path / "inside")
    assert list(tmp_path.iterdir()) == [archive]
