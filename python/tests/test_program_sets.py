"""What the program writes is what this package reads: held against the program itself, value by value."""

from __future__ import annotations

import csv
import io
import itertools
import unittest
from pathlib import Path

import numpy as np
from program_case import FOLLOW, WithProgram
from support import MODEL, ON_ONE_CORE, container

import distil


class Sets(WithProgram):
    def exported(self, run: Path) -> dict[str, np.ndarray]:
        distil.run("export", run, "--to", "npz", "--out", "set.npz", "--quiet", echo=False)
        with np.load("set.npz") as arrays:
            return dict(arrays)

    def compare(self, run: Path) -> distil.SyntheticSet:
        """Everything that NumPy reads of an exported set, which is decoded."""
        loaded, arrays = distil.load(run), self.exported(run)
        np.testing.assert_array_equal(loaded.decode().images, arrays["images"])
        np.testing.assert_array_equal(loaded.decoded().made_for, arrays["labels"])
        self.assertEqual(np.float32(loaded.syn_lr), arrays["syn_lr"])
        self.assertEqual(loaded.classes, arrays["class_names"].tolist())
        for name in ("mean", "std"):
            np.testing.assert_array_equal(np.float32(loaded.preprocessing["normalisation"][name]), arrays[name])
        if loaded.kind == "soft":
            np.testing.assert_array_equal(loaded.decoded().logits, arrays["label_logits"])
        else:
            np.testing.assert_array_equal(loaded.decode().targets, arrays["labels"])
        return loaded

    def test_hard_labels(self) -> None:
        self.data()
        self.assertEqual(self.compare(self.distilled("dm")).kind, "hard")

    def test_soft_labels(self) -> None:
        self.data()
        self.assertEqual(self.compare(self.distilled("datm", distill=FOLLOW)).kind, "soft")

    def test_tiles(self) -> None:
        for side, factor in ((12, 2), (13, 2), (13, 3)):
            with self.subTest(side=side, factor=factor):
                self.data(side, side - 1)
                run = self.distilled("dm", distill=f'decoding = {{ kind = "tiles", factor = {factor} }}')
                self.assertEqual(len(self.compare(run).decode().images), 4 * factor**2)

    def test_whitening(self) -> None:
        x = self.data(8, 8, 1)
        run = self.distilled("random", data="zca = true")
        loaded = distil.load(run)
        self.assertEqual(loaded.preprocessing["normalisation"]["kind"], "zca")
        # Real images: whitened ones must be found among what the transform makes of all, and their pixels among all.
        for found, among, most in (
            (loaded.images, loaded.transform().batch(x), 1e-4),
            (loaded.pixels(clip=False), x[:, None, :, :, 0] / 255, 1e-5),
        ):
            off = np.abs(found[:, None] - among[None]).max((2, 3, 4)).min(1)
            self.assertLess(off.max(), most)

    def test_resizing_is_the_programs_to_the_bit(self) -> None:
        sizes = ((20, 13), (5, 7), (40, 64))
        for (height, width), policy, name in itertools.product(
            sizes, ("squash", "centre-crop"), ("bilinear", "bicubic", "lanczos3", "nearest")
        ):
            with self.subTest(height=height, width=width, policy=policy, filter=name):
                x = self.data(height, width, count=24)
                run = self.distilled("random", data=f'resolution = 16\nresize = "{policy}"\nfilter = "{name}"')
                loaded = distil.load(run)
                off = np.abs(loaded.images[:, None] - loaded.transform().batch(x)[None]).max((2, 3, 4)).min(1)
                self.assertEqual(off.max(), 0)


class Levels(WithProgram):
    """A model whose class is the level of a picture of one pixel, so that the program says what it makes of pixels."""

    def said(self, pictures: list[bytes]) -> list[int]:
        """Levels of pictures in the form of PNM."""
        levels = np.arange(256, dtype=np.float32)
        # The greatest of 2kx - k² over k is at k = x, where x is the level.
        linear = {"fc_1.weight": (2 * levels * 255)[:, None], "fc_1.bias": -(levels**2)}
        card = {
            "architecture": {"arch": "mlp", "channels": 1, "classes": 256, "height": 1, "image_width": 1, "hidden": []},
            "class_names": list(map(str, range(256))),
            "preprocessing": {"resize": None, "normalisation": {"kind": "identity"}},
            "dataset": "levels",
            "dataset_digest": "",
            "validation_accuracy": None,
            "recipe": {},
            "seed": 0,
            "distil_version": "0.1.0",
            "command": "",
        }
        Path("levels.safetensors").write_bytes(container(MODEL, card, linear))
        folder = Path(f"pixels-{next(self.numbers)}")
        folder.mkdir()
        for index, picture in enumerate(pictures):
            (folder / f"{index:05}.pnm").write_bytes(picture)
        found = distil.run("predict", "levels.safetensors", folder, *ON_ONE_CORE, echo=False).stdout
        return [int(row["class"]) for row in csv.DictReader(io.StringIO(found))]

    def test_colour_becomes_the_same_grey(self) -> None:
        colours = np.random.default_rng(0).integers(0, 256, (600, 3), np.uint8)
        prepare = distil.Transform({"resize": None, "normalisation": {"kind": "identity"}}, (1, 1, 1))
        given = [round(float(prepare(colour.reshape(1, 1, 3)).item()) * 255) for colour in colours]
        self.assertEqual(given, self.said([b"P6 1 1 255\n" + colour.tobytes() for colour in colours]))

    def test_sixteen_bits_become_the_same_eight(self) -> None:
        values = np.random.default_rng(0).integers(0, 1 << 16, 600).astype(np.uint16)
        values[:6] = [0, 128, 129, 65535, 65406, 65407]
        prepare = distil.Transform({"resize": None, "normalisation": {"kind": "identity"}}, (1, 1, 1))
        given = [round(float(prepare(value.reshape(1, 1)).item()) * 255) for value in values]
        self.assertEqual(given, self.said([b"P5 1 1 65535\n" + int(value).to_bytes(2, "big") for value in values]))


if __name__ == "__main__":
    unittest.main()
