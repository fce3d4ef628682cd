"""From what a set stores to the images that networks see: the stored images themselves, or tiles of them, enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np

#: What stands where the images do not fill whole tiles.
_PADDING = np.float32(0.5)


def factor(decoding: dict[str, Any]) -> int:
    """Tiles along each side of a stored image; 1 where networks see what is stored. Raises ValueError for an unknown kind."""
    kind = decoding.get("kind", "pixels")
    if kind == "pixels":
        return 1
    if kind == "tiles" and isinstance(decoding.get("factor"), int) and decoding["factor"] >= 1:
        return int(decoding["factor"])
    raise ValueError(f"images are stored as {decoding}, which this version does not know")


def decode(stored: np.ndarray, tiles: int) -> np.ndarray:
    """Images `[n * tiles**2, c, h, w]` from stored ones `[n, c, h, w]`, float32.

    Each stored image is cut into `tiles` x `tiles`, and each tile enlarged bilinearly to the full size, its own edge
    repeated; sides that are no multiple are padded with 0.5 below and on the right. All images' tile (0, 0) comes
    first, then (0, 1), row by row.
    """
    if tiles == 1:
        return stored.copy()
    height, width = stored.shape[2:]
    high, wide = -(-height // tiles), -(-width // tiles)
    below, right = high * tiles - height, wide * tiles - width
    padded = np.pad(stored, ((0, 0), (0, 0), (0, below), (0, right)), constant_values=_PADDING)
    corners = [(row * high, column * wide) for row in range(tiles) for column in range(tiles)]
    enlarged = [_enlarge(padded[:, :, y : y + high, x : x + wide], height, width) for y, x in corners]
    return np.concatenate(enlarged)


def _enlarge(tile: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = _mixtures(tile.shape[2], height), _mixtures(tile.shape[3], width)
    out = np.zeros((*tile.shape[:2], height, width), np.float32)
    # The order of the program's sum, so that results are equal to the bit.
    for y, of_row in rows:
        for x, of_column in columns:
            out += (of_row[:, None] * of_column[None, :]) * tile[:, :, y][:, :, :, x]
    return out


def _mixtures(tile: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The two rows of a tile that each of `size` rows is mixed from, and their shares (PyTorch's `interpolate` without
    `align_corners`), in float32 as the program computes them."""
    scale = np.float32(tile) / np.float32(size)
    half = np.float32(0.5)
    place = np.maximum((np.arange(size, dtype=np.float32) + half) * scale - half, np.float32(0))
    low = np.minimum(place.astype(np.int64), tile - 1)
    share = place - low.astype(np.float32)
    return [(low, np.float32(1) - share), (np.minimum(low + 1, tile - 1), share)]
