"""Images and labels of a pipeline as the arrays that the program reads."""

from __future__ import annotations

from typing import Any

import numpy as np

_LEVELS = 255


def _array(values: Any, name: str) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} is no array ({error}); give all images one size") from None
    if array.dtype == object:
        raise ValueError(f"{name} holds objects, not numbers; np.stack makes one array of a list of arrays of one size")
    if array.ndim == 0 or len(array) == 0:
        raise ValueError(f"{name} is empty; fill it, or leave the part out")
    return array


def images_of(values: Any, name: str) -> np.ndarray:
    """uint8 `[n, h, w]`, or `[n, h, w, 3]`, in C order. `name` is what messages call them. Raises ValueError."""
    array = _levels(_array(values, name), name)
    if array.ndim == 3:
        return np.ascontiguousarray(array)
    if array.ndim != 4:
        raise ValueError(f"{name} has shape {list(array.shape)}; give [n, h, w], [n, h, w, c] or [n, c, h, w]")
    first, last = array.shape[1] in (1, 3), array.shape[3] in (1, 3)
    if first and last:
        raise ValueError(
            f"{name} of shape {list(array.shape)} could have its channels first or last; give larger images"
        )
    if not first and not last:
        alpha = "; drop alpha, as in x[..., :3]" if 4 in (array.shape[1], array.shape[3]) else ""
        raise ValueError(
            f"{name} of shape {list(array.shape)} has neither one nor three channels{alpha or '; give such images'}"
        )
    array = array.transpose(0, 2, 3, 1) if first else array
    # Grey without its axis, which no reader can take for something else.
    return np.ascontiguousarray(array[..., 0] if array.shape[3] == 1 else array)


def _levels(array: np.ndarray, name: str) -> np.ndarray:
    """As bytes from 0 to 255."""
    if array.dtype.kind == "f":
        return _rounded(array, name)
    if array.dtype.kind not in "ui":
        raise ValueError(f"{name} has values of type {array.dtype}; give uint8, or floats in [0, 1]")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > _LEVELS:
        raise ValueError(f"{name} has whole numbers from {low} to {high}; bring them to 0 to 255")
    if high == 1:
        raise ValueError(
            f"{name} has only zeros and ones, and whether 1 is white is not known; give 255 * x, or x as floats"
        )
    return array.astype(np.uint8)


def _rounded(array: np.ndarray, name: str) -> np.ndarray:
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} has values that are not finite; repair them")
    if low < 0 or high > 1:
        remedy = f"give x / {_LEVELS}" if low >= 0 and high <= _LEVELS else "undo the normalisation, or clip them"
        raise ValueError(f"{name} has floats from {low:g} to {high:g}, and pixels are taken in [0, 1]; {remedy}")
    return np.floor(array.astype(np.float64) * _LEVELS + 0.5).astype(np.uint8)


def labels_of(values: Any, name: str) -> np.ndarray:
    """int64 `[n]`, none negative. Raises ValueError."""
    array = _array(values, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "; np.argmax(y, axis=1) makes them of one-hot labels" if array.ndim == 2 else ""
        raise ValueError(f"{name} has shape {list(array.shape)}; give one whole number an image{hint}")
    if array.dtype.kind in "US":
        raise ValueError(f"{name} holds texts; give names, y = np.unique(y, return_inverse=True) and class_names=names")
    if array.dtype.kind not in "ui":
        raise ValueError(f"{name} has values of type {array.dtype}; give whole numbers, as y.astype(int)")
    if int(array.min()) < 0:
        raise ValueError(f"{name} has the label {array.min()}; number classes from 0")
    return array.astype(np.int64)
