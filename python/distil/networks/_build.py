"""From an architecture on a card to the network."""

from __future__ import annotations

from typing import Any

from ._alexnet import AlexNet
from ._convnet import ConvNet
from ._layers import LayerList
from ._mlp import Mlp
from ._parts import Network
from ._resnet import ResNet18
from ._sequence import Sequence
from ._vgg import Vgg11

_NETWORKS: dict[str, type[Network]] = {
    "convnet": ConvNet,
    "resnet18": ResNet18,
    "vgg11": Vgg11,
    "alexnet": AlexNet,
    "mlp": Mlp,
    "sequence": Sequence,
    "layers": LayerList,
}


def build(architecture: dict[str, Any]) -> Network:
    """An untrained network of an architecture, as cards record it: `build(distil.load(path).card["architecture"])` is the
    one that a set was distilled with.

    Initial weights are PyTorch's, which the program's are, too. Raises ValueError for an architecture that is not there.
    """
    sizes = dict(architecture)
    name = sizes.pop("arch", None)
    if name not in _NETWORKS:
        raise ValueError(
            f"the architecture {name!r} is not in distil.networks, which has {', '.join(_NETWORKS)}; "
            "`distil predict` runs the others"
        )
    try:
        return _NETWORKS[name](**sizes)
    except TypeError as error:
        raise ValueError(
            f"{name} of this version of distil does not know its sizes ({error}); install a newer one"
        ) from None
