"""From pixels in [0, 1] to network input and back, as cards record it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ._container import Form, read
from ._errors import NotAZcaFit

_FIT = Form(
    "distil.zca.1",
    "a ZCA fit",
    "give the file zca-DIGEST.safetensors of the cache folder of the machine that made the set",
    "copy it again",
    NotAZcaFit,
)


@dataclass(frozen=True)
class Normalisation:
    """A map of pixels in [0, 1] to network input, of one of three kinds: "identity", "mean-std" (by channel) or "zca"."""

    kind: str
    #: Of "mean-std": one of each channel, float32. Of "zca": `mean` of each value, and the two matrices.
    mean: np.ndarray | None = None
    std: np.ndarray | None = None
    matrix: np.ndarray | None = None
    inverse: np.ndarray | None = None

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels `[n, c, h, w]` in [0, 1], float32, to network input of the same shape."""
        if self.kind == "zca":
            white = (_flat(pixels, self.mean) - self.mean) @ self.matrix
            return white.reshape(pixels.shape)
        return pixels if self.kind == "identity" else (pixels - _by_channel(self.mean)) / _by_channel(self.std)

    def undo(self, given: np.ndarray) -> np.ndarray:
        """Network input `[n, c, h, w]`, float32, back to pixels, which may lie outside [0, 1] where images were learned."""
        if self.kind == "zca":
            return (_flat(given, self.mean) @ self.inverse + self.mean).reshape(given.shape)
        return given.copy() if self.kind == "identity" else given * _by_channel(self.std) + _by_channel(self.mean)


def of(preprocessing: dict[str, Any], channels: int, zca: str | PathLike[str] | None = None) -> Normalisation:
    """The normalisation of a card's `preprocessing`.

    The matrices of a ZCA are no part of a card; `zca` is their file, or the folder that holds it; without it the
    program's cache folder is looked at. Raises ValueError for a kind that is not known or other numbers of channels, and
    NotAZcaFit when the matrices are not found.
    """
    recorded = preprocessing["normalisation"]
    kind = recorded["kind"]
    if kind == "identity":
        return Normalisation(kind)
    if kind == "mean-std":
        mean, std = (np.asarray(recorded[name], np.float32) for name in ("mean", "std"))
        if mean.shape != (channels,) or std.shape != (channels,):
            raise ValueError(
                f"the card has means of {mean.size} channels, and images have {channels}; restore the file"
            )
        return Normalisation(kind, mean, std)
    if kind == "zca":
        return _fit(str(recorded["fit_digest"]), Path(zca) if zca is not None else _cache())
    raise ValueError(f"the normalisation {kind!r} is not known to this version of distil; install a newer one")


def _fit(digest: str, place: Path) -> Normalisation:
    path = place / f"zca-{digest}.safetensors" if place.is_dir() else place
    if not path.is_file():
        raise NotAZcaFit(
            path,
            f"is not there, and the images were whitened with the matrices of the fit {digest[:12]}",
            f"give them as zca=FILE. {_FIT.origin[0].upper()}{_FIT.origin[1:]}",
        )
    file = read(path, _FIT)
    if file.card != digest:
        raise NotAZcaFit(path, f"holds another fit than {digest[:12]}, on which the set was learned", _FIT.origin)
    mean, matrix, inverse = (file.tensor(name, "<f8").astype(np.float32) for name in ("mean", "matrix", "inverse"))
    if matrix.shape != (mean.size, mean.size) or inverse.shape != matrix.shape:
        raise file.damaged("its matrices are not square")
    return Normalisation("zca", mean, None, matrix, inverse)


def _cache() -> Path:
    """Where the program keeps ZCA fits unless its configuration says otherwise."""
    for key, below in (("DISTIL_CACHE_DIR", "."), ("XDG_CACHE_HOME", "distil"), ("HOME", ".cache/distil")):
        if os.environ.get(key):
            return Path(os.environ[key]) / below
    return Path.home() / ".cache" / "distil"


def _by_channel(values: np.ndarray | None) -> np.ndarray:
    assert values is not None, "mean-std has both"
    return values.reshape(1, -1, 1, 1)


def _flat(images: np.ndarray, mean: np.ndarray | None) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    if mean is None or flat.shape[1] != mean.size:
        raise ValueError(
            f"images of shape {images.shape[1:]} are not those the ZCA was fitted on; give the set's own size"
        )
    return flat
