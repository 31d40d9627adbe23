"""Speed of the metrics: PA-MPJPE against a loop over samples, and the throughput of the others."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float64
from rich.console import Console
from rich.table import Table

from metrics.functional import auc, confusion_matrix, f_score, mpjpe, pa_mpjpe, pck3d, point_errors

POSES, JOINTS = 100_000, 14
LOOP_POSES = 5_000
MESHES, VERTICES = 500, 6_890
HANDS, HAND_VERTICES = 50, 778
MASKS, SIDE, CLASSES = 500, 128, 25


def svd_loop(source: Float64[np.ndarray, "batch n 3"], target: Float64[np.ndarray, "batch n 3"]) -> list[float]:
    """PA-MPJPE in millimetres, one numpy SVD per sample: how evaluation scripts are usually written."""
    errors = []
    for x, y in zip(source, target, strict=True):
        x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
        x_centred, y_centred = x - x_mean, y - y_mean
        covariance = x_centred.T @ y_centred
        left, _, right = np.linalg.svd(covariance)
        flip = np.eye(3)
        flip[2, 2] = np.sign(np.linalg.det(left @ right))
        rotation = right.T @ flip @ left.T
        scale = np.trace(rotation @ covariance) / np.sum(x_centred**2)
        aligned = scale * x @ rotation.T + (y_mean - scale * rotation @ x_mean)
        errors.append(1000 * float(np.sqrt(np.sum((aligned - y) ** 2, axis=1)).mean()))
    return errors


def seconds(action: Callable[[], object], repeats: int = 5) -> float:
    """CPU seconds of the shortest of several runs, after one that does not count.

    Processor time of one thread rather than the clock: other programs on the machine then weigh on neither side.
    """
    action()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def _points(generator: torch.Generator, samples: int, points: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets of a body's extent, and predictions 8 cm off per axis."""
    extent = torch.tensor([0.2, 0.5, 0.15], dtype=torch.float64)
    target = torch.randn(samples, points, 3, generator=generator, dtype=torch.float64) * extent
    noise = torch.randn(samples, points, 3, generator=generator, dtype=torch.float64)
    return target + 0.08 * noise, target


def main() -> None:
    """Measure and print, everything on one thread: the loop has no more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _measure(Console(), torch.Generator().manual_seed(0))
    finally:
        torch.set_num_threads(threads)


def _measure(console: Console, generator: torch.Generator) -> None:
    prediction, target = _points(generator, POSES, JOINTS)
    few = prediction[:LOOP_POSES].numpy(), target[:LOOP_POSES].numpy()
    loop = seconds(lambda: svd_loop(*few)) * POSES / LOOP_POSES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = seconds(lambda: pa_mpjpe(prediction, target), repeats=25)  # short: a quiet moment must be among them
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    difference = np.abs(np.array(svd_loop(*few)) - pa_mpjpe(prediction, target)[:LOOP_POSES].numpy()).max()

    table = Table(title=f"PA-MPJPE of {POSES:,} poses of {JOINTS} joints, one CPU thread")
    for name in ("how", "CPU seconds", "times as fast", "memory grown by MB"):
        table.add_column(name, justify="left" if name == "how" else "right")
    table.add_row(f"numpy SVD per sample ({LOOP_POSES:,} measured, extrapolated)", f"{loop:.2f}", "1", "")
    table.add_row("metrics.functional.pa_mpjpe", f"{ours:.3f}", f"{loop / ours:.1f}", f"{grown:.0f}")
    console.print(table)
    console.print(f"largest difference between the two: {difference:.1e} mm")

    meshes = _points(generator, MESHES, VERTICES)
    hands = _points(generator, HANDS, HAND_VERTICES)
    labels, guesses = torch.randint(0, CLASSES, (2, MASKS, SIDE, SIDE), generator=generator)
    cases: dict[str, tuple[Callable[[], object], int]] = {
        f"MPJPE, {JOINTS} joints": (lambda: mpjpe(prediction, target, root=0), POSES),
        f"3DPCK, {JOINTS} joints": (lambda: pck3d(prediction, target), POSES),
        f"AUC, {JOINTS} joints, 31 thresholds": (lambda: auc(prediction, target), POSES),
        f"PVE, {VERTICES:,} vertices": (lambda: point_errors(*meshes).mean(1), MESHES),
        f"PA-PVE, {VERTICES:,} vertices": (lambda: pa_mpjpe(*meshes), MESHES),
        f"F-score, {HAND_VERTICES} vertices": (lambda: f_score(*hands), HANDS),
        f"mIoU, {CLASSES} classes, {SIDE} x {SIDE}": (lambda: confusion_matrix(guesses, labels, CLASSES), MASKS),
    }
    table = Table(title="Throughput of the other metrics")
    table.add_column("metric")
    table.add_column("samples per CPU second", justify="right")
    for name, (action, samples) in cases.items():
        table.add_row(name, f"{samples / seconds(action, repeats=3):,.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
