import math

import numpy as np
import pytest
import torch
from people import open_body
from PIL import Image

from body.load import load_body
from lightning_modules.common.backbones import create_backbone
from lightning_modules.common.nearest_rotation import nearest_rotation
from lightning_modules.nbf.body_layer import BodyLayer, to_absolute, to_relative
from lightning_modules.nbf.camera import MEAN_TRANSL, FixedCamera
from lightning_modules.nbf.coding import blend_colours, colour_joints, colour_labels, colour_table, nearest
from lightning_modules.nbf.config import NBFConfig
from lightning_modules.nbf.encoder import Encoder
from lightning_modules.nbf.losses import parameter_loss, part_loss, penalty, point_loss
from lightning_modules.nbf.network import NBFNetwork
from lightning_modules.nbf.segmenter import ChainedPooling, RefineNet, enlarge, make_segmenter, most_probable


def random_rotations(*shape):
    torch.manual_seed(0)
    return torch.linalg.qr(torch.randn(*shape, 3, 3, dtype=torch.float64))[0]


@pytest.mark.parametrize("rotations", ["absolute", "relative"])
def test_gradient_of_the_projected_joints_by_the_photograph(rotations):
    """Image -> parts -> colours -> encoder -> SVD -> body -> projection, against finite differences in float64."""
    torch.manual_seed(0)
    layer = BodyLayer(load_body("open"), rotations)  # its own, which becomes double
    segmenter = RefineNet("resnet18_tiny", 13, channels=8)
    network = NBFNetwork(Encoder("resnet18_tiny"), layer, segmenter, input_size=32, coding="soft").double().eval()
    for weights in (*segmenter.decoder.parameters(), *segmenter.logits.parameters()):
        if weights.ndim > 1:
            torch.nn.init.kaiming_normal_(weights)  # those of the release are too small to matter much
    with torch.no_grad():  # and neither certain nor without an opinion
        segmenter.logits.weight /= network.segment(torch.rand(1, 3, 64, 64, dtype=torch.float64)).std()
    torch.nn.init.normal_(network.encoder.head.weight, std=0.5)
    camera = FixedCamera(32)

    def pixels(image):
        estimate = network.estimate(network.colour(network.segment(image), 64))
        return camera.project(estimate.joints, image.new_tensor([MEAN_TRANSL]))

    image = torch.rand(1, 3, 64, 64, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 24, 2, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((pixels(image) * weights).sum(), image)
    assert gradient.abs().max() > 1e-6
    with torch.no_grad():
        for _ in range(3):
            direction = torch.randn_like(image)
            step = 1e-6 * direction
            change = ((pixels(image + step) - pixels(image - step)) * weights).sum() / 2e-6
            torch.testing.assert_close((gradient * direction).sum(), change, rtol=1e-5, atol=1e-9)


def test_a_network_of_relative_rotations_exports():
    """That of absolute ones is a contract test."""
    network = NBFNetwork(Encoder("resnet18_tiny"), BodyLayer(open_body(), "relative"), input_size=32).eval()
    picture = torch.rand(2, 3, 32, 32)
    exported = torch.export.export(network, (picture,)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(picture).vertices, network(picture).vertices, atol=1e-5, rtol=0)


def test_projection_to_rotations_is_the_nearest_and_its_gradient_exact():
    matrices = torch.randn(5, 3, 3, dtype=torch.float64)
    for proper in (True, False):
        found = nearest_rotation(matrices, proper)
        torch.testing.assert_close(found.mT @ found, torch.eye(3, dtype=torch.float64).expand(5, 3, 3))
        assert (found.det() > 0).all() or not proper
        others = random_rotations(200)
        others = others * others.det()[:, None, None].sign() if proper else others
        distance = (matrices[:, None] - others).flatten(2).norm(dim=-1).amin(1)
        assert ((matrices - found).flatten(1).norm(dim=-1) <= distance).all()
        given = matrices.clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda m, p=proper: nearest_rotation(m, p), given)


