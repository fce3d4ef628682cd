"""Resizing bytes as the program does, in the same whole numbers: separable filters that widen with the reduction.

Weights become 16-bit whole numbers, columns are filtered before rows, and each pass rounds to bytes. Pillow keeps more bits
of the weights and takes rows first, so that its results differ by a level here and there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

_Filter = Callable[[np.ndarray], np.ndarray]
#: The most bits after the point that weights may have, and the bits that they may take.
_MOST_PRECISION, _WEIGHT_BITS = 22, 15


def resize(image: np.ndarray, height: int, width: int, policy: str, name: str) -> np.ndarray:
    """Bytes `[c, h, w]` as bytes `[c, height, width]`; an image of that size is returned as it is.

    `policy` is "squash" (sides are scaled on their own) or "centre-crop" (scaled until it covers the size, what sticks out
    is cut off on both sides); `name` is the filter: "bilinear", "bicubic", "lanczos3" or "nearest".
    """
    from_height, from_width = image.shape[1:]
    if (from_height, from_width) == (height, width):
        return image
    top, left, high, wide = _crop(from_height, from_width, height, width, policy)
    if name == "nearest":
        rows = _nearest_rows(top, high, height, from_height)
        columns = np.minimum((left + wide / width * 0.5 + wide / width * np.arange(width)).astype(int), from_width - 1)
        return image[:, rows][:, :, columns]
    # A side that keeps its size is left alone.
    if height != high or top != round(top):
        image = _pass(image, from_height, top, high, height, name)
    else:
        image = image[:, int(top) : int(top) + height]
    if width != wide or left != round(left):
        return _pass(image.swapaxes(1, 2), from_width, left, wide, width, name).swapaxes(1, 2)
    return image[:, :, int(left) : int(left) + width]


def _crop(height: int, width: int, to_height: int, to_width: int, policy: str) -> tuple[float, float, float, float]:
    """Top, left, height and width of what is kept of the image."""
    if policy == "squash":
        return 0.0, 0.0, float(height), float(width)
    if policy != "centre-crop":
        raise ValueError(f"the resize policy {policy!r} is not known; use squash or centre-crop")
    ratio, wanted = width / height, to_width / to_height
    high, wide = float(height), float(width)
    if abs(ratio - wanted) >= np.finfo(float).eps:
        high, wide = (high, wanted * height) if ratio >= wanted else (width / wanted, wide)
    return (height - high) * 0.5, (width - wide) * 0.5, high, wide


def _nearest_rows(top: float, high: float, height: int, rows: int) -> np.ndarray:
    # Rows are stepped to, columns multiplied: rounding differs, and so it does in the program.
    steps = np.full(height, high / height)
    steps[0] = top + high / height * 0.5
    return np.minimum(np.add.accumulate(steps).astype(int), rows - 1)


def _pass(image: np.ndarray, size: int, start: float, length: float, to: int, name: str) -> np.ndarray:
    """Filters axis 1 of `[c, size, other]` to `[c, to, other]`."""
    weights, precision = _weights(size, start, length, to, name)
    # Exact: products and sums stay far below 2^53.
    sums = np.matmul(weights, image.astype(np.float64)) + 2.0 ** (precision - 1)
    return np.clip(np.floor(sums / 2.0**precision), 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _weights(size: int, start: float, length: float, to: int, name: str) -> tuple[np.ndarray, int]:
    """Whole-number weights `[to, size]` and the bits of theirs that are after the point."""
    function, support = _FILTERS[name] if name in _FILTERS else _unknown(name)
    scale = length / to
    widened = max(scale, 1.0)
    centres = start + (np.arange(to)[:, None] + 0.5) * scale
    places = np.arange(size)[None, :]
    seen = (places >= np.floor(centres - support * widened)) & (places < np.ceil(centres + support * widened))
    values = np.where(seen, function((places - (centres - 0.5)) * (1.0 / widened)), 0.0)
    # Summed one after the other, as the program does, for NumPy's pairwise sum may differ in the last bit.
    total = np.add.accumulate(values, axis=1)[:, -1:]
    values = values / np.where(total == 0.0, 1.0, total)
    precision = 0
    for precision in range(_MOST_PRECISION):
        if _round(values.max() * 2.0 ** (precision + 1)) >= 2.0**_WEIGHT_BITS:
            break
    return _round(values * 2.0**precision), precision


def _round(values: np.ndarray) -> np.ndarray:
    """Halves away from zero."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def _unknown(name: str) -> tuple[_Filter, float]:
    raise ValueError(f"the filter {name!r} is not known; use {', '.join(_FILTERS)} or nearest")


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _catmull_rom(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1.0
    outer = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    return np.where(x < 1.0, inner, np.where(x < 2.0, outer, 0.0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where((x >= -3.0) & (x < 3.0), np.sinc(x) * np.sinc(x / 3.0), 0.0)


_FILTERS: dict[str, tuple[_Filter, float]] = {
    "bilinear": (_triangle, 1.0),
    "bicubic": (_catmull_rom, 2.0),
    "lanczos3": (_lanczos, 3.0),
}
