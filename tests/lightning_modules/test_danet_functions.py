"""Conversions, pooling, graphs and losses against the authors' own functions."""

import pytest
import torch
from danet_weights import functions
from official_weights import kept

from lightning_modules.common.rotations import crop_focal, matrix_from_6d
from lightning_modules.danet import losses
from lightning_modules.danet.charts import CHARTS, DENSEPOSE, OPEN, PARTS
from lightning_modules.danet.crop_camera import (
    FOCAL,
    camera_of_translation,
    estimate_translation,
    project,
    translation,
)
from lightning_modules.danet.estimator import IuvEstimator
from lightning_modules.danet.graph import collection_graph, conversion_graph, normalised, refinement_edges
from lightning_modules.danet.iuv import IuvMaps, harden_iuv, image_of_maps, maps_of_bytes, maps_of_labels, simplify
from lightning_modules.danet.part_drop import PartDrop, block_mask, dropped_parts
from lightning_modules.danet.pooling import (
    JointWindows,
    Windows,
    centres_of,
    resample,
    visibility,
    window_matrices,
)

KEPT = DENSEPOSE.joint_channels()


@pytest.fixture(scope="module")
def official():
    return functions()


def maps(data, prefix, names="UVI"):
    return IuvMaps(*(data[f"{prefix}_{name}"].float() for name in names))


def of_image(image):
    return maps_of_labels((24 * image[:, 0]).round().long(), image[:, 1], image[:, 2])


def same(ours, theirs, atol=1e-6):
    torch.testing.assert_close(ours.double(), theirs.double(), atol=atol, rtol=0)


def test_cleaning(official):
    cleaned = harden_iuv(maps(official, "iuv_logit"))
    for ours, theirs in zip(cleaned, maps(official, "iuv_clean"), strict=True):
        assert torch.equal(ours, theirs)
    tie = IuvMaps(torch.ones(1, 3, 1, 1), torch.ones(1, 3, 1, 1), torch.tensor([0.0, 2, 2]).view(1, 3, 1, 1))
    assert harden_iuv(tie).part.flatten().tolist() == [0, 1, 0]


def test_images_and_maps(official):
    for ours, theirs in zip(of_image(official["iuv_img"]), maps(official, "iuv_img2map"), strict=True):
        same(ours, theirs)
    coarse = DENSEPOSE.coarse_table()[of_image(official["iuv_img"]).labels()]
    one_hot = torch.nn.functional.one_hot(coarse, 15).permute(0, 3, 1, 2).float()
    assert torch.equal(one_hot, official["iuv_img2map_A"])
    logits = maps(official, "iuv_logit")
    same(image_of_maps(logits), official["iuv_map2img"])
    same(image_of_maps(logits, coarse=official["iuv_logit_A"]), official["iuv_map2img_ann"])
    own = maps(official, "iuv7_logit")
    same(image_of_maps(own, official["iuv7_map2img_mapping"]), official["iuv7_map2img"])


def test_labels_are_read_in_the_middle_of_a_cell():
    iuv = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    iuv[0, :, 6, 10] = torch.tensor([7, 51, 255])  # the middle of cell (2, 1)
    found = maps_of_bytes(iuv, 4)
    assert found.labels()[0].nonzero().tolist() == [[1, 2]]
    assert found.u[0, 7, 1, 2] == pytest.approx(0.2)
    assert found.v[0, 7, 1, 2] == 1
    with pytest.raises(ValueError, match=r"labels of 16 pixels do not fit maps of 5; set crops\.iuv_size: 5"):
        maps_of_bytes(iuv, 5)


def test_expected_places(official):
    size = official["softint_in"].shape[-1]
    same(centres_of(official["softint_in"]), official["softint_out"] * 2 / size - 1, atol=1e-5)


def test_windows(official):
    windows = JointWindows(DENSEPOSE).eval()
    centres, hidden = official["stn_centers"], official["stn_hidden"].T
    same(windows.ratio, official["stn_ratio"])
    same(windows.offset, official["stn_offset"])
    same(window_matrices(centres, windows.scales(centres, hidden)), official["stn_thetas"])
    nobody = torch.zeros_like(hidden)
    same(window_matrices(centres, windows.scales(centres, nobody)), official["stn_thetas_nohidden"])


def test_simplified_and_resampled_labels(official):
    simple = simplify(of_image(official["simp_img"]), KEPT)
    ours, theirs = kept(simple.numpy(), official, "simp_out")
    same(torch.from_numpy(ours), theirs)
    thetas = official["stn_thetas_nohidden"][:2]
    sampled = resample(simple.flatten(2, 3), thetas).view_as(simple)
    ours, theirs = kept(sampled.numpy(), official, "part_gt_sampled")
    same(torch.from_numpy(ours), theirs)


