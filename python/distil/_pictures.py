"""Pictures in the forms that Python programs have them in, as channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

#: The program's weights of red, green and blue: the luminances of sRGB's primaries.
_LUMA = np.array([0.21263901, 0.71516868, 0.07219232])
_CHANNELS = (1, 3, 4)


def channels_first(picture: Any) -> np.ndarray:
    """A picture as bytes or floats in [0, 1], `[c, h, w]` with one or three channels.

    A picture of Pillow in any mode; an array `[h, w]`, `[h, w, c]` or `[c, h, w]`; a tensor of PyTorch `[h, w]`, `[c, h, w]`
    or `[h, w, c]`. Where both orders are possible, arrays have channels last and tensors first. Values are bytes, whole
    numbers of 16 bits (rounded to bytes) or floats in [0, 1]. A fourth channel, alpha, is dropped, not blended.
    """
    tensor = hasattr(picture, "detach")
    if tensor:
        picture = picture.detach().cpu().numpy()
    elif hasattr(picture, "getbands"):
        picture = _of_pillow(picture)
    values = _bytes_or_floats(np.asarray(picture))
    planes = values[None] if values.ndim == 2 else _ordered(values, first=tensor)
    if planes.shape[0] == 4:
        planes = planes[:3]
    return np.ascontiguousarray(planes)


def _of_pillow(picture: Any) -> np.ndarray:
    if picture.mode in ("L", "RGB", "RGBA") or picture.mode.startswith("I;16"):
        return np.asarray(picture)
    if picture.mode == "LA":
        return np.asarray(picture)[:, :, 0]
    if picture.mode in ("1", "I", "F"):
        return np.asarray(picture.convert("L"))
    return np.asarray(picture.convert("RGB"))


def _bytes_or_floats(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if values.dtype.kind != "f":
        raise ValueError(f"a picture has values of type {values.dtype}; give uint8, or floats in [0, 1]")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"a picture of floats has values from {values.min():g} to {values.max():g}; give pixels in [0, 1]"
        )
    return values.astype(np.float32)


def _ordered(values: np.ndarray, first: bool) -> np.ndarray:
    if values.ndim == 3:
        starts, ends = values.shape[0] in _CHANNELS, values.shape[2] in _CHANNELS
        if starts and (first or not ends):
            return values
        if ends:
            return values.transpose(2, 0, 1)
    raise ValueError(
        f"a picture has shape {list(values.shape)}; give [h, w], [h, w, c] or [c, h, w] with 1 or 3 channels"
    )


def as_bytes(planes: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] rounded to the nearest of 256 levels; bytes as they are."""
    return planes if planes.dtype == np.uint8 else np.floor(planes * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def with_channels(planes: np.ndarray, channels: int) -> np.ndarray:
    """Grey repeated in three channels, or colour made grey (bytes) as the program does; otherwise as it is."""
    if planes.shape[0] == channels:
        return planes
    if planes.shape[0] == 1 and channels == 3:
        return np.repeat(planes, 3, axis=0)
    if planes.shape[0] == 3 and channels == 1:
        luminance = np.tensordot(_LUMA, as_bytes(planes).astype(np.float64), 1)
        return np.floor(luminance + 0.5).astype(np.uint8)[None]
    raise ValueError(
        f"a picture has {planes.shape[0]} channels, and the network takes {channels}; give pictures of that kind"
    )
