"""The program of docs/python.md runs as it stands, and what is distilled is better than chance picks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from support import PROGRAM, ROOT, Case, needs

import distil

EXAMPLE = ROOT / "docs" / "python_example.py"


@needs("program")
@needs("torch")
class Example(Case):
    def test_it_runs_and_distilled_images_win(self) -> None:
        environment = {**os.environ, "DISTIL_BIN": str(PROGRAM), "PYTHONPATH": str(Path(distil.__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, EXAMPLE], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        distilled, random = (
            tuple(map(float, re.search(rf"{name}: ([\d.]+) ± ([\d.]+) %", done.stdout).groups()))
            for name in ("distilled", "random")
        )
        # Both standard deviations apart, of five networks each.
        self.assertGreater(distilled[0] - distilled[1], random[0] + random[1], done.stdout)

    def test_it_is_as_long_as_the_documentation_says(self) -> None:
        self.assertLessEqual(len(EXAMPLE.read_text().splitlines()), 30)


if __name__ == "__main__":
    unittest.main()
