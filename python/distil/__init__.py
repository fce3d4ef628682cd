"""Distilled training sets in Python: read them, train on them, make them from arrays.

    import distil

    data = distil.load("runs/photos")                    # or a .safetensors file
    images, targets, syn_lr = data.torch()               # tensors that a network trains on
    prepare = data.transform()                           # what test pictures need

    distil.save_dataset("mine.npz", x, y)                # arrays to a file that the program reads
    distil.run("init", "mine.npz")                       # the program itself
    network = distil.networks.load("model.safetensors")  # a network of `distil train` as a module of PyTorch

Only NumPy is needed; `torch()`, `dataset()` and `distil.networks` need PyTorch, and import it when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import Failed, NoProgram, NotAModel, NotASet, NotAZcaFit, NotOurs
from ._load import load
from ._program import run
from ._save import HeldOut, save_dataset
from ._set import SyntheticSet, Training
from ._transform import Transform
from ._version import installed

if TYPE_CHECKING:
    from . import networks

__version__ = installed()
__all__ = [
    "Failed",
    "HeldOut",
    "NoProgram",
    "NotAModel",
    "NotASet",
    "NotAZcaFit",
    "NotOurs",
    "SyntheticSet",
    "Training",
    "Transform",
    "load",
    "networks",
    "run",
    "save_dataset",
]


def __getattr__(name: str) -> Any:
    # Networks need PyTorch, which nothing else here does.
    if name == "networks":
        from importlib import import_module

        return import_module(".networks", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
