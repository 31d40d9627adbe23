"""Rigged glTF, BVH and AMASS-like sequences, posed again by other readers and forward kinematics."""

import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.errors import ZooError
from zoo.prediction.export.motion import Motion
from zoo.prediction.export.parameters import Camera
from zoo.prediction.export.sequence import sequence_files, write_sequence

FRAMES, FPS, LATER = 4, 25.0, 2
TENTH_MM = 1e-4


@pytest.fixture(scope="module")
def predictions():
    """Two people in random poses over four frames, one prediction per frame; shapes do not change."""
    torch.manual_seed(1)
    body, betas = load_body("open"), torch.randn(2, 10)
    frames = []
    for number in range(FRAMES):
        pose, transl = 0.6 * torch.randn(2, 24, 3), torch.tensor([[-0.5, 0.2, 3.0], [0.5, 0.2, 3.5 + number]])
        output = body(pose, betas, transl)
        smpl = SmplParameters(pose, betas, transl)
        frames.append(
            Prediction(output.joints, SMPL24, output.joints[..., :2], "box", output.vertices, body.faces, smpl)
        )
    return frames


@pytest.fixture(scope="module")
def motions(predictions):
    """The second person comes two frames later."""
    later = {"first_frame": LATER, "name": "person1"}
    return [Motion.of(predictions, "open", FPS), Motion.of(predictions, "open", FPS, person=1, **later)]


@pytest.fixture(scope="module")
def folder(motions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("motion") / "new"
    camera = Camera(np.diag([500.0, 500.0, 1.0]), (640, 480))
    paths = write_sequence(motions, folder, "clip", ["rig", "bvh", "npz"], "nbf.open_tiny", camera)
    names = {"clip_rig.glb"} | {f"clip_person{k}.{ending}" for k in (0, 1) for ending in ("bvh", "npz")}
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths} == names
    return folder


def flipped(points):
    return points.numpy() * [1, -1, -1]