@pytest.mark.parametrize("proper", [True, False])
@pytest.mark.parametrize("spread", [0.3, 10.0])
def test_the_closed_form_and_its_gradient_are_those_of_the_singular_value_decomposition(proper, spread):
    torch.manual_seed(0)
    matrices = torch.eye(3) + spread * torch.randn(2000, 3, 3)
    given = [matrices.clone().requires_grad_(), matrices.double().requires_grad_()]
    u, s, v = torch.linalg.svd(given[1])
    sign = (u @ v).det().sign().detach() if proper else torch.ones(len(u), dtype=torch.float64)
    clear = (s[:, 1] + sign * s[:, 2]) > 0.01 * s[:, 0]
    found = nearest_rotation(given[0], proper)
    expected = (u * torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign], -1)[:, None]) @ v
    torch.testing.assert_close(found[clear].double(), expected[clear], atol=1e-6, rtol=0)
    weights = torch.randn_like(found)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    clear &= (s[:, :2] - s[:, 1:]).amin(1) > 0.01 * s[:, 0]  # those of U and V are only good where values differ
    scale = matrices.flatten(1).norm(dim=-1)[:, None, None]
    torch.testing.assert_close(
        (scale * given[0].grad)[clear].double(), (scale * given[1].grad)[clear], atol=1e-5, rtol=1e-4
    )
    assert clear.sum() > 500


