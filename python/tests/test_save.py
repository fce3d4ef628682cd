"""Arrays become what the program reads, and nothing is guessed."""

from __future__ import annotations

import os
import unittest
import warnings
from typing import Any
from unittest import mock

import numpy as np
from support import Case, needs

import distil


class Save(Case):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "a.npz"
        generator = np.random.default_rng(0)
        self.x, self.y = generator.integers(0, 256, (20, 5, 7, 3), np.uint8), np.arange(20) % 2

    def saved(self, x: Any, y: Any = None, **others: Any) -> dict[str, np.ndarray]:
        labels = np.arange(len(x)) % 2 if y is None else y
        arguments = {"x_test": x, "y_test": labels, **others}
        self.assertEqual(distil.save_dataset(self.path, x, labels, **arguments), self.path)
        with np.load(self.path) as found:
            return dict(found)

    def test_bytes_stay_bytes(self) -> None:
        found = self.saved(self.x, self.y, x_val=self.x[:4], y_val=self.y[:4], class_names=["cat", "dög"])
        self.assertEqual(set(found), {"x_train", "y_train", "x_test", "y_test", "x_val", "y_val", "class_names"})
        np.testing.assert_array_equal(found["x_train"], self.x)
        self.assertEqual((found["x_train"].dtype, found["class_names"].tolist()), (np.uint8, ["cat", "dög"]))
        self.assertEqual(self.saved(self.x)["class_names"].tolist(), ["0", "1"])

    def test_all_orders_of_axes_are_the_same(self) -> None:
        np.testing.assert_array_equal(self.saved(self.x.transpose(0, 3, 1, 2))["x_train"], self.x)
        np.testing.assert_array_equal(self.saved(np.asfortranarray(self.x))["x_train"], self.x)
        grey = self.x[..., 0]
        for form in (grey, grey[..., None], grey[:, None]):
            np.testing.assert_array_equal(self.saved(form)["x_train"], grey)

    def test_floats_are_rounded_to_the_nearest_level(self) -> None:
        levels = np.arange(256).reshape(4, 8, 8)
        for noise in (0, 0.49, -0.49):
            given = ((levels + noise).clip(0, 255) / 255).astype(np.float32)
            np.testing.assert_array_equal(self.saved(given)["x_train"], levels)

    def test_lists_and_whole_numbers_are_taken(self) -> None:
        np.testing.assert_array_equal(self.saved(self.x[..., 0].tolist(), self.y.tolist())["x_train"], self.x[..., 0])
        self.assertEqual(
            self.saved(self.x.astype(np.int64), self.y.astype(np.uint8)[:, None])["y_train"].tolist(), self.y.tolist()
        )

    @needs("torch")
    def test_tensors_are_taken(self) -> None:
        import torch

        given = torch.from_numpy(self.x).permute(0, 3, 1, 2).float().div(255).requires_grad_()
        np.testing.assert_array_equal(self.saved(given, torch.from_numpy(self.y))["x_train"], self.x)

    def test_what_cannot_be_known_is_refused(self) -> None:
        zeros = np.zeros((20, 5, 5))
        for words, x, y in (
            ("give x / 255", zeros + 200.0, self.y),
            ("undo the normalisation", zeros - 0.1, self.y),
            ("finite", zeros + np.nan, self.y),
            ("0 to 255", zeros.astype(int) + 256, self.y),
            ("whether 1 is white", zeros.astype(np.uint8) + 1, self.y),
            ("type bool", zeros > 0, self.y),
            ("could have its channels first or last", np.zeros((20, 3, 5, 3)), self.y),
            ("drop alpha", np.zeros((20, 5, 5, 4)), self.y),
            ("[n, h, w]", np.zeros((20, 25)), self.y),
            ("20 images, and y_train 19", zeros, self.y[:19]),
            ("argmax", zeros, np.eye(20)),
            ("np.unique", zeros, ["cat"] * 20),
            ("y.astype(int)", zeros, self.y * 1.0),
            ("number classes from 0", zeros, self.y - 1),
            ("class 1 has no", zeros, self.y * 2),
            ("needs two", zeros, self.y * 0),
            ("is empty", [], []),
            ("one size", [np.zeros((2, 2)), np.zeros((3, 3))], [0, 1]),
        ):
            with self.subTest(words), self.refused(ValueError, words):
                distil.save_dataset(self.path, x, y, test_share=0.2)
        self.assertFalse(self.path.exists())

    def test_parts_must_agree(self) -> None:
        for words, changes in (
            ("x_test without y_test", {"x_test": self.x}),
            ("y_val without x_val", {"y_val": self.y}),
            ("has the label 2", {"x_test": self.x[:1], "y_test": [2]}),
            ("make them equal", {"x_test": self.x[:, :4], "y_test": self.y}),
            ("class 2 has no", {"class_names": "abc"}),
            ("needs two", {"class_names": ["a"]}),
            ("same name", {"class_names": ["a", "a"]}),
            ("leave one of both out", {"x_test": self.x, "y_test": self.y, "test_share": 0.1}),
            ("more than 0", {"test_share": 1.0}),
        ):
            with self.subTest(words), self.refused(ValueError, words):
                distil.save_dataset(self.path, self.x, self.y, **changes)
        with self.refused(ValueError, "ends in .npz"):
            distil.save_dataset(self.folder / "a.dat", self.x, self.y)


