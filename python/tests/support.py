"""What several tests need.

DISTIL_REQUIRE names what must be there (`torch`, `PIL`, `program`, `wheel`), so that nothing is skipped where it should run;
with `wheel` the installed package is tested, otherwise the one in this checkout.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

REQUIRED = set(os.environ.get("DISTIL_REQUIRE", "").replace(",", " ").split())
ROOT = Path(__file__).parents[2]
if "wheel" not in REQUIRED:
    sys.path.insert(0, str(ROOT / "python"))

PROGRAM = os.environ.get("DISTIL_BIN") or shutil.which("distil")
#: Of every command, so that a test takes one core and no accelerator.
ON_ONE_CORE = ("--device", "cpu", "--threads", "1", "--quiet")


def needs(name: str):
    """A decorator of tests that need `torch` or the `program`: skipped without it, unless DISTIL_REQUIRE names it."""
    there = PROGRAM is not None if name == "program" else importlib.util.find_spec(name) is not None
    missing = "no program: set DISTIL_BIN" if name == "program" else f"{name} is not installed"
    return unittest.skipUnless(there or name in REQUIRED, missing)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def refused(self, error: type[Exception], *words: str) -> Any:
        """Asserts that what follows raises an error of one line with all these words."""
        case = self

        class Refusal:
            def __enter__(self) -> None:
                pass

            def __exit__(self, kind: Any, raised: Any, _trace: Any) -> bool:
                case.assertIsNotNone(kind, f"nothing was refused; expected {words}")
                if not issubclass(kind, error):
                    return False
                message = str(raised)
                case.assertNotIn("\n", message)
                for word in words:
                    case.assertIn(word, message)
                return True

        return Refusal()


def container(kind: str, card: Any, tensors: dict[str, np.ndarray], checksum: str | None = None) -> bytes:
    """A file in the program's form, written here independently of the reader."""
    types = {"float32": "F32", "float64": "F64", "int64": "I64"}
    text = json.dumps(card, ensure_ascii=False)
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    digest = hashlib.sha256(json.dumps([kind, text], **compact).encode())
    header: dict[str, Any] = {}
    payload = b""
    for name, values in sorted(tensors.items(), key=lambda pair: pair[1].dtype == np.float32):
        kind_of_values, content = types[str(values.dtype)], values.tobytes()
        digest.update(json.dumps([name, kind_of_values, list(values.shape)], **compact).encode())
        digest.update(content)
        place = [len(payload), len(payload) + len(content)]
        header[name] = {"dtype": kind_of_values, "shape": list(values.shape), "data_offsets": place}
        payload += content
    header["__metadata__"] = {"kind": kind, "card": text, "sha256": checksum or digest.hexdigest()}
    head = json.dumps(header, **compact).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + payload


MEAN_STD = {"resize": None, "normalisation": {"kind": "mean-std", "mean": [0.25, 0.5, 0.75], "std": [0.5, 0.25, 0.125]}}


def card(**changes: Any) -> dict[str, Any]:
    """The card of a set of two classes."""
    return {
        "dataset": "clutter",
        "dataset_digest": "",
        "class_names": ["cat", "dög"],
        "preprocessing": MEAN_STD,
        "decoding": {"kind": "pixels"},
        "label_kind": "hard",
        "ipc": 2,
        "augmentation": "",
        "architecture": {"arch": "mlp", "channels": 3, "classes": 2, "height": 4, "image_width": 6, "hidden": []},
        "method": "dm",
        "iteration": 7,
        "seed": 0,
        "distil_version": "0.1.0",
        "command": "distil run",
        **changes,
    }


def tensors(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    """Those of a set of four images; None takes one out."""
    images = np.random.default_rng(0).normal(size=(4, 3, 4, 6)).astype(np.float32)
    all_of_them = {
        "images": images,
        "labels": np.array([0, 0, 1, 1]),
        "syn_lr": np.array([0.02], np.float32),
        **changes,
    }
    return {name: values for name, values in all_of_them.items() if values is not None}


SET, MODEL, FIT = "distil.synthetic.2", "distil.model.2", "distil.zca.1"


def write_set(
    path: Path, *, without_card: str | None = None, changed_card: dict[str, Any] | None = None, **changed: Any
) -> Path:
    """A set of two classes with changes to its card and tensors."""
    of_card = card(**(changed_card or {}))
    of_card.pop(without_card, None)
    path.write_bytes(container(SET, of_card, tensors(**changed)))
    return path


def read_foreign(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and float tensors of a safetensors file of another program."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    floats = {
        name: np.frombuffer(
            content[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], "<f4"
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }
    return metadata, floats