TYPES = {5121: "u1", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Gltf:
    """Forward kinematics and skinning as the glTF specification has them, on what pygltflib read."""

    def __init__(self, path):
        self.file = pygltflib.GLTF2().load(str(path))
        self.blob = self.file.binary_blob()

    def values(self, number):
        accessor = self.file.accessors[number]
        view = self.file.bufferViews[accessor.bufferView]
        count = accessor.count * WIDTHS[accessor.type]
        flat = np.frombuffer(self.blob, TYPES[accessor.componentType], count, view.byteOffset)
        assert view.byteLength == flat.nbytes
        assert view.byteOffset % 4 == 0
        return flat.reshape(accessor.count, -1)

    def at(self, time):
        """World matrices of all nodes at a key's time."""
        local = [
            {"translation": node.translation or [0, 0, 0], "rotation": node.rotation or [0, 0, 0, 1], "scale": [1] * 3}
            for node in self.file.nodes
        ]
        for animation in self.file.animations:
            for channel in animation.channels:
                sampler = animation.samplers[channel.sampler]
                times = self.values(sampler.input)[:, 0]
                row = max(int(np.searchsorted(times, time + 1e-4)) - 1, 0)
                local[channel.target.node][channel.target.path] = self.values(sampler.output)[row]
        world = {}
        stack = [(number, np.eye(4)) for number in self.file.scenes[self.file.scene].nodes]
        while stack:
            number, above = stack.pop()
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(local[number]["rotation"]).as_matrix() * local[number]["scale"]
            matrix[:3, 3] = local[number]["translation"]
            world[number] = above @ matrix
            stack += [(child, world[number]) for child in self.file.nodes[number].children]
        return world

    def skinned(self, person, world):
        """Joints by name, and vertices."""
        skin, mesh = self.file.skins[person], self.file.meshes[person].primitives[0]
        joints = np.array([world[number] for number in skin.joints])
        bind = self.values(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        points = np.c_[self.values(mesh.attributes.POSITION), np.ones(len(self.values(mesh.attributes.POSITION)))]
        moved = np.einsum("jab,jbc,vc->vja", joints, bind, points)[..., :3]
        total = 0
        sets = [getattr(mesh.attributes, f"JOINTS_{k}", None) for k in (0, 1)]
        for number, indices in enumerate(sets):
            weights = self.values(getattr(mesh.attributes, f"WEIGHTS_{number}"))
            picked = np.take_along_axis(moved, self.values(indices).astype(int)[..., None], 1)
            total = total + (weights[..., None] * picked).sum(1)
        return {self.file.nodes[n].name: joints[k, :3, 3] for k, n in enumerate(skin.joints)}, total


def test_a_gltf_reader_poses_joints_and_skin_as_predicted(folder, predictions):
    gltf = Gltf(folder / "clip_rig.glb")
    for number, frame in enumerate(predictions):
        for person, first in ((0, 0), (1, LATER)):
            joints, vertices = gltf.skinned(person, gltf.at((number + first) / FPS))
            found = np.array([joints[name] for name in SMPL24.joints])
            np.testing.assert_allclose(found, flipped(frame.joints[person]), atol=TENTH_MM)
            np.testing.assert_allclose(vertices, flipped(frame.vertices[person]), atol=TENTH_MM)


def test_people_have_no_size_before_and_after_their_frames(folder, predictions):
    gltf = Gltf(folder / "clip_rig.glb")
    sizes = {}
    for frame in range(FRAMES + LATER):
        world = gltf.at(frame / FPS)
        sizes[frame] = [np.ptp(gltf.skinned(person, world)[1], axis=0).max() > 0.5 for person in (0, 1)]
    assert [sizes[frame][0] for frame in sizes] == [True] * FRAMES + [False] * LATER
    assert [sizes[frame][1] for frame in sizes] == [False] * LATER + [True] * FRAMES


def test_the_rig_names_its_body_and_is_a_mesh_to_trimesh(folder, motions, tmp_path):
    asset = Gltf(folder / "clip_rig.glb").file.asset
    assert (asset.extras["body"], asset.extras["model"]) == ("open", "nbf.open_tiny")
    assert "not SMPL" in asset.extras["note"]
    scene = trimesh.load(folder / "clip_rig.glb")
    meshes = [scene.geometry[name] for name in sorted(scene.geometry)]
    for mesh, motion in zip(meshes, motions, strict=True):
        rest = load_body("open")(torch.zeros(1, 24, 3), torch.from_numpy(motion.betas)[None]).vertices[0]
        np.testing.assert_allclose(mesh.vertices, rest, atol=TENTH_MM)
        assert mesh.is_watertight
    (path,) = write_sequence([motions[0]], tmp_path, "one", ["bvh"], "m")
    assert "ROOT open_pelvis" in path.read_text()


def read_bvh(path):
    """(frames, joints, 3) by names: another reader, written from the format's description."""
    head, _, motion = path.read_text().partition("MOTION\n")
    names, parents, offsets, channels, stack = [], [], [], [], []
    for line in head.splitlines():
        word, *rest = line.split()
        if word in ("ROOT", "JOINT", "End"):
            names.append(rest[0])
            parents.append(stack[-1] if stack else -1)
            channels.append([])
        elif word == "{":
            stack.append(len(names) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            offsets.append([float(number) for number in rest])
        elif word == "CHANNELS":
            assert len(rest[1:]) == int(rest[0])
            channels[-1] = rest[1:]
    count, time, *rows = motion.splitlines()
    numbers = np.array([row.split() for row in rows], float)
    assert int(count.split()[1]) == len(numbers)
    places = np.zeros((len(numbers), len(names), 3))
    turns = [Rotation.identity(len(numbers))] * len(names)
    column = 0
    for joint, parent in enumerate(parents):
        own, shift = Rotation.identity(len(numbers)), np.tile(offsets[joint], (len(numbers), 1))
        for channel in channels[joint]:
            if channel.endswith("position"):
                shift[:, "XYZ".index(channel[0])] += numbers[:, column]
            else:
                own = own * Rotation.from_euler(channel[0], numbers[:, [column]], degrees=True)
            column += 1
        places[:, joint] = shift if parent < 0 else places[:, parent] + turns[parent].apply(shift)
        turns[joint] = own if parent < 0 else turns[parent] * own
    assert column == numbers.shape[1]
    return names, places, float(time.split()[-1])


def test_another_bvh_reader_finds_the_joints(folder, predictions):
    for person in (0, 1):
        names, places, frame_time = read_bvh(folder / f"clip_person{person}.bvh")
        assert frame_time == pytest.approx(1 / FPS)
        assert names.count("Site") == 5
        order = [names.index(name if name != "pelvis" else "open_pelvis") for name in SMPL24.joints]
        expected = np.array([flipped(frame.joints[person]) for frame in predictions])
        np.testing.assert_allclose(places[:, order], expected, atol=1e-5)


def test_archive_of_a_sequence_poses_by_smplx(folder, predictions):
    with np.load(folder / "clip_person1.npz", allow_pickle=False) as file:
        assert (float(file["mocap_framerate"]), int(file["first_frame"]), str(file["body"])) == (FPS, LATER, "open")
        assert file["image_size"].tolist() == [640, 480]
        pose, betas, transl = (torch.from_numpy(file[name]) for name in ("poses", "betas", "trans"))
    output = load_body("open").as_smplx()(
        global_orient=pose[:, :3], body_pose=pose[:, 3:], betas=betas.expand(FRAMES, 10), transl=transl
    )
    expected = torch.stack([frame.vertices[1] for frame in predictions])
    torch.testing.assert_close(output.vertices, expected, atol=TENTH_MM, rtol=0)


def test_a_shape_that_changes_becomes_its_mean_about_the_same_pelvis(predictions):
    body, frames = load_body("open"), []
    for number, frame in enumerate(predictions):
        smpl = SmplParameters(frame.smpl.pose, frame.smpl.betas + number, frame.smpl.transl)
        frames.append(Prediction(frame.joints, SMPL24, frame.joints_2d, "box", smpl=smpl))
    motion = Motion.of(frames, "open", person=1)
    np.testing.assert_allclose(motion.betas, predictions[0].smpl.betas[1].numpy() + (FRAMES - 1) / 2, atol=1e-5)
    for number, frame in enumerate(frames):
        expected = body(frame.smpl.pose, frame.smpl.betas, frame.smpl.transl).joints[1, 0]
        own = [torch.from_numpy(values)[None] for values in (motion.pose[number], motion.betas, motion.transl[number])]
        torch.testing.assert_close(body(*own).joints[0, 0], expected, atol=1e-5, rtol=0)


def test_what_cannot_be_written_is_one_line(predictions, motions):
    bare = Prediction(predictions[0].joints, SMPL24, predictions[0].joints_2d, "box")
    with pytest.raises(ZooError, match=r"1 of 2 frames have no pose.*fit_parameters"):
        Motion.of([predictions[0], bare], "open")
    with pytest.raises(ZooError, match="one of the bodies open, smpl"):
        Motion.of(predictions, "mano")
    with pytest.raises(ZooError, match="every person has a name of its own"):
        sequence_files([motions[0], motions[0]], "clip", ["rig"], "m")
    with pytest.raises(ZooError, match="at least one"):
        Motion(motions[0].pose[:0], motions[0].betas, motions[0].transl[:0], "open")
