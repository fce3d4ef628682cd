"""Synthetic sets, read from the program's own files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _decoding, _normalisation
from ._transform import Transform

if TYPE_CHECKING:
    from torch.utils.data import TensorDataset


class Training(NamedTuple):
    """What a network is trained with, as arrays or tensors."""

    #: `[n, c, h, w]` float32, network input.
    images: Any
    #: int64 `[n]` of class indices, or float32 `[n, classes]` of probabilities: cross entropy of PyTorch takes either.
    targets: Any
    #: The learned step size of SGD, positive.
    syn_lr: float


@dataclass(frozen=True)
class SyntheticSet:
    """A distilled training set with all that is needed to train on it; made by `distil.load`."""

    #: The file that was read.
    path: str
    #: As stored, `[n, c, h, w]` float32; network input, not pixels. `decode()` has what networks see.
    images: np.ndarray
    #: Class of each stored image, int64 `[n]`; None where labels were learned.
    labels: np.ndarray | None
    #: Learned logits of each stored image, float32 `[n, classes]`; networks train on their softmax. None for hard labels.
    logits: np.ndarray | None
    #: The learned step size of SGD, positive.
    syn_lr: float
    #: Everything that is recorded of the set: method, dataset, seed, command, architecture and more.
    card: dict[str, Any]

    @property
    def kind(self) -> str:
        """Of its labels: "hard" (`labels`) or "soft" (`logits`)."""
        return "hard" if self.logits is None else "soft"

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by class index."""
        return list(self.card["class_names"])

    @property
    def preprocessing(self) -> dict[str, Any]:
        """How files' pixels became network input; test images need the same. `transform()` does it."""
        return dict(self.card["preprocessing"])

    @property
    def made_for(self) -> np.ndarray:
        """The class that each stored image was made for, int64 `[n]`, whatever a learned label leans towards by now."""
        if self.labels is not None:
            return self.labels.copy()
        if self.card.get("image_classes") is not None:
            return np.asarray(self.card["image_classes"], np.int64)
        count, of_each = len(self.images), int(self.card["ipc"])
        if count % (of_each * len(self.classes)) == 0:
            # The program's own sets are sorted by class.
            return np.arange(count) % (of_each * len(self.classes)) // of_each
        assert self.logits is not None, "there are labels or logits"
        return self.logits.argmax(1)

    def probabilities(self) -> np.ndarray:
        """Targets of the stored images, float32 `[n, classes]`: the softmax of logits, or ones and zeros of hard labels."""
        if self.logits is None:
            return np.eye(len(self.classes), dtype=np.float32)[self.labels]
        raised = np.exp(self.logits - self.logits.max(1, keepdims=True))
        return raised / raised.sum(1, keepdims=True)

    def decode(self) -> Training:
        """What networks train on, as arrays: tiles cut and enlarged where the set stores tiles."""
        tiles = _decoding.factor(self.card.get("decoding", {}))
        targets = self.labels if self.labels is not None else self.probabilities()
        repeated = np.concatenate([targets] * tiles**2)
        return Training(_decoding.decode(self.images, tiles), repeated, self.syn_lr)

    def pixels(self, clip: bool = True, zca: str | PathLike[str] | None = None) -> np.ndarray:
        """The decoded images with normalisation or whitening undone, float32 `[n, c, h, w]`.

        Learned images leave the range of pixels; `clip` brings them to [0, 1]. `zca` is as in `transform`.
        """
        undone = _normalisation.of(self.preprocessing, self.images.shape[1], zca).undo(self.decode().images)
        return undone.clip(0, 1) if clip else undone

    def transform(self, zca: str | PathLike[str] | None = None) -> Transform:
        """What makes network input of test pictures, as the set's training images were made; see `Transform`.

        `zca`: the file of ZCA matrices, or its folder, for whitened sets; without it the program's cache is looked at.
        """
        _, channels, height, width = self.images.shape
        return Transform(self.preprocessing, (channels, height, width), zca)

    def torch(self, device: Any = None) -> Training:
        """As `decode()`, in tensors, on `device` (PyTorch's default: the CPU). Needs PyTorch."""
        import torch

        images, targets, syn_lr = self.decode()
        first, second = (torch.from_numpy(values).to(device or "cpu") for values in (images, targets))
        return Training(first, second, syn_lr)

    def dataset(self) -> TensorDataset:
        """As `decode()`, as a dataset of PyTorch of pairs (image, target) for a DataLoader. Needs PyTorch."""
        from torch.utils.data import TensorDataset

        images, targets, _ = self.torch()
        return TensorDataset(images, targets)

    def decoded(self) -> SyntheticSet:
        """The same set with the images that networks see, each with its label: what `distil export` writes."""
        tiles = _decoding.factor(self.card.get("decoding", {}))
        card = {**self.card, "decoding": {"kind": "pixels"}}
        if self.card.get("image_classes") is not None:
            card["image_classes"] = list(self.card["image_classes"]) * tiles**2
        times = lambda rows: None if rows is None else np.concatenate([rows] * tiles**2)  # noqa: E731
        images = _decoding.decode(self.images, tiles)
        return replace(self, images=images, labels=times(self.labels), logits=times(self.logits), card=card)

    def __len__(self) -> int:
        """Number of stored images."""
        return len(self.images)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return (
            f"SyntheticSet({len(self)} images of {shape}, {len(self.classes)} classes, {self.kind} labels, "
            f"{self.card['method']} on {self.card['dataset']}, iteration {self.card.get('iteration')}, {self.path!r})"
        )