def test_joints_maps_are_a_grouped_convolution_of_what_their_windows_show():
    torch.manual_seed(0)
    estimator = IuvEstimator(DENSEPOSE, "resnet18_tiny", 8, False, JointWindows(DENSEPOSE)).eval()
    torch.nn.init.normal_(estimator.partial.weight)
    features, thetas = torch.randn(2, 8, 9, 9), torch.randn(2, 24, 2, 3)
    seen = resample(features[:, None].expand(-1, 24, -1, -1, -1), thetas)
    expected = estimator.partial(seen.flatten(1, 2)).view(2, 24, 3, 7, 9, 9)
    found = estimator.partial_maps(features, Windows(torch.zeros(2, 24, 2), torch.zeros(2, 24) > 0, thetas))
    torch.testing.assert_close(torch.stack(found, 2), expected, atol=1e-4, rtol=1e-4)


def test_visibility_is_a_bilinear_sample_of_the_parts_that_show_a_joint():
    labels, centres = torch.randint(0, 25, (2, 8, 8)), 2.4 * torch.rand(2, 24, 2) - 1.2
    table = DENSEPOSE.visibility_table()
    one_hot = torch.nn.functional.one_hot(labels, 25).float()
    for joint in range(24):
        shown = one_hot[..., table[joint]].amax(-1)[:, None]
        expected = torch.nn.functional.grid_sample(shown, centres[:, None, joint, None], align_corners=True)
        found = visibility(labels, centres, table)[:, joint]
        torch.testing.assert_close(found, expected.flatten(), atol=1e-5, rtol=0)


def test_scale_of_the_foreground():
    windows = JointWindows(DENSEPOSE, ratios="equal", scale_from="foreground").eval()
    labels = torch.zeros(2, 10, 10, dtype=torch.long)
    labels[0, 2:7, 4:6] = 3
    places, hidden = torch.zeros(2, 24, 2), torch.ones(2, 24, dtype=torch.bool)
    scales = windows.scales(places, hidden, labels)
    torch.testing.assert_close(scales[:, 0], torch.tensor([0.5 * 0.5 + 0.1, 0.5 + 0.1]))
    assert (scales == scales[:, :1]).all()


def test_learned_ratios_get_gradients_through_the_windows():
    windows = JointWindows(DENSEPOSE, ratios="learned")
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    thetas = windows.around(torch.rand(1, 24, 2), labels).thetas
    resample(torch.rand(1, 24, 1, 8, 8), thetas).square().sum().backward()
    assert windows.ratio.grad[0] != 0  # the root is never hidden


def test_graphs(official):
    assert torch.equal(refinement_edges(), official["graph_A_mask"][0])
    same(collection_graph(), official["graph_r2p_A"][0])
    same(conversion_graph(), official["graph_p2r_A"][0])
    same(normalised(official["graph_norm_in"][0]), official["graph_norm_undi"][0])
    assert normalised(torch.tensor([[0.0, 1], [0, 1]]))[0, 0] == 0


def test_part_drop_as_released(official):
    dropped = torch.zeros(2, 25, dtype=torch.bool)
    dropped[:, official["partdrop_idx"].long()] = True
    body, _ = PartDrop("part_release", 0.3, KEPT).without(maps(official, "iuv_logit"), None, dropped)
    for ours, theirs in zip(body, maps(official, "partdrop_clean"), strict=True):
        assert torch.equal(ours, theirs)


def test_part_drop_as_in_the_paper_blanks_the_parts():
    logits = IuvMaps(*torch.randn(3, 2, 25, 6, 6))
    own = IuvMaps(*torch.randn(3, 2, 24, 7, 6, 6))
    dropped = torch.zeros(2, 25, dtype=torch.bool)
    dropped[0, [1, 8]] = True
    body, joints = PartDrop("part", 0.3, KEPT).without(logits, own, dropped)
    gone = (logits.labels() == 1) | (logits.labels() == 8)
    gone[1] = False
    assert torch.equal(body.part.sum(1) == 0, gone)
    assert body.u[0, [1, 8]].abs().sum() == 0
    pelvis = own.labels()[0, 0]  # slots 2 and 5 of the pelvis keep parts 8 and 1
    assert torch.equal(joints.part[0, 0].sum(0) == 0, (pelvis == 2) | (pelvis == 5))
    assert (joints.part[1].sum(1) == 1).all()


