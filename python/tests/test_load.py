"""Sets are read as they were written, and nothing else is read as a set."""

from __future__ import annotations

import json
import struct
import unittest

import numpy as np
from support import FIT, SET, Case, card, container, tensors, write_set

import distil


class Load(Case):
    def test_a_set_comes_back(self) -> None:
        read = distil.load(write_set(self.folder / "a.safetensors"))
        np.testing.assert_array_equal(read.images, tensors()["images"])
        np.testing.assert_array_equal(read.labels, [0, 0, 1, 1])
        self.assertEqual((read.logits, read.kind, read.classes, len(read)), (None, "hard", ["cat", "dög"], 4))
        self.assertEqual((read.syn_lr, read.card["iteration"]), (float(np.float32(0.02)), 7))
        read.images[0] = 0  # A copy of one's own, not a view of a file.
        self.assertIn("dm on clutter", repr(read))

    def test_soft_labels_come_back(self) -> None:
        logits = np.array([[0, 0], [2, -1], [0, np.log(3)], [-60, 60]], np.float32)
        path = write_set(
            self.folder / "a.safetensors", changed_card={"label_kind": "soft"}, labels=None, label_logits=logits
        )
        read = distil.load(path)
        self.assertEqual((read.kind, read.labels), ("soft", None))
        np.testing.assert_array_equal(read.logits, logits)
        np.testing.assert_allclose(read.probabilities()[[0, 2, 3]], [[0.5, 0.5], [0.25, 0.75], [0, 1]], atol=1e-7)
        np.testing.assert_array_equal(read.made_for, [0, 0, 1, 1], "by place, whatever the logits say")
        listed = write_set(
            path, changed_card={"label_kind": "soft", "image_classes": [1, 0, 1, 0]}, labels=None, label_logits=logits
        )
        np.testing.assert_array_equal(distil.load(listed).made_for, [1, 0, 1, 0])
        odd = write_set(path, changed_card={"label_kind": "soft", "ipc": 3}, labels=None, label_logits=logits)
        np.testing.assert_array_equal(distil.load(odd).made_for, [0, 0, 1, 1], "by the highest logit")

    def test_flipped_bytes_are_found(self) -> None:
        path = write_set(self.folder / "a.safetensors")
        content = path.read_bytes()
        head = 8 + struct.unpack("<Q", content[:8])[0]
        for place in [*range(head), *range(head, len(content), 29)]:
            changed = bytearray(content)
            changed[place] ^= 1
            path.write_bytes(changed)
            with self.refused(distil.NotASet, "a.safetensors"):
                distil.load(path)

    def test_cuts_are_found(self) -> None:
        path = write_set(self.folder / "a.safetensors")
        content = path.read_bytes()
        for length in range(0, len(content), 7):
            path.write_bytes(content[:length])
            with self.refused(distil.NotASet, "a.safetensors"):
                distil.load(path)
        path.write_bytes(content + b"\0")
        with self.refused(distil.NotASet, "follow the header"):
            distil.load(path)

    def test_other_files_are_named(self) -> None:
        def heading(header: object) -> bytes:
            text = json.dumps(header).encode()
            return struct.pack("<Q", len(text)) + text

        others = {
            "numpy.load": b"\x93NUMPY\x01\0 and so on",
            "`distil export --to npz`": b"PK\x03\x04 and so on",
            "is empty": b"",
            "a web page": b"\n<!doctype html><html>",
            "a picture": b"\x89PNG\r\n\x1a\n0000",
            "JSON": b'{"a": 1}      ',
            "a pickle": b"\x80\x04\x95",
            "is text": "grün, no more".encode(),
            "Git LFS": b"version https://git-lfs.github.com/",
            "is not a file of distil": bytes(range(128, 256)),
            "of another program": heading({"x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
            "of another version": container("distil.synthetic.9", card(), tensors()),
            "of kind `distil.zca.1`": container(FIT, "digest", {"mean": np.zeros(1)}),
        }
        path = self.folder / "a.bin"
        for words, content in others.items():
            path.write_bytes(content)
            with self.subTest(words), self.refused(distil.NotASet, "a.bin", words):
                distil.load(path)
        with self.refused(distil.NotASet, "does not exist"):
            distil.load(self.folder / "nothing")
        with self.refused(distil.NotASet, "does not exist"):
            distil.load(self.folder / "nothing", part="last")

    def test_what_does_not_fit_is_refused(self) -> None:
        """With a right checksum, as a program with an error might write it."""
        nan = np.full((4, 3, 4, 6), np.nan, np.float32)
        cases = [
            ("no method", {"changed_card": {"method": ""}}),
            ("no class_names", {"without_card": "class_names"}),
            ("normalised", {"changed_card": {"preprocessing": {"resize": None}}}),
            ("no tensor `images`", {"images": None}),
            ("no tensor `syn_lr`", {"syn_lr": None}),
            ("not [n, c, h, w]", {"images": np.zeros((4, 3), np.float32)}),
            ("float64", {"images": np.zeros((4, 3, 4, 6))}),
            ("finite", {"images": nan}),
            ("positive", {"syn_lr": np.array([0], np.float32)}),
            ("one positive", {"syn_lr": np.ones(2, np.float32)}),
            ("one of 2 classes", {"labels": np.array([0, 1, 2, 0])}),
            ("one of 2 classes", {"labels": np.array([0, 1])}),
            ("`label_logits`", {"changed_card": {"label_kind": "soft"}}),
            ("tiles a side", {"changed_card": {"decoding": {"kind": "tiles", "factor": 5}}}),
            ("does not know", {"changed_card": {"decoding": {"kind": "wavelets"}}}),
            ("classes of images", {"changed_card": {"image_classes": [0, 0, 1, 1]}}),
        ]
        for words, changes in cases:
            path = write_set(self.folder / "a.safetensors", **changes)
            with self.subTest(words), self.refused(distil.NotASet, words):
                distil.load(path)

    def test_a_header_that_lies_is_refused(self) -> None:
        content = container(SET, card(), tensors())
        length = struct.unpack("<Q", content[:8])[0]
        header, payload = json.loads(content[8 : 8 + length]), content[8 + length :]
        for change in (
            {"shape": [1 << 62, 1 << 62]},
            {"shape": [-1]},
            {"shape": "all"},
            {"data_offsets": [0, 1 << 40]},
            {"data_offsets": [-8, 24]},
            {"data_offsets": [0]},
            {"dtype": "F16"},
            {"dtype": None},
        ):
            lying = json.dumps({**header, "labels": {**header["labels"], **change}}).encode()
            (self.folder / "a").write_bytes(struct.pack("<Q", len(lying)) + lying + payload)
            with self.subTest(change), self.refused(distil.NotASet, "is damaged"):
                distil.load(self.folder / "a")


class RunFolder(Case):
    def setUp(self) -> None:
        super().setUp()
        (self.folder / "synthetic").mkdir()

    def put(self, part: str, iteration: int) -> None:
        write_set(self.folder / "synthetic" / f"{part}.safetensors", changed_card={"iteration": iteration})

    def test_the_best_set_is_taken_or_else_the_last(self) -> None:
        with self.refused(distil.NotASet, "it has none yet"):
            distil.load(self.folder)
        self.put("initial", 0)
        with self.refused(distil.NotASet, "no best or last set (it has initial)"):
            distil.load(self.folder)
        self.put("last", 9)
        self.assertEqual(distil.load(self.folder).card["iteration"], 9)
        self.put("best", 5)
        self.assertEqual(distil.load(self.folder).path, str(self.folder / "synthetic" / "best.safetensors"))
        self.assertEqual(distil.load(self.folder, part="initial").card["iteration"], 0)

    def test_other_parts_and_folders_are_refused(self) -> None:
        self.put("best", 5)
        with self.refused(ValueError, "no part 'first'"):
            distil.load(self.folder, part="first")
        with self.refused(ValueError, "is no run folder, and only those"):
            distil.load(self.folder / "synthetic" / "best.safetensors", part="last")
        with self.refused(distil.NotASet, "no run folder"):
            distil.load(self.folder / "synthetic")


if __name__ == "__main__":
    unittest.main()
