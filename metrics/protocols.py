"""Evaluation protocols: named, frozen statements of what a number means."""

from __future__ import annotations

from dataclasses import dataclass

from body.skeleton import get_skeleton

METRIC_UNITS: dict[str, str] = {"mpjpe": "mm", "pa_mpjpe": "mm", "pve": "mm", "pck3d": "%", "auc": "%"}
"""Every metric a protocol may name, with its unit."""

METRIC_LABELS: dict[str, str] = {
    "mpjpe": "MPJPE",
    "pa_mpjpe": "PA-MPJPE",
    "pve": "PVE",
    "pck3d": "3DPCK",
    "auc": "AUC",
}
"""How the metrics are written in tables."""


@dataclass(frozen=True)
class Protocol:
    """One way to evaluate one benchmark. Two numbers may share a column only when they share a protocol.

    Attributes:
        id: name on the leaderboard.
        benchmark: the data set.
        split: which part of it.
        frames: which frames or images of the split.
        ground_truth: where the true joints and mesh come from, with body model and gender.
        skeleton: joint set that both sides are brought into, by joint name.
        body: body model whose joint regressors are used, as named by `body.load.load_body`.
        regressor: joint set that a predicted mesh is regressed to; None to take the predicted joints. A prediction
            without a mesh is always taken by its joints.
        target_regressor: the same for the ground truth; None to take the annotated joints.
        joints: joints of the skeleton that are scored.
        root: joint that both sides are moved to before `mpjpe`, `pve`, `pck3d` and `auc`.
        alignment: `similarity` or `rigid`, for `pa_mpjpe`.
        metrics: names in `METRIC_UNITS`.
        breakdown: batch fields by which results are split, e.g. `action`.
        averaging: `samples` (every image weighs the same) or `actions` (mean over actions of their means).
        note: what else one must know.

    Raises:
        ValueError: a metric, joint or alignment is not known.
    """

    id: str
    benchmark: str
    split: str
    frames: str
    ground_truth: str
    skeleton: str
    body: str
    regressor: str | None
    target_regressor: str | None
    joints: tuple[str, ...]
    root: str
    alignment: str
    metrics: tuple[str, ...]
    breakdown: tuple[str, ...]
    averaging: str
    note: str

    def __post_init__(self) -> None:
        unknown = set(self.metrics) - set(METRIC_UNITS)
        if unknown:
            raise ValueError(f"protocol {self.id!r}: unknown metrics {sorted(unknown)}; there are {list(METRIC_UNITS)}")
        strange = {*self.joints, self.root} - set(get_skeleton(self.skeleton).joints)
        if strange:
            raise ValueError(f"protocol {self.id!r}: skeleton {self.skeleton!r} has no joints {sorted(strange)}")
        for name, allowed in (("alignment", ("similarity", "rigid")), ("averaging", ("samples", "actions"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"protocol {self.id!r}: {name} must be one of {', '.join(allowed)}")

    @property
    def primary(self) -> str:
        """The metric that sorts the leaderboard: the first one."""
        return self.metrics[0]

    def describe(self) -> str:
        """A paragraph of documentation, made from the fields."""
        ours = f"regressed from the mesh (`{self.regressor}`)" if self.regressor else "as predicted"
        true = f"regressed from the mesh (`{self.target_regressor}`)" if self.target_regressor else "as annotated"
        units = ", ".join(f"{METRIC_LABELS[m]} ({METRIC_UNITS[m]})" for m in self.metrics)
        scale = "similarity (rotation, translation and scale)" if self.alignment == "similarity" else "rigid (no scale)"
        aligned = f"; PA-MPJPE after {scale} alignment" if "pa_mpjpe" in self.metrics else ""
        mean = "every image weighs the same" if self.averaging == "samples" else "the mean of the actions' means"
        split_by = f" Broken down by {', '.join(self.breakdown)}." if self.breakdown else ""
        return (
            f"`{self.id}`: {self.benchmark}, {self.split}; {self.frames}. Ground truth: {self.ground_truth}. "
            f"{len(self.joints)} joints of `{self.skeleton}`, true ones {true}, predicted ones {ours}, "
            f"relative to `{self.root}`; {units}{aligned}; {mean}.{split_by} {self.note}"
        ).strip()


_SMPL24 = get_skeleton("smpl24")
_OPEN = Protocol(
    id="open-v1",
    benchmark="open benchmark (synthetic bodies rendered by this project)",
    split="held-out test split",
    frames="600 images, one person each, cropped by the true box",
    ground_truth="the open body (Anny, CC0; one body for all genders), exact",
    skeleton="smpl24",
    body="open",
    regressor="smpl24",
    target_regressor="smpl24",
    joints=tuple(joint for joint in _SMPL24.joints if joint != "pelvis"),
    root="pelvis",
    alignment="similarity",
    metrics=("mpjpe", "pa_mpjpe", "pve", "pck3d", "auc"),
    breakdown=("action",),
    averaging="samples",
    note="The pelvis is the origin and is not scored. Not comparable with any number on SMPL or on photographs.",
)

# 14 of Human3.6M's 17 joints: without pelvis, torso and nose (I2L-MeshNet specification, section 8).
_LSP14 = tuple(
    joint for joint in get_skeleton("h36m17").joints if joint not in ("pelvis_h36m", "torso_h36m", "nose_h36m")
)
_LSP14_NOTE = "14 joints as in the SMPL-regression literature (HMR, SPIN)."

PROTOCOLS: dict[str, Protocol] = {
    protocol.id: protocol
    for protocol in (
        _OPEN,
        Protocol(
            id="h36m-p2-14j-lixel",
            benchmark="Human3.6M",
            split="subjects 9 and 11, trained on 1, 5, 6, 7, 8",
            frames="every 64th frame of camera 60457274",
            ground_truth="the data set's own 17 joints in the camera frame",
            skeleton="h36m17",
            body="smpl",
            regressor="h36m17",
            target_regressor=None,
            joints=_LSP14,
            root="pelvis_h36m",
            alignment="similarity",
            metrics=("mpjpe", "pa_mpjpe"),
            breakdown=("action",),
            averaging="samples",
            note=_LSP14_NOTE + " I2L-MeshNet's own Human3.6M evaluation.",
        ),
        Protocol(
            id="3dpw-test-14j-gendered",
            benchmark="3DPW",
            split="test, 24 sequences",
            frames="every person frame with a valid camera pose",
            ground_truth="gendered SMPL mesh",
            skeleton="h36m17",
            body="smpl",
            regressor="h36m17",
            target_regressor="h36m17",
            joints=_LSP14,
            root="pelvis_h36m",
            alignment="similarity",
            metrics=("mpjpe", "pa_mpjpe"),
            breakdown=("sequence",),
            averaging="samples",
            note=_LSP14_NOTE,
        ),
        Protocol(
            id="surreal-bodynet",
            benchmark="SURREAL",
            split="validation, 507 clips of the test subjects (the list of BodyNet)",
            frames="the middle frame of each clip; the I2L-MeshNet release keeps 493 of them",
            ground_truth="gendered SMPL mesh",
            skeleton="smpl24",
            body="smpl",
            regressor="smpl24",
            target_regressor="smpl24",
            joints=_SMPL24.joints,
            root="pelvis",
            alignment="similarity",
            metrics=("pve", "mpjpe"),
            breakdown=(),
            averaging="samples",
            note="All 24 joints are scored, the root with its error of 0 among them.",
        ),
    )
}
"""Every protocol by its id."""


def get_protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        KeyError: no such protocol; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise KeyError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
