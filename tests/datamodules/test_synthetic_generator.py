"""Images and labels of the open benchmark agree."""

import numpy as np
import torch

from body.maps import iuv_of
from body.raycast import RayScene
from body.skeleton import SMPL29
from datamodules.synthetic.generator import OPEN_SKELETON, Generator


def pixels_of(points, intrinsics):
    homogeneous = points @ intrinsics.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def vertices_of(sample, model):
    tensors = [torch.from_numpy(np.asarray(x)).float()[None] for x in (sample.pose, sample.betas, sample.transl)]
    return model(*tensors).vertices[0].numpy()


def test_a_sample_does_not_depend_on_what_was_made_before(generator):
    first = generator.make("val", 3)
    other = Generator(96, 0)
    other.make("train", 9)
    again = other.make("val", 3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.iuv, again.iuv)
    np.testing.assert_array_equal(first.joints, again.joints)


def test_seeds_and_splits_differ(generator):
    base = generator.make("val", 0).image.astype(int)
    others = [generator.make("test", 0), generator.make("val", 1), Generator(96, 1).make("val", 0)]
    assert all(np.abs(base - other.image).mean() > 5 for other in others)


def test_smpl_parameters_give_the_joints(generator):
    for index in range(6):
        sample = generator.make("val", index)
        vertices = torch.from_numpy(vertices_of(sample, generator.model))
        joints = generator.model.regress(vertices, "smpl29").numpy()
        named = sample.joints[[OPEN_SKELETON.index(name) for name in SMPL29.joints]]
        np.testing.assert_allclose(joints, named, atol=1e-4)
        low, size = sample.box[:2], sample.box[2:]
        pixels = pixels_of(vertices.numpy(), sample.intrinsics)
        np.testing.assert_allclose(pixels.min(0), low, atol=0.02)
        np.testing.assert_allclose(pixels.max(0), low + size, atol=0.02)


def test_joints_lie_on_the_person(generator):
    inside = []
    for index in range(14):
        sample = generator.make("val", index)
        pixels = np.rint(pixels_of(sample.joints, sample.intrinsics)).astype(int)
        framed = ((pixels >= 0) & (pixels < 96)).all(-1)
        inside.append((sample.iuv[pixels[framed, 1], pixels[framed, 0], 0] > 0).mean())
    # a quarter of the samples have something in front of the person, so not all of them
    assert np.mean(inside) > 0.85


def test_iuv_names_the_part_of_visible_vertices(generator):
    """A bare ray to each vertex says which face is seen there; its part must be the one in the picture."""
    agree = []
    for index in range(6):
        sample = generator.make("val", index)
        vertices = vertices_of(sample, generator.model)
        picked = vertices[::20]
        scene = RayScene([(vertices, generator.surface.faces)])
        hits = scene.cast(np.zeros_like(picked), picked)  # a hit at distance 1 is the vertex itself
        labels = iuv_of(hits, generator.surface.faces, generator._charts)[:, 0]
        pixels = np.rint(pixels_of(picked, sample.intrinsics)).astype(int)
        usable = (np.abs(hits.distance - 1) < 1e-3) & ((pixels >= 0) & (pixels < 96)).all(-1)
        shown = sample.iuv[pixels[usable, 1], pixels[usable, 0], 0]
        agree.append((shown == labels[usable])[shown > 0].mean())
    # rounding to whole pixels and the thickness of clothes move a few vertices over the border of a part
    assert np.mean(agree) > 0.85


def test_a_person_can_be_seen(generator):
    """Clothes, light and place leave a contrast between the person and what is behind."""
    contrasts = []
    for index in range(12):
        sample = generator.make("val", index)
        person = sample.iuv[..., 0] > 0
        assert 0.01 < person.mean() < 0.8
        contrasts.append(np.abs(sample.image[person].mean(0) - sample.image[~person].mean(0)).max())
        assert sample.image.std() > 8
    assert np.median(contrasts) > 15


def test_union_skeleton_has_every_joint_once():
    assert len(OPEN_SKELETON) == 36
    assert OPEN_SKELETON.joints[:29] == SMPL29.joints
    assert sorted(OPEN_SKELETON.mirror) == list(range(36))
