"""What networks train on: decoding, pixels, tensors."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np
from support import FIT, Case, container, needs, write_set

import distil


def one_channel(images: list[list[list[float]]], **card: object) -> dict[str, object]:
    values = np.array(images, np.float32)[:, None]
    identity = {"resize": None, "normalisation": {"kind": "identity"}}
    return {"images": values, "labels": np.arange(len(values)) % 2, "changed_card": {"preprocessing": identity, **card}}


class Decoding(Case):
    def decoded(self, images: list[list[list[float]]], factor: int) -> distil.Training:
        path = write_set(self.folder / "a", **one_channel(images, decoding={"kind": "tiles", "factor": factor}))
        return distil.load(path).decode()

    def test_tiles_come_place_by_place(self) -> None:
        found = self.decoded([[[0, 1], [2, 3]], [[4, 5], [6, 7]]], 2)
        np.testing.assert_array_equal(found.images[:, 0, 0, 0], [0, 4, 1, 5, 2, 6, 3, 7])
        np.testing.assert_array_equal(np.ptp(found.images.reshape(8, 4), axis=1), 0)
        np.testing.assert_array_equal(found.targets, [0, 1] * 4)

    def test_tiles_are_enlarged_between_centres_and_keep_their_edge(self) -> None:
        rows = [[0.0, 4.0, 0.0, 0.0]] * 4
        first = self.decoded([rows], 2).images[0, 0]
        # Columns 0 and 1 stretched to four: centres at 0.5 and 2.5, shares of a quarter.
        np.testing.assert_allclose(first, [[0, 1, 3, 4]] * 4, atol=1e-6)

    def test_what_is_no_whole_tile_is_padded_with_one_half(self) -> None:
        last = self.decoded([np.full((3, 3), 2.0).tolist()], 2).images[3, 0]
        # A tile of 2x2 whose first value alone is inside.
        self.assertEqual((last[0, 0], last[-1, -1]), (2.0, 0.5))

    def test_a_decoded_set_is_a_set_of_pixels(self) -> None:
        path = write_set(
            self.folder / "a", **one_channel([np.eye(4).tolist()] * 2, decoding={"kind": "tiles", "factor": 2})
        )
        decoded = distil.load(path).decoded()
        self.assertEqual((len(decoded), decoded.card["decoding"]), (8, {"kind": "pixels"}))
        np.testing.assert_array_equal(decoded.decode().images, distil.load(path).decode().images)

    def test_tiles_are_made_for_the_class_of_their_image(self) -> None:
        changed = {"label_kind": "soft", "decoding": {"kind": "tiles", "factor": 2}}
        logits = np.array([[5, 0], [0, 5]] * 2, np.float32)
        for listed, classes in ((None, [0, 0, 1, 1]), ([1, 0, 0, 1], [1, 0, 0, 1])):
            with_classes = changed if listed is None else {**changed, "image_classes": listed}
            path = write_set(self.folder / "a", changed_card=with_classes, labels=None, label_logits=logits)
            decoded = distil.load(path).decoded()
            np.testing.assert_array_equal(decoded.made_for, classes * 4)
            np.testing.assert_array_equal(decoded.logits, np.concatenate([logits] * 4))

    def test_hard_labels_as_probabilities(self) -> None:
        loaded = distil.load(write_set(self.folder / "a"))
        np.testing.assert_array_equal(loaded.probabilities(), [[1, 0], [1, 0], [0, 1], [0, 1]])


class Pixels(Case):
    def test_normalisation_is_undone(self) -> None:
        loaded = distil.load(write_set(self.folder / "a"))
        unclipped = loaded.pixels(clip=False)
        by_hand = loaded.images[:, 1] * 0.25 + 0.5
        np.testing.assert_allclose(unclipped[:, 1], by_hand, atol=1e-6)
        self.assertGreater(unclipped.max(), 1)
        np.testing.assert_array_equal(loaded.pixels(), unclipped.clip(0, 1))
        inside = np.abs(unclipped - 0.5) <= 0.5
        np.testing.assert_allclose(loaded.transform().batch(loaded.pixels())[inside], loaded.images[inside], atol=1e-5)

    def test_whitening_is_undone_with_its_matrices(self) -> None:
        zca = {"resize": None, "normalisation": {"kind": "zca", "eps": 0.1, "fit_digest": "abc"}}
        loaded = distil.load(write_set(self.folder / "a", changed_card={"preprocessing": zca}))
        with self.refused(distil.NotAZcaFit, "zca-abc.safetensors", "zca=FILE"):
            loaded.pixels(zca=self.folder)
        size = loaded.images[0].size
        generator = np.random.default_rng(1)
        root = generator.normal(size=(size, size)) + 20 * np.eye(size)
        fit = {"mean": generator.random(size), "matrix": root @ root.T, "inverse": np.linalg.inv(root @ root.T)}
        (self.folder / "zca-abc.safetensors").write_bytes(container(FIT, "abc", fit))
        pixels = loaded.pixels(clip=False, zca=self.folder)
        np.testing.assert_allclose(
            pixels[0].ravel(), loaded.images[0].ravel() @ fit["inverse"] + fit["mean"], atol=1e-5
        )
        again = loaded.transform(zca=self.folder / "zca-abc.safetensors")
        inside = pixels.clip(0, 1)
        white = (inside.reshape(4, -1) - fit["mean"]) @ fit["matrix"]
        np.testing.assert_allclose(again.batch(inside).reshape(4, -1), white, rtol=1e-3, atol=1e-2)
        (self.folder / "other").write_bytes(container(FIT, "xyz", fit))
        with self.refused(distil.NotAZcaFit, "another fit"):
            loaded.transform(zca=self.folder / "other")

    def test_means_of_other_channels_are_refused(self) -> None:
        loaded = distil.load(write_set(self.folder / "a"))
        grey = replace(loaded, images=loaded.images[:, :1])
        with self.refused(ValueError, "means of 3 channels"):
            grey.transform()


@needs("torch")
class Tensors(Case):
    def test_a_network_trains_on_them(self) -> None:
        import torch

        loaded = distil.load(write_set(self.folder / "a"))
        images, targets, syn_lr = loaded.torch()
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(72, 2))
        before = torch.nn.functional.cross_entropy(network(images), targets)
        step = torch.optim.SGD(network.parameters(), lr=syn_lr)
        before.backward()
        step.step()
        self.assertLess(torch.nn.functional.cross_entropy(network(images), targets).item(), before.item())

    def test_soft_targets_are_what_cross_entropy_takes(self) -> None:
        import torch

        logits = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
        loaded = distil.load(
            write_set(self.folder / "a", changed_card={"label_kind": "soft"}, labels=None, label_logits=logits)
        )
        targets = loaded.torch().targets
        np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
        torch.nn.functional.cross_entropy(torch.zeros(4, 2), targets)

    def test_the_dataset_collates(self) -> None:
        import torch

        dataset = distil.load(write_set(self.folder / "a")).dataset()
        images, targets = next(iter(torch.utils.data.DataLoader(dataset, batch_size=3)))
        self.assertEqual((len(dataset), list(images.shape), targets.tolist()), (4, [3, 3, 4, 6], [0, 0, 1]))


if __name__ == "__main__":
    unittest.main()
