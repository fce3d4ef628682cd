"""Test pictures become what the program would make of them."""

from __future__ import annotations

import unittest

import numpy as np
from support import Case, needs, write_set

import distil
from distil._resize import resize

IDENTITY = {"normalisation": {"kind": "identity"}}


def transform(channels: int, height: int, width: int, **resize_to: object) -> distil.Transform:
    recorded = {"height": height, "width": width, **resize_to} if resize_to else None
    return distil.Transform({"resize": recorded, **IDENTITY}, (channels, height, width))


class Resize(unittest.TestCase):
    """Numbers worked out by hand; `test_with_program` compares with the program itself, level by level."""

    def test_squash_keeps_everything_and_crop_keeps_the_middle(self) -> None:
        bright = np.zeros((1, 2, 6), np.uint8)
        bright[0, :, 2:4] = 240
        # The triangle reaches six columns to each side: 5.5 : 4.5 : 3.5 from the middle outwards.
        self.assertEqual(resize(bright, 1, 1, "squash", "bilinear").item(), round(240 * 5.5 / 13.5))
        # As if scaled to 1x3 and then cut: weights 1 : 3 : 3 : 1.
        self.assertEqual(resize(bright, 1, 1, "centre-crop", "bilinear").item(), 180)

    def test_flat_images_stay_flat(self) -> None:
        flat = np.full((2, 7, 9), 77, np.uint8)
        for name in ("bilinear", "bicubic", "lanczos3", "nearest"):
            for policy in ("squash", "centre-crop"):
                for size in ((5, 3), (16, 16), (7, 4), (14, 18)):
                    found = resize(flat, *size, policy, name)
                    self.assertEqual(
                        (found.shape, set(found.ravel().tolist())), ((2, *size), {77}), (name, policy, size)
                    )

    def test_overshoot_is_cut_off(self) -> None:
        edge = np.repeat(np.array([0, 255], np.uint8), 8).reshape(1, 1, 16).repeat(4, 1)
        found = resize(edge, 4, 24, "squash", "lanczos3")[0, 0].tolist()
        self.assertEqual((min(found), max(found), sorted(found) == found), (0, 255, False), found)

    def test_the_right_size_is_left_alone(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
        np.testing.assert_array_equal(resize(image, 5, 4, "squash", "lanczos3"), image)

    def test_unknown_words_are_refused(self) -> None:
        image = np.zeros((1, 2, 2), np.uint8)
        with self.assertRaisesRegex(ValueError, "filter 'box'"):
            resize(image, 1, 1, "squash", "box")
        with self.assertRaisesRegex(ValueError, "policy 'stretch'"):
            resize(image, 1, 1, "stretch", "bilinear")


class Pictures(Case):
    def setUp(self) -> None:
        super().setUp()
        self.picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
        self.planes = self.picture.transpose(2, 0, 1)
        self.expected = self.planes.astype(np.float32) / np.float32(255)

    def test_all_forms_of_one_picture_are_the_same(self) -> None:
        prepare = transform(3, 4, 6)
        alpha = np.dstack([self.picture, np.zeros((4, 6), np.uint8)])
        for form in (
            self.picture,
            self.planes,
            alpha,
            self.expected,
            self.expected.transpose(1, 2, 0),
            self.picture.tolist(),
        ):
            given = np.asarray(form, np.uint8) if isinstance(form, list) else form
            np.testing.assert_array_equal(prepare(given), self.expected)
        deep = (self.picture.astype(np.uint16) * 257) + np.uint16(128) * (self.picture < 255)
        np.testing.assert_array_equal(prepare(deep), self.expected, "128 of 257 is nearer to the lower level")

    def test_normalisation_follows(self) -> None:
        loaded = distil.load(write_set(self.folder / "a"))
        by_hand = (self.expected - np.float32([0.25, 0.5, 0.75])[:, None, None]) / np.float32([0.5, 0.25, 0.125])[
            :, None, None
        ]
        np.testing.assert_array_equal(loaded.transform()(self.picture), by_hand)
        self.assertIn("4x6, mean-std", repr(loaded.transform()))

    def test_grey_and_colour_are_brought_to_the_networks_channels(self) -> None:
        grey = self.picture[:, :, 0]
        np.testing.assert_array_equal(transform(3, 4, 6)(grey), np.repeat(self.expected[:1], 3, axis=0))
        weighed = (self.picture @ [0.2126, 0.7152, 0.0722]).round()
        np.testing.assert_array_equal(transform(1, 4, 6)(self.picture)[0], weighed.astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(transform(1, 4, 6)(grey[:, :, None]), self.expected[:1])

    def test_other_sizes_are_resized_as_recorded(self) -> None:
        prepare = transform(3, 2, 2, policy="centre-crop", filter="lanczos3")
        found = resize(self.planes, 2, 2, "centre-crop", "lanczos3").astype(np.float32) / np.float32(255)
        np.testing.assert_array_equal(prepare(self.picture), found)
        np.testing.assert_array_equal(prepare(self.expected), found, "floats are rounded to bytes first")
        unrecorded = resize(self.planes, 2, 2, "squash", "bilinear").astype(np.float32) / np.float32(255)
        np.testing.assert_array_equal(transform(3, 2, 2)(self.picture), unrecorded)

    def test_batches(self) -> None:
        prepare = transform(3, 4, 6)
        grey = np.stack([self.picture[:, :, 0]] * 2)
        self.assertEqual(prepare.batch(grey).shape, (2, 3, 4, 6))
        different = prepare.batch([self.picture, self.picture[:2]])
        np.testing.assert_array_equal(different[0], self.expected)
        with self.refused(ValueError, "no pictures"):
            prepare.batch([])

    def test_what_is_no_picture_is_refused(self) -> None:
        prepare = transform(3, 4, 6)
        for words, given in (
            ("give uint8", self.picture.astype(np.int64)),
            ("pixels in [0, 1]", self.picture.astype(np.float32)),
            ("pixels in [0, 1]", np.full((4, 6), np.nan)),
            ("shape [6, 4, 2]", self.picture[:, :, :2].swapaxes(0, 1)),
            ("shape [6]", self.picture[0, :, 0]),
        ):
            with self.subTest(words), self.refused(ValueError, words):
                prepare(given)
        with self.refused(ValueError, "is not known"):
            distil.Transform({"resize": None, "normalisation": {"kind": "log"}}, (3, 4, 6))

    @needs("PIL")
    def test_pictures_of_pillow(self) -> None:
        from PIL import Image

        picture, prepare = Image.fromarray(self.picture), transform(3, 4, 6)
        np.testing.assert_array_equal(prepare(picture), self.expected)
        np.testing.assert_array_equal(prepare(picture.convert("RGBA")), self.expected)
        grey = Image.fromarray(self.picture[:, :, 0])
        for form in (grey, grey.convert("LA"), grey.convert("P"), grey.convert("I")):
            np.testing.assert_array_equal(prepare(form), np.repeat(self.expected[:1], 3, axis=0), form.mode)

    @needs("torch")
    def test_tensors_stay_tensors_and_have_channels_first(self) -> None:
        import torch

        tensor, prepare = torch.from_numpy(self.expected), transform(3, 4, 6)
        self.assertTrue(torch.equal(prepare(tensor), tensor))
        self.assertTrue(torch.equal(prepare(torch.from_numpy(self.planes.copy())), tensor))
        self.assertTrue(torch.equal(prepare.batch(torch.stack([tensor] * 2)), torch.stack([tensor] * 2)))
        # [3, 4, 3] could be either: a tensor's channels are first, an array's last.
        square = torch.rand(3, 4, 3)
        self.assertTrue(torch.equal(transform(3, 4, 3)(square), square))
        self.assertEqual(transform(3, 3, 4)(square.numpy()).shape, (3, 3, 4))


if __name__ == "__main__":
    unittest.main()