@pytest.mark.parametrize("proper", [True, False])
def test_of_equally_near_rotations_one_is_given(proper):
    cases = [
        torch.ones(3, 3),
        -torch.eye(3),
        torch.diag(torch.tensor([2.0, 1, -1])),
        torch.diag(torch.tensor([1.0, 0, 0])),
    ]
    matrices, nearness = torch.stack(cases), ((3, 1, 2, 1) if proper else (3, 3, 4, 1))
    found = nearest_rotation(matrices, proper)
    torch.testing.assert_close(found @ found.mT, torch.eye(3).expand(4, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close((found * matrices).sum((1, 2)), torch.tensor(nearness).float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("proper", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_singular_values_give_finite_gradients(proper, dtype):
    rotation = random_rotations(1)[0]
    nearly = rotation @ torch.diag(torch.tensor([1.0, 1 - 1e-9, 1 + 1e-9], dtype=torch.float64))
    cases = [torch.eye(3), rotation, 2 * rotation, -rotation, nearly, torch.zeros(3, 3), torch.ones(3, 3)]
    matrices = torch.stack([case.to(dtype) for case in cases]).requires_grad_()
    found = nearest_rotation(matrices, proper)
    (found * torch.randn_like(found)).sum().backward()
    assert found.isfinite().all()
    assert matrices.grad.isfinite().all()


def test_absolute_and_relative_rotations_pose_the_same_body():
    layers = {name: BodyLayer(open_body(), name) for name in ("absolute", "relative")}
    parents, betas = open_body().parents, torch.randn(2, 10)
    relative = nearest_rotation(torch.eye(3) + 0.3 * torch.randn(2, 24, 3, 3))
    absolute = to_absolute(relative, parents)
    torch.testing.assert_close(to_relative(absolute, parents), relative, atol=1e-5, rtol=0)
    posed = open_body().forward_rotmat(relative, betas)
    for name, rotations in (("absolute", absolute), ("relative", relative)):
        joints, vertices = layers[name].joints(rotations, betas), layers[name].vertices(rotations, betas)
        torch.testing.assert_close(joints, posed.joints, atol=1e-5, rtol=0)
        torch.testing.assert_close(vertices, posed.vertices, atol=1e-5, rtol=0)
    # the mean stands upright where y points down: the head (15) is above the feet (10, 11)
    for layer in layers.values():
        mean = layer.joints(layer.mean_rotations()[None], torch.zeros(1, 10))[0]
        assert mean[15, 1] < mean[[10, 11], 1].min() - 1.2


def test_colours_are_the_released_ones_and_tell_everything_apart():
    table = colour_table(25)
    assert (255 * table[[0, 1, 12]]).round().int().tolist() == [[0, 0, 0], [98, 255, 255], [134, 126, 0]]
    distance = torch.cdist(table, table) + torch.eye(25)
    assert distance.min() > 0.1
    assert torch.equal(colour_table(13), table[:13])


def test_label_pictures_are_resized_as_pillow_does():
    labels = torch.randint(0, 13, (1, 512, 512))
    table = colour_table(13)
    picture = Image.fromarray((255 * table[labels[0]]).round().byte().numpy())
    expected = np.asarray(picture.resize((224, 224), Image.Resampling.NEAREST))
    found = (255 * colour_labels(labels, table, 224)[0]).round().byte().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, expected)


def test_blended_colours_of_a_certain_segmentation_are_its_colours():
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[:, :8] = 5
    logits = 50 * torch.nn.functional.one_hot(labels, 13).permute(0, 3, 1, 2).float()
    table = colour_table(13)
    torch.testing.assert_close(blend_colours(logits, table, 16), colour_labels(labels, table, 16))
    logits = torch.zeros(1, 13, 4, 4)
    mean = table.mean(0)[None, :, None, None].expand(1, 3, 8, 8)
    torch.testing.assert_close(blend_colours(logits, table, 8), mean)


def test_joints_are_blobs_in_their_colours():
    pixels, table = torch.tensor([[[4.0, 6.0], [12.0, 3.0], [1.0, 1.0]]]), colour_table(4)
    picture = colour_joints(pixels, torch.tensor([[True, True, False]]), table, 16, sigma=1.5)
    torch.testing.assert_close(picture[0, :, 6, 4], table[1])
    torch.testing.assert_close(picture[0, :, 3, 12], table[2])
    torch.testing.assert_close(picture[0, :, 6, 6], table[1] * math.exp(-4 / (2 * 1.5**2)))
    assert picture[0, :, 1, 1].max() < 0.02  # nobody knows where the third one is
    assert not colour_joints(pixels, torch.zeros(1, 3, dtype=torch.bool), table, 16, 1.5).any()


def test_enlarging_is_tensorflows():
    """Pixel i of the result lies at i * old / new; behind the last pixel there is only the last pixel."""
    features = torch.tensor([[0.0, 3.0], [6.0, 9.0]])[None, None]
    rows = torch.tensor([0.0, 1.5, 3.0, 3.0])
    expected = rows + torch.tensor([0.0, 3.0, 6.0, 6.0])[:, None]
    torch.testing.assert_close(enlarge(features, 4)[0, 0], expected)
    assert enlarge(features, 2) is features


def test_only_the_pixels_that_a_picture_shows_are_decided():
    logits = torch.randn(2, 13, 32, 32)
    everywhere = enlarge(logits, 128).argmax(1)
    assert torch.equal(most_probable(logits, 128), everywhere)
    for shown in (56, 128, 200):
        assert torch.equal(most_probable(logits, 128, shown), nearest(everywhere, shown))


def test_chained_pooling_takes_the_largest_of_five_by_five():
    pooling, features = ChainedPooling(4), torch.randn(2, 4, 9, 9)
    link = total = features.relu()
    for conv in pooling.convs:
        link = torch.nn.functional.max_pool2d(conv(link), 5, 1, 2)
        total = total + link
    assert torch.equal(pooling(features), total)


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "vgg16"])
def test_dilated_backbones_are_the_plain_ones_at_more_places(name):
    torch.manual_seed(0)
    with torch.no_grad():
        plain, dilated = create_backbone(name).eval(), create_backbone(name, output_stride=8).eval()
        dilated.load_state_dict(plain.state_dict())
        image = torch.rand(1, 3, 64, 64) if name != "vgg16" else torch.rand(1, 3, 32, 32)
        coarse, fine = plain(image), dilated(image)
    assert fine[-1].shape[-1] == image.shape[-1] // 8
    for ours, theirs, stride in zip(fine, coarse, plain.reductions, strict=True):
        step = max(stride // 8, 1)
        if name != "vgg16" or stride <= 8:  # DeepLab's pooling reaches farther than VGG's
            torch.testing.assert_close(ours[..., ::step, ::step], theirs)


def test_segmenters_answer_for_every_part():
    image = torch.rand(2, 3, 64, 64)
    tiny = {"segmenter_backbone": "resnet18_tiny", "segmenter_channels": 8}
    for parts in (1, 3, 6, 12, 24):
        assert make_segmenter(NBFConfig(**tiny, parts=parts))(image).shape == (2, parts + 1, 16, 16)
        assert make_segmenter(NBFConfig(**tiny, parts=parts, segmenter="deeplab"))(image).shape == (2, parts + 1, 8, 8)
    with pytest.raises(ValueError, match="'levit_128s' has 3 feature maps of stride 4 or more, and four are needed"):
        RefineNet("levit_128s", 13)


def test_losses_by_hand():
    latent, target = torch.zeros(2, 226), torch.zeros(2, 226)
    latent[:, 0], latent[:, 5], target[:, 5] = 1.0, 2.0, 4.0
    assert parameter_loss(latent, target, torch.tensor([True, False])).item() == pytest.approx((1 + 2) / 452)
    joints, true = torch.tensor([[[3.0, 4, 0], [1, 1, 1]]]), torch.zeros(1, 2, 3)
    valid = torch.tensor([[True, False]])
    assert point_loss(joints, true, valid).item() == pytest.approx(5 / 2)
    assert point_loss(joints, true, valid, "squared").item() == pytest.approx(25 / 2)
    same = true.clone().requires_grad_()
    point_loss(same, true, torch.ones(1, 2, dtype=torch.bool)).backward()
    assert same.grad.isfinite().all()


def test_robust_losses_are_bounded_squares():
    """Against their influence functions: Geman-McClure's 2 r (c^2 / (c^2 + r^2))^2, Tukey's 2 r (1 - (r / c)^2)^2."""
    width = 0.3
    residual = torch.tensor([0.0, 1e-3, 0.1, 0.29, 0.31, 5.0], dtype=torch.float64, requires_grad=True)
    for name, bound, influence in (
        ("geman_mcclure", width**2, lambda r: 2 * r * (width**2 / (width**2 + r**2)) ** 2),
        ("tukey", width**2 / 3, lambda r: 2 * r * (1 - (r / width) ** 2).clamp(min=0) ** 2),
    ):
        cost = penalty(residual**2, name, width)
        (slope,) = torch.autograd.grad(cost.sum(), residual)
        torch.testing.assert_close(slope, influence(residual.detach()))
        assert cost[0] == 0
        assert bound * 0.99 < cost[-1] <= bound
        target = torch.zeros(1, 226)
        of_entries = parameter_loss(target + 0.1, target, torch.tensor([True]), name, width)
        torch.testing.assert_close(of_entries.double(), cost[2].detach(), atol=1e-7, rtol=1e-5)
    assert penalty(torch.tensor(0.09), "squared", 1.0) == torch.tensor(0.09)


def test_part_loss_is_the_cross_entropy_of_labelled_samples():
    logits = torch.randn(2, 13, 4, 4)
    parts = torch.randint(0, 13, (2, 16, 16))
    probability = logits[0].softmax(0)
    total = 0.0
    for row in range(4):
        for column in range(4):
            total -= probability[parts[0, 4 * row + 2, 4 * column + 2], row, column].log()
    torch.testing.assert_close(part_loss(logits, parts, torch.tensor([True, False])), total / 16)
    assert part_loss(logits, parts, torch.tensor([False, False])) == 0


def test_a_network_without_a_stage_says_so():
    layer = BodyLayer(open_body())
    with pytest.raises(ValueError, match="no segmenter; set segmenter: refinenet"):
        NBFNetwork(Encoder("resnet18_tiny"), layer).segment(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match="a segmenter alone"):
        NBFNetwork(None, layer)(torch.zeros(1, 3, 32, 32))
