"""What sets are like that were distilled from early, middle and late parts of trajectories (docs/trajectories.md).

    python early_trajectories.py runs/sweep-ranges

Needs the Python package `distil` of this repository (python/, or its wheel). For every arm, means over its seeds: how far the
images moved from the real ones they began with, and which share of that change, and of the images themselves, lies in low
frequencies (below a quarter of the highest).
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import distil


def low_share(images):
    """Share of the power below a quarter of the highest frequency, without the mean."""
    power = np.abs(np.fft.fft2(images.astype(np.float64))) ** 2
    y, x = (np.abs(np.fft.fftfreq(n)) for n in images.shape[-2:])
    radius = np.hypot(y[:, None], x[None, :])
    power[..., 0, 0] = 0
    return power[..., radius <= 0.125].sum() / power.sum()


def main():
    arms = defaultdict(list)
    for run in sorted(Path(sys.argv[1]).glob("*-seed*")):
        initial, last = (distil.load(run / "synthetic" / f"{part}.safetensors") for part in ("initial", "last"))
        change = last.images - initial.images
        moved = np.sqrt((change**2).sum(axis=(1, 2, 3)) / (initial.images**2).sum(axis=(1, 2, 3))).mean()
        arms[run.name.split("-ipc")[0]].append((moved, low_share(change), low_share(last.images), low_share(initial.images)))
    print("| arm | seeds | moved by | low frequencies of the change | of the set | of its start |\n|---|---:|---:|---:|---:|---:|")
    for arm, rows in sorted(arms.items()):
        means, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) if len(rows) > 1 else np.zeros(4)
        cells = " | ".join(f"{100 * m:.1f} ± {100 * s:.1f} %" for m, s in zip(means, spread))
        print(f"| {arm} | {len(rows)} | {cells} |")


if __name__ == "__main__":
    main()
