"""Reading the program's binary files: safetensors whose metadata hold `kind`, `card` (JSON) and `sha256` over all of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from ._content import what_it_is
from ._errors import NotOurs

#: Bytes of the little-endian length that a file begins with.
_LENGTH = 8
#: The longest header that safetensors files may have.
_LONGEST_HEADER = 100_000_000
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}


@dataclass(frozen=True)
class Form:
    """What a file should be: its kind with the version of the form, in words, what to do instead, and the error to raise."""

    kind: str
    expected: str
    origin: str
    remedy: str
    error: type[NotOurs]


@dataclass(frozen=True)
class Container:
    """A file that was read, and whose checksum is right."""

    path: str
    form: Form
    card: Any
    tensors: dict[str, np.ndarray]

    def damaged(self, what: str) -> NotOurs:
        """An error about its content."""
        return _damaged(self.path, self.form, what)

    def tensor(self, name: str, dtype: str) -> np.ndarray:
        """The tensor of that name and NumPy type ("<f4"); it cannot be written to.

        Raises the form's error when there is none."""
        if name not in self.tensors:
            raise self.damaged(f"it has no tensor `{name}`")
        tensor = self.tensors[name]
        if tensor.dtype != np.dtype(dtype):
            raise self.damaged(f"its tensor `{name}` is {tensor.dtype}, not {np.dtype(dtype)}")
        return tensor


def read(path: str | PathLike[str], form: Form) -> Container:
    """The file at `path`. Raises `form.error` when it is something else, of another version, or damaged."""
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise form.error(path, what, form.origin)
    with file.open("rb") as stream:
        begins = stream.read(_LENGTH + 1)
    length = int.from_bytes(begins[:_LENGTH], "little")
    if len(begins) <= _LENGTH or begins[_LENGTH:] != b"{" or length > _LONGEST_HEADER:
        what, remedy = what_it_is(file, form.origin)
        raise form.error(path, f"{what}, not {form.expected}", remedy)
    return _parse(fspath(path), form, file.read_bytes(), length)


def _damaged(path: str, form: Form, what: str) -> NotOurs:
    return form.error(path, f"is damaged: {what}", form.remedy)


def _parse(path: str, form: Form, content: bytes, length: int) -> Container:
    if _LENGTH + length > len(content):
        raise _damaged(path, form, "it is cut off in its header")
    try:
        header = json.loads(content[_LENGTH : _LENGTH + length])
    except ValueError:
        raise _damaged(path, form, "its header is not JSON") from None
    metadata = header.pop("__metadata__", None) if isinstance(header, dict) else None
    kind, card, checksum = (
        metadata.get(key) if isinstance(metadata, dict) else None for key in ("kind", "card", "sha256")
    )
    if not isinstance(kind, str) or not isinstance(card, str):
        raise form.error(path, f"is a safetensors file of another program, not {form.expected}", form.origin)
    if kind != form.kind:
        raise form.error(path, _other_kind(kind, form), form.origin)
    placed = _places(path, form, header, len(content) - _LENGTH - length)
    payload = memoryview(content)[_LENGTH + length :]
    if _digest(kind, card, placed, payload) != checksum:
        raise _damaged(path, form, "its content does not match its checksum")
    try:
        card = json.loads(card)
    except ValueError:
        raise _damaged(path, form, "its card is not JSON") from None
    tensors = {
        name: np.frombuffer(payload[begin:end], _TYPES[dtype]).reshape(shape)
        for name, dtype, shape, begin, end in placed
    }
    return Container(path, form, card, tensors)


def _other_kind(kind: str, form: Form) -> str:
    if kind.rpartition(".")[0] == form.kind.rpartition(".")[0]:
        return f"is {form.expected} of another version (`{kind}`, and `{form.kind}` is read)"
    return f"is a file of kind `{kind}`, not {form.expected}"


_Place = tuple[str, str, list[int], int, int]


def _places(path: str, form: Form, header: dict[str, Any], size: int) -> list[_Place]:
    """Name, type, shape, begin and end of every tensor, in the order of the payload, which they must fill without gaps."""
    placed = [_place(path, form, name, entry) for name, entry in header.items()]
    placed.sort(key=lambda place: (place[3], place[0]))
    at = 0
    for name, dtype, shape, begin, end in placed:
        if begin != at or end - begin != _size(shape, dtype):
            raise _damaged(path, form, f"its tensor `{name}` is not where its header says")
        at = end
    if at != size:
        raise _damaged(path, form, f"its tensors take {at} bytes, and {size} follow the header")
    return placed


def _place(path: str, form: Form, name: str, entry: Any) -> _Place:
    entry = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not (_naturals(shape) and _naturals(offsets) and len(offsets) == 2):
        raise _damaged(path, form, f"its header does not say what the tensor `{name}` is")
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise _damaged(path, form, f"its tensor `{name}` is of type {dtype}")
    return name, dtype, shape, offsets[0], offsets[1]


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _size(shape: list[int], dtype: str) -> int:
    """In Python's integers, which do not overflow."""
    size = _TYPES[dtype].itemsize
    for side in shape:
        size *= side
    return size


def _digest(kind: str, card: str, placed: list[_Place], payload: memoryview) -> str:
    def text(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    digest = hashlib.sha256(text([kind, card]))
    for name, dtype, shape, begin, end in placed:
        digest.update(text([name, dtype, shape]))
        digest.update(payload[begin:end])
    return digest.hexdigest()
