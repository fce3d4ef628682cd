"""Runs of the program that take a second, on data that tests make."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from unittest import mock

import numpy as np
from support import ON_ONE_CORE, PROGRAM, Case, needs

import distil

#: Settings of a run that takes a second.
SMALL = """
validation = 4
[expert]
experts = 1
epochs = 2
batch = 16
[distill]
ipc = 2
iterations = 1
init = "real"
validate_every = 1
checkpoint_every = 1
%s
[eval]
epochs = 2
seeds = 1
validation_seeds = 1
full_epochs = 1
"""
FOLLOW = "syn_steps = 1\nexpert_epochs = 1\nwindow = { min = 0, max = 1 }\nloss_gate = 1e9"


@needs("program")
class WithProgram(Case):
    def setUp(self) -> None:
        super().setUp()
        # The cache of ZCA fits would be the user's, and experts are kept beside runs.
        changed = {"DISTIL_BIN": str(PROGRAM), "DISTIL_CACHE_DIR": str(self.folder / "cache")}
        self.enterContext(mock.patch.dict(os.environ, changed))
        self.enterContext(contextlib.chdir(self.folder))

    #: Every run has a folder of its own.
    numbers = itertools.count()

    def data(self, height: int = 12, width: int = 12, channels: int = 3, count: int = 40) -> np.ndarray:
        """A dataset of two classes in `a.npz`; returns its training images."""
        generator = np.random.default_rng(0)
        x = generator.integers(0, 256, (count, height, width, channels), np.uint8)
        # The second class is brighter; hard edges make filters overshoot.
        x[1::2] |= 128
        x[: count // 4] = np.where(x[: count // 4] > 127, 255, 0)
        y = np.arange(count) % 2
        distil.save_dataset("a.npz", x, y, x[:8], y[:8], class_names=["dark", "bright"])
        return x

    def distilled(self, method: str, data: str = "", distill: str = "", model: str = "width = 4\ndepth = 1") -> Path:
        """A run folder."""
        text = f'method = "{method}"\n[model]\n{model}\n[data]\nname = "npz"\npath = "a.npz"\n{data}{SMALL % distill}'
        if method == "random":
            keep = ("iterations", "init", "validate_every", "checkpoint_every")
            text = "\n".join(line for line in text.splitlines() if not line.startswith(keep))
        Path("c.toml").write_text(text)
        run = self.folder / "runs" / f"{method}-{next(self.numbers)}"
        if method == "datm":
            distil.run("expert", "--config", "c.toml", *ON_ONE_CORE, echo=False)
        distil.run("run", "--config", "c.toml", "--out", run, *ON_ONE_CORE, echo=False)
        return run