@pytest.mark.parametrize("kind", ["part", "block", "unit"])
def test_dropping_rates(kind):
    torch.manual_seed(0)
    logits = torch.zeros(200, 25, 14, 14)
    logits[:, 5] = 1.0  # everything is foreground
    drop = PartDrop(kind, 0.3, KEPT)
    body, joints = drop(IuvMaps(logits, logits, logits), None)
    assert joints is None
    lost = (body.part.sum(1) == 0).float()
    assert lost.mean().item() == pytest.approx(0.3, abs=0.1 if kind == "part" else 0.03)
    columns = lost.mean((0, 1))
    assert kind == "part" or (columns - 0.3).abs().max() < 0.1  # also at the border
    still, _ = drop.eval()(IuvMaps(logits, logits, logits), None)
    assert (still.part.sum(1) == 1).all()


def test_background_is_never_dropped():
    assert not dropped_parts(100, 0.9)[:, 0].any()
    logits = torch.zeros(3, 25, 9, 9)
    logits[:, 0] = 1.0
    for kind in ("block", "unit"):
        body, _ = PartDrop(kind, 0.9, KEPT)(IuvMaps(logits, logits, logits), None)
        assert (body.part[:, 0] == 1).all()
    assert block_mask(torch.zeros(2, 3, 9, 9), 0.9).float().mean() > 0.7


@pytest.mark.parametrize("charts", CHARTS.values(), ids=CHARTS)
def test_charts_name_every_part_once_and_both_sides_alike(charts):
    assert sorted(part for group in charts.coarse for part in group) == list(range(PARTS + 1))
    assert len(charts.coarse) == 15
    assert all(len(parts) == 6 and set(parts) <= set(range(1, PARTS + 1)) for parts in charts.joint_parts)
    assert {part for parts in charts.joint_parts for part in parts} == set(range(1, PARTS + 1))
    assert all(set(seen) <= set(kept) for seen, kept in zip(OPEN.visible_parts, OPEN.joint_parts, strict=True))


def test_map_losses(official):
    data = functions("danet_losses")
    predicted, true = maps(data, "loss_pred"), of_image(official["simp_img"])
    coarse = DENSEPOSE.coarse_table()[true.labels()]
    for name, valid in (("all", [True, True]), ("mask10", [True, False])):
        terms = losses.map_losses(predicted, true, torch.tensor(valid))
        u, v, index, seen = official[f"loss_body_uv_{name}"]
        assert 0.5 * terms["u"].item() == pytest.approx(u.item(), rel=1e-5)  # the golden values are weighted
        assert 0.5 * terms["v"].item() == pytest.approx(v.item(), rel=1e-5)
        assert terms["index"].item() == pytest.approx(index.item(), rel=1e-5)
        found = losses.label_loss(data["loss_pred_A"], coarse, torch.tensor(valid))
        assert found.item() == pytest.approx(seen.item(), rel=1e-5)
    nobody = losses.map_losses(predicted, true, torch.tensor([False, False]))
    assert all(value == 0 for value in nobody.values())


