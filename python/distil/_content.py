"""What a file is that is not what was asked for, told by its first bytes: names say little."""

from __future__ import annotations

import json
from pathlib import Path

#: As many bytes as tell the forms apart.
_HEAD = 512
_MARKS: list[tuple[bytes, str, str]] = [
    (b"\x93NUMPY", "one array of NumPy (.npy)", "numpy.load opens it"),
    (
        b"PK\x03\x04",
        "a zip archive (.npz of NumPy, or a file of torch.save)",
        "numpy.load opens what `distil export --to npz` wrote, and `distil import` takes sets of torch.save",
    ),
    *(
        (b"\x80" + bytes([protocol]), "a pickle", "`distil import` takes sets that other programs saved")
        for protocol in range(2, 6)
    ),
    (b"\x89PNG", "a picture", "give the set it was drawn from"),
    (b"\xff\xd8\xff", "a picture", "give the set it was drawn from"),
    (b"GIF8", "a picture", "give the set it was drawn from"),
    (b"\x89HDF", "an HDF5 file", "save its arrays with distil.save_dataset"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "fetch it with `git lfs pull`"),
    (b"<", "a web page", "download the file itself"),
]


def what_it_is(path: Path, remedy: str) -> tuple[str, str]:
    """What is at `path` instead, as "it is …", and what to do; `remedy` where nothing better is known."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})", "check its name and permissions"
    if not head:
        return "is empty", "restore it from a copy, or make it again"
    for mark, what, better in _MARKS:
        if head.lstrip().startswith(mark) if mark == b"<" else head.startswith(mark):
            return f"is {what}", better
    if _is_text(head):
        return f"is {_kind_of_text(path, head)}", remedy
    return "is not a file of distil", remedy


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        # A character may be cut at the end of the head.
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\r\n\t" for character in text)


def _kind_of_text(path: Path, head: bytes) -> str:
    if path.suffix == ".toml":
        return "a configuration (TOML)"
    if head.lstrip().startswith((b"{", b"[")):
        return "JSON" if _parses(path) else "text"
    return "text"


def _parses(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False
    return True
