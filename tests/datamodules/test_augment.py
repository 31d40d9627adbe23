"""How much samples change, and that the photometric part does what it says."""

import numpy as np

from datamodules.augment import NO_CHANGE, Augmentation, Change, change_colours


def crop(seed=0):
    return np.random.default_rng(seed).integers(20, 200, (64, 64, 3), dtype=np.uint8)


def test_drawn_changes_have_the_promised_distribution():
    rng = np.random.default_rng(0)
    changes = [Augmentation().draw(rng) for _ in range(3000)]
    scales = np.array([c.scale for c in changes])
    degrees = np.rad2deg([c.rotation for c in changes])
    colours = np.array([c.colour for c in changes])
    assert scales.min() >= 0.75
    assert scales.max() <= 1.25
    # clipping a standard normal at +-1 leaves a standard deviation of 0.718
    np.testing.assert_allclose(scales.std(), 0.25 * 0.718, rtol=0.06)
    assert np.abs(degrees).max() <= 60 + 1e-9
    np.testing.assert_allclose((degrees != 0).mean(), 0.6, atol=0.04)
    np.testing.assert_allclose(degrees[degrees != 0].std(), 30 * 0.959, rtol=0.06)
    np.testing.assert_allclose(np.mean([c.flip for c in changes]), 0.5, atol=0.04)
    assert colours.min() >= 0.8
    assert colours.max() <= 1.2
    assert all(c.occluder is None and c.photometric_seed is None for c in changes)


def test_a_seed_gives_the_same_change():
    first, second = (Augmentation().draw(np.random.default_rng(7)) for _ in range(2))
    assert first.rotation == second.rotation
    assert (first.colour == second.colour).all()


def test_no_change_leaves_the_picture():
    image = crop()
    np.testing.assert_array_equal(change_colours(image, NO_CHANGE), image)


def test_colour_factors_multiply_channels():
    image = crop()
    changed = change_colours(image, Change(colour=np.array([0.5, 1.0, 2.0], np.float32)))
    expected = np.clip(np.rint(image * [0.5, 1.0, 2.0]), 0, 255)
    np.testing.assert_array_equal(changed, expected)


def test_occluder_covers_its_rectangle_only():
    image = crop()
    changed = change_colours(image, Change(occluder=np.array([0.25, 0.5, 0.5, 0.25]), occluder_seed=3))
    inside = np.zeros((64, 64), bool)
    inside[32:48, 16:48] = True
    np.testing.assert_array_equal(changed[~inside], image[~inside])
    assert (changed[inside] != image[inside]).any(-1).mean() > 0.9


def test_photometric_changes_repeat_with_their_seed():
    image = crop()
    results = [change_colours(image, Change(photometric_seed=seed)) for seed in (1, 1, 2, 3, 4, 5)]
    np.testing.assert_array_equal(results[0], results[1])
    assert any((result != image).any() for result in results)
    assert any((result != results[0]).any() for result in results[2:])
    assert all(result.shape == image.shape and result.dtype == np.uint8 for result in results)
