"""What test pictures need before a network sees them."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np

from . import _normalisation
from ._pictures import as_bytes, channels_first, with_channels
from ._resize import resize


class Transform:
    """Pictures to network input, as a set's or a model's training images were made: size, then normalisation.

    `transform(picture)` takes one picture and gives `[c, h, w]` float32; a tensor becomes a tensor, anything else an array
    (which a DataLoader of PyTorch collects into tensors). `transform.batch(pictures)` gives `[n, c, h, w]`. Pictures are
    uint8 arrays `[h, w, c]` or `[h, w]`, pictures of Pillow, or tensors `[c, h, w]` with floats in [0, 1] or uint8.

    Pictures of another size are brought to it by the recorded resize, in bytes as the program does (floats are rounded to
    bytes first); where the card records none, sides are scaled on their own, bilinearly, as by `distil predict`.
    """

    def __init__(
        self, preprocessing: dict[str, Any], shape: tuple[int, int, int], zca: str | PathLike[str] | None = None
    ) -> None:
        """`shape` is channels, height and width of the network's images. Raises as `_normalisation.of`."""
        self.shape = shape
        self._normalisation = _normalisation.of(preprocessing, shape[0], zca)
        recorded = preprocessing.get("resize") or {}
        self._policy = recorded.get("policy", "squash")
        self._filter = recorded.get("filter", "bilinear")

    def __call__(self, picture: Any) -> Any:
        """One picture as `[c, h, w]` float32. Raises ValueError, in one line, for what is no picture."""
        given = self._normalisation.apply(self._pixels(picture)[None])[0]
        return _tensor(given) if hasattr(picture, "detach") else given

    def batch(self, pictures: Iterable[Any]) -> Any:
        """Pictures as `[n, c, h, w]` float32; each is read by the rules of one picture, so `[n, h, w]` is n grey ones."""
        pixels = [self._pixels(picture) for picture in pictures]
        if not pixels:
            raise ValueError("there are no pictures; give at least one")
        given = self._normalisation.apply(np.stack(pixels))
        return _tensor(given) if hasattr(pictures, "detach") else given

    def _pixels(self, picture: Any) -> np.ndarray:
        channels, height, width = self.shape
        planes = with_channels(channels_first(picture), channels)
        if planes.shape[1:] != (height, width):
            planes = resize(as_bytes(planes), height, width, self._policy, self._filter)
        return planes if planes.dtype == np.float32 else planes.astype(np.float32) / np.float32(255)

    def __repr__(self) -> str:
        return (
            f"Transform({self._policy} {self._filter} to {self.shape[1]}x{self.shape[2]}, {self._normalisation.kind})"
        )


def _tensor(values: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(values)
