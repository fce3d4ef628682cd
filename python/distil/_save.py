"""Arrays in memory to a dataset that the program reads."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from ._dataset_arrays import images_of, labels_of

#: The share of each class that is set aside for testing where no test part is given.
_TEST_SHARE = 0.2


class HeldOut(UserWarning):
    """There was no test part, so that one was cut out of the training part."""


def save_dataset(
    path: str | PathLike[str],
    x_train: Any,
    y_train: Any,
    x_test: Any = None,
    y_test: Any = None,
    x_val: Any = None,
    y_val: Any = None,
    class_names: Sequence[str] | None = None,
    *,
    test_share: float | None = None,
    seed: int = 0,
) -> Path:
    """Writes images and labels to a `.npz` that `distil init PATH` and configurations with `data.name = "npz"` read.

    Images are arrays, tensors or lists `[n, h, w]` (grey), `[n, h, w, c]` or `[n, c, h, w]` with one or three channels: uint8,
    other whole numbers from 0 to 255, or floats in [0, 1], which are rounded to the nearest of 256 levels. Labels are whole
    numbers `[n]` or `[n, 1]`, from 0 without gaps; `class_names` says what they stand for.

    A test part is needed, because a set is judged on images that nothing was chosen on. Without `x_test` and `y_test`,
    `test_share` of each class (default 0.2; at least one image) is taken out of the training part at random with `seed`, and
    the warning HeldOut says how many unless `test_share` was given. Without `x_val` and `y_val` the program
    itself holds out training images to choose the best set.

    The file is written whole or not at all. Returns its path. Raises ValueError, in one line, for what cannot be read.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"{fspath(path)} would not be known for a NumPy archive; give it a name that ends in .npz")
    if test_share is not None and x_test is not None:
        raise ValueError("there is a test part, so test_share would do nothing; leave one of both out")
    parts = {"train": _part("train", x_train, y_train)}
    for name, images, labels in (("test", x_test, y_test), ("val", x_val, y_val)):
        if (images is None) != (labels is None):
            given, missing = ("y", "x") if images is None else ("x", "y")
            raise ValueError(f"there is {given}_{name} without {missing}_{name}; give both, or neither")
        if images is not None:
            parts[name] = _part(name, images, labels)
    classes = _classes(parts, class_names)
    if "test" not in parts:
        parts["train"], parts["test"] = _held_out(
            *parts["train"], _TEST_SHARE if test_share is None else test_share, seed
        )
        if test_share is None:
            warnings.warn(_what_was_held_out(parts, seed), HeldOut, stacklevel=2)
    arrays = {f"{axis}_{name}": values for name, part in parts.items() for axis, values in zip("xy", part)}
    _write(path, {**arrays, "class_names": np.asarray(classes)})
    return path


_Part = tuple[np.ndarray, np.ndarray]


def _part(name: str, images: Any, labels: Any) -> _Part:
    images, labels = images_of(images, f"x_{name}"), labels_of(labels, f"y_{name}")
    if len(images) != len(labels):
        raise ValueError(
            f"x_{name} has {len(images)} images, and y_{name} {len(labels)} labels; give one label an image"
        )
    return images, labels


def _classes(parts: dict[str, _Part], names: Sequence[str] | None) -> list[str]:
    """Names of the classes; every one must have training images, and no part others, or images of another shape."""
    images, labels = parts["train"]
    count = int(labels.max()) + 1 if names is None else len(names)
    if count < 2:
        raise ValueError("there is one class, and a classifier needs two; add images of another class")
    missing = np.flatnonzero(np.bincount(labels, minlength=count)[:count] == 0)
    if missing.size:
        raise ValueError(
            f"class {missing[0]} has no training image; number classes from 0 without gaps, and name only those"
        )
    for name, (others, of_others) in parts.items():
        if of_others.max() >= count:
            raise ValueError(
                f"y_{name} has the label {of_others.max()}, and there are {count} classes, from 0; correct it"
            )
        if others.shape[1:] != images.shape[1:]:
            raise ValueError(
                f"x_{name} has images of shape {others.shape[1:]}, x_train of {images.shape[1:]}; make them equal"
            )
    if names is None:
        return [str(index) for index in range(count)]
    if len(set(map(str, names))) != count:
        raise ValueError("two classes have the same name; give each its own")
    return [str(name) for name in names]


def _held_out(images: np.ndarray, labels: np.ndarray, share: float, seed: int) -> tuple[_Part, _Part]:
    """Training and test part, in the order of the images."""
    if not 0 < share < 1:
        raise ValueError(f"test_share is {share}; give more than 0 and less than 1")
    generator = np.random.default_rng(seed)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if len(places) < 2:
            raise ValueError(
                f"class {label} has one image, which cannot be in both parts; give x_test and y_test, or more images"
            )
        count = min(max(1, round(share * len(places))), len(places) - 1)
        held[generator.permutation(places)[:count]] = True
    return (images[~held], labels[~held]), (images[held], labels[held])


def _what_was_held_out(parts: dict[str, _Part], seed: int) -> str:
    held, kept = len(parts["test"][1]), len(parts["train"][1])
    return (
        f"there is no test part: {held} of {held + kept} images, the same share of each class, were set aside as one "
        f"(seed {seed}); give x_test and y_test, or say test_share={_TEST_SHARE} to agree"
    )


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    descriptor, partial = tempfile.mkstemp(prefix=".distil-", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        # Those of a file that is simply opened, where mkstemp lets nobody else read.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(partial, 0o666 & ~mask)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
