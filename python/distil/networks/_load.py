"""Networks that `distil train` trained."""

from __future__ import annotations

from os import PathLike

import torch

from .._container import Container, Form, read
from .._errors import NotAModel
from .._transform import Transform
from ._build import build
from ._parts import Network

_MODEL = Form(
    "distil.model.2",
    "a trained model",
    "give a file that `distil train --out` wrote",
    "restore it from a copy or train it again with `distil train`",
    NotAModel,
)
#: PyTorch counts the batches that running statistics saw; the program does not, and nothing is computed from it.
_COUNTER = "num_batches_tracked"


def load(path: str | PathLike[str]) -> Network:
    """The network in a file of `distil train`, in evaluation mode: batch norms use their running statistics.

    `card` is what is recorded of it (class names, preprocessing, recipe, accuracy), and `transform(network)` of this module
    makes its input. `network.train()` goes on with its training.

    Raises NotAModel, whose message is one line, for a file that is something else or damaged, and ValueError for an
    architecture that PyTorch's side does not have.
    """
    file = read(path, _MODEL)
    for name in ("architecture", "class_names", "preprocessing"):
        if not isinstance(file.card, dict) or not file.card.get(name):
            raise file.damaged(f"its card has no {name}")
    network = build(file.card["architecture"])
    _fill(network, file)
    network.card = file.card
    return network.eval()


def _fill(network: Network, file: Container) -> None:
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(_COUNTER)}
    for name in sorted(wanted.keys() ^ file.tensors.keys()):
        raise file.damaged(f"it {'lacks' if name in wanted else 'has'} the tensor `{name}`, against its architecture")
    for name, tensor in wanted.items():
        found = torch.from_numpy(file.tensor(name, "<f4").copy())
        if found.shape != tensor.shape:
            raise file.damaged(
                f"its tensor `{name}` has shape {list(found.shape)}, its architecture {list(tensor.shape)}"
            )
        tensor.copy_(found)


def transform(network: Network, zca: str | PathLike[str] | None = None) -> Transform:
    """What makes input of pictures for a network that `load` read; see `distil.Transform`."""
    if network.card is None:
        raise ValueError("this network was not loaded, so that nothing says how its pictures are prepared")
    card = network.card
    shape = tuple(card["architecture"][key] for key in ("channels", "height", "image_width"))
    return Transform(card["preprocessing"], shape, zca)