class HoldingOut(Case):
    def setUp(self) -> None:
        super().setUp()
        self.y = np.repeat([0, 1, 2], [50, 10, 2])
        # Each image is known by its pixels.
        self.x = np.arange(62, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)

    def held(self, **arguments: Any) -> dict[str, np.ndarray]:
        with np.load(distil.save_dataset(self.folder / "a.npz", self.x, self.y, **arguments)) as found:
            return dict(found)

    def test_the_same_share_of_each_class_and_every_image_once(self) -> None:
        found = self.held(test_share=0.2)
        self.assertEqual(np.bincount(found["y_test"]).tolist(), [10, 2, 1])
        both = np.concatenate([found["x_train"][:, 0, 0], found["x_test"][:, 0, 0]])
        self.assertEqual(sorted(both.tolist()), list(range(62)))
        for part in ("train", "test"):
            np.testing.assert_array_equal(self.y[found[f"x_{part}"][:, 0, 0]], found[f"y_{part}"])

    def test_the_seed_decides(self) -> None:
        first, again, other = (self.held(test_share=0.2, seed=seed)["x_test"] for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        self.assertFalse(np.array_equal(first, other))

    def test_it_is_said_unless_it_was_asked_for(self) -> None:
        with self.assertWarnsRegex(distil.HeldOut, "13 of 62 images"):
            self.held()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.held(test_share=0.2)

    def test_one_image_cannot_be_in_both_parts(self) -> None:
        with self.refused(ValueError, "class 1 has one image"):
            distil.save_dataset(self.folder / "a.npz", self.x[:51], self.y[:51])


class Writing(Case):
    def test_an_interruption_leaves_what_was_there(self) -> None:
        path = self.folder / "a.npz"
        path.write_text("what was there")
        x, y = np.zeros((4, 4, 4)), [0, 1, 0, 1]
        with mock.patch("numpy.savez_compressed", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            distil.save_dataset(path, x, y, test_share=0.5)
        self.assertEqual([file.name for file in self.folder.iterdir()], ["a.npz"])
        self.assertEqual(path.read_text(), "what was there")

    def test_the_file_is_put_in_its_place_whole(self) -> None:
        path = self.folder / "a.npz"
        path.write_text("what was there")
        with mock.patch("os.replace", side_effect=OSError("no")), self.assertRaises(OSError):
            distil.save_dataset(path, np.zeros((4, 4, 4)), [0, 1, 0, 1], test_share=0.5)
        self.assertEqual([file.read_text() for file in self.folder.iterdir()], ["what was there"])

    @unittest.skipIf(os.name == "nt", "Windows has no such permissions")
    def test_others_may_read_as_they_may_read_other_files(self) -> None:
        plain = self.folder / "plain"
        plain.touch()
        path = distil.save_dataset(self.folder / "a.npz", np.zeros((4, 4, 4)), [0, 1, 0, 1], test_share=0.5)
        self.assertEqual(path.stat().st_mode, plain.stat().st_mode)


if __name__ == "__main__":
    unittest.main()