def test_losses_of_a_joint_s_maps(official):
    data = functions("danet_losses")
    simple = simplify(of_image(official["simp_img"]), KEPT)
    own = resample(simple.flatten(2, 3), official["stn_thetas_nohidden"][:2]).view_as(simple)[:, 5:6]
    predicted = IuvMaps(data["loss_part_pred_U"], data["loss_part_pred_V"], official["loss_part_pred_I"])
    predicted = IuvMaps(*(values.unsqueeze(1) for values in predicted))
    terms = losses.partial_losses(predicted, IuvMaps.unstacked(own), torch.tensor([True, True]))
    for name, weight, expected in zip(("u", "v", "index"), (0.5, 0.5, 1), official["loss_part5"], strict=True):
        assert weight * terms[f"partial_{name}"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_dense_points_and_mask():
    data = functions("danet_dense")
    points = data["points"]
    terms = losses.point_losses(maps(data, "pred"), points, points[..., 2] > 0, crop_size=56)
    terms["mask"] = losses.mask_loss(data["pred_A"].float(), data["mask"], torch.tensor([True, True]))
    for (name, value), weight, expected in zip(terms.items(), (0.5, 0.5, 0.3, 2.0), data["loss_dp"], strict=True):
        assert weight * value.item() == pytest.approx(expected.item(), rel=1e-4), name
    nobody = losses.point_losses(maps(data, "pred"), points, torch.zeros(2, 196, dtype=torch.bool), crop_size=56)
    assert all(value == 0 for value in nobody.values())


def test_losses_of_places_keypoints_and_parameters(official):
    places = official["loss_roi_gt"]
    found = losses.place_loss(official["loss_roi_pred"], places[..., :2], places[..., 2])
    same(found, official["loss_roi"], 1e-5)
    # confidences of the release are 0 or 1, and the golden ones anything between; the root of a weight goes inside
    flat, known = official["loss_kp2d_gt"], torch.ones(3, 49, dtype=torch.bool)
    root = flat[..., 2:].clamp(min=0).sqrt() * (torch.arange(49) >= 25)[:, None]  # OpenPose's 25 have weight 0
    found = losses.keypoint_loss(official["loss_kp2d_pred"] * root, flat[..., :2] * root, known)
    same(found, official["loss_kp2d"], 1e-6)
    true, predicted = official["loss_kp3d_gt"], official["loss_kp3d_pred"][:, 25:]
    middle = [points - points[:, 2:4].mean(1, keepdim=True) for points in (predicted, true[..., :3])]
    middle = [points * true[..., 3:].sqrt() for points in middle]
    found = losses.keypoint_loss(*middle, known[:, :24], official["loss_kp3d_has"].bool())
    same(found, official["loss_kp3d"], 1e-5)
    valid = torch.tensor([True, False, True])
    rotations = official["loss_smpl_rot_pred"].flatten(1)
    same(losses.parameter_loss(rotations, official["loss_smpl_rot_gt"], valid), official["loss_smpl"][0])
    betas = (official["loss_smpl_beta_pred"], official["loss_smpl_beta_gt"])
    same(losses.parameter_loss(*betas, valid), official["loss_smpl"][1])
    same(losses.position_loss(official["loss_l1_pred"], official["loss_l1_gt"], valid), official["loss_l1"], 1e-4)
    assert losses.camera_loss(official["geo_weakcam_in"]).item() == pytest.approx(official["loss_cam"].item(), rel=1e-5)


def test_orthogonality():
    turns = matrix_from_6d(torch.randn(2, 24, 6))
    assert losses.orthogonality_loss(turns) < 1e-10
    stretched = torch.eye(3).repeat(1, 24, 1, 1) * 2**0.5
    assert losses.orthogonality_loss(stretched).item() == pytest.approx(3 / 9)
    assert losses.orthogonality_loss(stretched, squared=False).item() == pytest.approx(24 * 3**0.5, rel=1e-5)


def test_six_numbers_of_a_rotation(official):
    same(matrix_from_6d(official["geo_rot6d_in"]), official["geo_rot6d_out"], 1e-5)
    ours = matrix_from_6d(official["geo_rot6d_144_in"].unflatten(1, (24, 6)))
    same(ours, official["geo_rot6d_144_out"], 1e-5)


def test_camera_of_the_crop(official):
    camera, released = official["geo_weakcam_in"], torch.full((2,), FOCAL)
    focal = torch.full_like(camera[:, 0], FOCAL)
    same(translation(camera, focal), official["geo_weakcam_to_t"], 1e-5)
    same(camera_of_translation(translation(camera, focal), focal), camera, 1e-6)
    points = official["geo_persp_points"] @ official["geo_persp_rotation"].mT
    place = official["geo_persp_translation"]
    focal = torch.full_like(place[:, 0], FOCAL)
    ours = project(points, camera_of_translation(place, focal), focal)
    theirs = (official["geo_persp_out"] - official["geo_persp_center"][:, None]) / 112
    same(ours, theirs, 1e-5)
    known, seen = official["geo_esttrans_S"][:, 25:], official["geo_esttrans_j2d"][:, 25:]
    found = estimate_translation(known, seen[..., :2] / 112 - 1, seen[..., 2], released)
    torch.testing.assert_close(found, official["geo_esttrans_out"], rtol=1e-4, atol=1e-4)
    lonely = estimate_translation(known, seen[..., :2], torch.zeros(2, 24), released)
    assert camera_of_translation(lonely, released).tolist() == [[1.0, 0.0, 0.0]] * 2


def test_a_crop_has_the_lens_of_its_photograph():
    """A photograph of 500 pixels' focal length, half of its size: 250 pixels, 2.5 halves of a crop of 200."""
    intrinsics = torch.tensor([[[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]])
    focal = crop_focal(intrinsics, torch.tensor([[[0.0, -0.5, 220], [0.5, 0, -60]]]), 200)
    assert focal.tolist() == [2.5]
    generator = torch.Generator().manual_seed(0)
    points, place = torch.rand(1, 24, 3, generator=generator) - 0.5, torch.tensor([[0.1, -0.2, 2.0]])
    moved = points + place
    places = 2.5 * moved[..., :2] / moved[..., 2:]
    torch.testing.assert_close(project(points, camera_of_translation(place, focal), focal), places)
    found = estimate_translation(points, places, torch.ones(1, 24), focal)
    torch.testing.assert_close(found, place, rtol=1e-5, atol=1e-5)


def test_a_point_behind_an_untrained_camera_is_put_in_front_of_it():
    seen = project(torch.tensor([[[0.5, 0.0, -3.0]]]), torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([1.5]))
    torch.testing.assert_close(seen, torch.tensor([[[5.0, 0.0]]]))  # as at a tenth of the body's distance
