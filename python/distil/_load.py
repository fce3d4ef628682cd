"""Finding and checking a synthetic set."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from . import _decoding
from ._container import Container, Form, read
from ._errors import NotASet
from ._set import SyntheticSet

_SET = Form(
    "distil.synthetic.2",
    "a synthetic set",
    "give a set that `distil run` saved, or a run folder",
    "restore it from a copy or from an earlier file of the run's `synthetic` folder",
    NotASet,
)
_PARTS = ("best", "last", "ema", "initial")


def load(path: str | PathLike[str], part: str | None = None) -> SyntheticSet:
    """A synthetic set.

    `path` is its file (`.safetensors`), or a run folder. Of a run folder, `part` is "best" (chosen on validation images),
    "last", "ema" (moving average) or "initial"; without it the best set is read, or else the last one, as by
    `distil export`. `path` of the result says which file that was.

    Raises NotASet, whose message is one line, for a file that is something else, of another version, or damaged: its
    checksum is compared.
    """
    place = Path(path)
    if place.is_dir():
        return _of(read(_of_run(place, part), _SET))
    if part is not None and place.is_file():
        raise ValueError(f"{fspath(path)} is no run folder, and only those have parts; leave part={part!r} out")
    return _of(read(place, _SET))


def _of_run(folder: Path, part: str | None) -> Path:
    if part is not None and part not in _PARTS:
        raise ValueError(f"there is no part {part!r}; use {', '.join(_PARTS)}")
    sets = folder / "synthetic"
    if not sets.is_dir():
        raise NotASet(folder, "is no run folder: it has no folder `synthetic`", _SET.origin)
    wanted = [part] if part else ["best", "last"]
    for name in wanted:
        if (sets / f"{name}.safetensors").is_file():
            return sets / f"{name}.safetensors"
    there = sorted(file.stem for file in sets.glob("*.safetensors"))
    found = f"it has {', '.join(there)}" if there else "it has none yet"
    raise NotASet(folder, f"has no {' or '.join(wanted)} set ({found})", "wait until `distil run` has saved one")


def _of(file: Container) -> SyntheticSet:
    card = _card(file)
    images = file.tensor("images", "<f4")
    step = file.tensor("syn_lr", "<f4")
    if images.ndim != 4 or images.size == 0:
        raise file.damaged(f"its images have shape {list(images.shape)}, not [n, c, h, w]")
    if step.size != 1 or not (np.isfinite(step).all() and step.item() > 0):
        raise file.damaged("its step size syn_lr is not one positive number")
    labels, logits = _labels(file, card, len(images))
    if not np.isfinite(images).all():
        raise file.damaged("it has pixels that are not finite")
    found = SyntheticSet(file.path, images.astype(np.float32), labels, logits, float(step.item()), card)
    _check_decoding(file, card, images.shape)
    _check_made_for(file, found)
    return found


def _card(file: Container) -> dict[str, Any]:
    card = file.card
    if not isinstance(card, dict):
        raise file.damaged("its card is not a table")
    wanted: dict[str, type] = {"dataset": str, "class_names": list, "preprocessing": dict, "method": str, "ipc": int}
    for name, kind in wanted.items():
        if not isinstance(card.get(name), kind) or not card[name]:
            raise file.damaged(f"its card has no {name}")
    if "kind" not in (card["preprocessing"].get("normalisation") or {}):
        raise file.damaged("its card does not say how pixels were normalised")
    return card


def _labels(file: Container, card: dict[str, Any], images: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    kind, classes = card.get("label_kind"), len(card["class_names"])
    if kind == "hard":
        labels = file.tensor("labels", "<i8").astype(np.int64)
        if labels.shape != (images,) or labels.min() < 0 or labels.max() >= classes:
            raise file.damaged(f"its labels are not one of {classes} classes for each of {images} images")
        return labels, None
    if kind == "soft":
        logits = file.tensor("label_logits", "<f4").astype(np.float32)
        if logits.shape != (images, classes) or not np.isfinite(logits).all():
            raise file.damaged(f"its logits are not {classes} finite numbers for each of {images} images")
        return None, logits
    raise file.damaged(f"its labels are of the kind {kind!r}")


def _check_decoding(file: Container, card: dict[str, Any], shape: tuple[int, ...]) -> None:
    try:
        tiles = _decoding.factor(card.get("decoding") or {})
    except ValueError as error:
        raise NotASet(file.path, str(error), "install the version of distil that made the set") from None
    if tiles > min(shape[2:]):
        raise file.damaged(f"{shape[2]}x{shape[3]} images cannot be cut into {tiles} tiles a side")


def _check_made_for(file: Container, found: SyntheticSet) -> None:
    listed = found.card.get("image_classes")
    if listed is not None and (
        found.kind == "hard" or len(listed) != len(found) or not set(listed) <= set(range(len(found.classes)))
    ):
        raise file.damaged("the classes of images on its card do not fit its images")
