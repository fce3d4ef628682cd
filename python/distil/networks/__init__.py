"""The program's networks as modules of PyTorch, with its names of tensors.

`load` reads what `distil train` wrote; the classes build untrained ones, so that what was distilled here can be trained on
in PyTorch with the network it was made for. `ConvNet` and `ResNet18` are those of the distillation literature.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("distil.networks needs PyTorch; pip install torch") from error

from ._alexnet import AlexNet
from ._build import build
from ._convnet import ConvNet
from ._layers import LayerList
from ._load import load, transform
from ._mlp import Mlp
from ._resnet import ResNet18
from ._sequence import Sequence
from ._vgg import Vgg11

__all__ = ["AlexNet", "ConvNet", "LayerList", "Mlp", "ResNet18", "Sequence", "Vgg11", "build", "load", "transform"]
