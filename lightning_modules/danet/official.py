"""Weights of the authors' release (github.com/HongwenZhang/DaNet-DensePose2SMPL) by the names used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lightning_modules.common.state_dict_mapping import Rule, rename
from lightning_modules.danet.config import DaNetConfig
from lightning_modules.danet.network import DaNet

_SECOND = r"iuv2smpl\.smpl_para_Outs\."

_RENAME: tuple[Rule, ...] = (
    (r"iuv2smpl\.smpl\.", None),  # SMPL, which is licensed and comes from the user's own files
    (rf"{_SECOND}(I_n|A_link|A|A_mask|r2p_A|p2r_A)$", None),  # constants
    (r"img2iuv\.learned_(ratio|offset)$", r"estimator.windows.\1"),
    (r"img2iuv\.iuv_est\.final_pred\.predict_(u|v)\.", r"estimator.\1."),
    (r"img2iuv\.iuv_est\.final_pred\.predict_uv_index\.", r"estimator.index."),
    (r"img2iuv\.iuv_est\.final_pred\.predict_ann_index\.", r"estimator.coarse."),
    (r"img2iuv\.iuv_est\.final_pred\.predict_hm\.", r"estimator.heatmap."),
    (r"img2iuv\.iuv_est\.final_pred\.predict_partial_iuv\.", r"estimator.partial."),
    (r"img2iuv\.iuv_est\.deconv_layers\.", r"estimator.deconv."),
    (r"img2iuv\.iuv_est\.(conv|bn|layer|transition|stage)", r"estimator.backbone.net.\1"),
    (rf"{_SECOND}mean_cam_shape$", r"mean_camera_shape"),
    (rf"{_SECOND}mean_pose$", r"mean_pose"),
    (rf"{_SECOND}body_net\.3\.final_layer\.", r"global_stream.answer."),
    (rf"{_SECOND}body_net\.3\.", r"global_stream.backbone.net."),
    (rf"{_SECOND}body_net\.", r"global_stream.mix."),
    (rf"{_SECOND}limb_net\.3\.", r"local_streams.backbone.net."),
    (rf"{_SECOND}limb_net\.", r"local_streams.mix."),
    (rf"{_SECOND}limb_reslayer\.layer4\.", r"local_streams.own."),
    (rf"{_SECOND}pose_regressors\.0\.1\.", r"aggregation.first_rotation."),
    (rf"{_SECOND}pose_regressors\.1\.1\.", r"aggregation.rotation."),
    (rf"{_SECOND}coord_regressors\.(\d)\.1\.", r"aggregation.position.\1."),
)

_GRAPH: tuple[Rule, ...] = (
    (rf"{_SECOND}(rot2pos|pos2rot)\.", None),  # the early version's, saved but never run
    (rf"{_SECOND}edge_importance$", r"aggregation.refinement.refine.edge_weights"),
    (rf"{_SECOND}refine_gcn\.gc\.(\d)\.", r"aggregation.refinement.refine.layers.\1."),
    (rf"{_SECOND}refine_gcn\.act\.(\d)\.0\.", r"aggregation.refinement.refine.layers.\1.norm."),
    (rf"{_SECOND}r2p_gcn\.gc\.0\.", r"aggregation.refinement.collect."),
    (rf"{_SECOND}r2p_gcn\.act\.0\.0\.", r"aggregation.refinement.collect.norm."),
    (rf"{_SECOND}p2r_gcn\.gc\.0\.", r"aggregation.refinement.convert."),
    (rf"{_SECOND}p2r_gcn\.act\.0\.0\.", r"aggregation.refinement.convert.norm."),
)

_CHAIN: tuple[Rule, ...] = (
    (rf"{_SECOND}rot2pos\.0\.", r"aggregation.refinement.collect."),
    (rf"{_SECOND}pos2rot\.0\.", r"aggregation.refinement.convert."),
    *((rf"{_SECOND}limb_lstm\.0\.{number}\.", rf"aggregation.refinement.limbs.{name}.")
      for number, name in enumerate(("trunk", "left_arm", "right_arm", "left_leg", "right_leg"))),
)  # fmt: skip


def convert_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of `DaNet` from an official one; load it with `strict=True`.

    Args:
        state: with the authors' names; of the graph's or of the LSTMs' aggregation, and of either backbone.

    Raises:
        ValueError: a key that the released networks do not have.
    """
    chain = any(".limb_lstm." in key for key in state)
    converted = rename(state, (*_RENAME, *(_CHAIN if chain else _GRAPH)), "DaNet")
    return {key: _reshaped(key, value) for key, value in converted.items()}


def _reshaped(key: str, value: Tensor) -> Tensor:
    """Without the sides of length 1 that 1x1 convolutions and single rows have in the release."""
    if key == "mean_camera_shape":
        return value[0]
    if key == "mean_pose":
        return value[0].view(24, -1)
    if key.endswith(".edge_weights"):
        return value[0]
    if key.startswith("aggregation.") and value.ndim == 4:
        return value[..., 0, 0]
    return value


def build_network(config: Mapping[str, Any]) -> DaNet:
    """The released network of a module's hyper-parameters.

    Raises:
        ValueError: no official network is like this.
    """
    network = DaNetConfig(**config.get("network", {}))
    fixed = {"representation": "iuv", "streams": "many", "parts": "near", "roi_scale": "joints", "rotation": "6d"}
    for name, value in fixed.items():
        if getattr(network, name) != value:
            raise ValueError(f"no DaNet was released with {name} {getattr(network, name)!r}; leave it out")
    return DaNet(network)
