"""Networks from a list of layers, as `[model] layers` of a configuration has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._parts import Network

_PLAIN: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "flatten": nn.Flatten,
    "global_avg_pool": lambda: nn.AdaptiveAvgPool2d(1),
}
_POOLS = {"avg_pool": nn.AvgPool2d, "max_pool": nn.MaxPool2d}


class _Linear(nn.Linear):
    """Flattens its input by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class _Residual(nn.Module):
    """ReLU of the sum of two branches; an empty shortcut is the input itself."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return (self.main(x) + self.shortcut(x)).relu()


class _Skip(nn.Module):
    """The sum of the input and what the layers make of it."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x) + x


class LayerList(Network):
    """A network of one's own: dictionaries with `type` and the keys that docs/networks.md lists, the last one linear.

    Raises ValueError for a type that is not known, or layers that do not fit each other.
    """

    def __init__(self, channels: int, height: int, image_width: int, *, layers: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        if not layers or layers[-1].get("type") != "linear":
            raise ValueError("the last layer must be linear, with an output a class")
        # Shapes are found by a look at one image.
        self.layers, _ = _chain(layers, torch.zeros(1, channels, height, image_width))

    def body(self, images: Tensor) -> Tensor:
        return self.layers[:-1](images)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `[n, classes]` of network input `[n, c, h, w]`."""
        return self.layers(images)


def _chain(layers: Sequence[dict[str, Any]], x: Tensor) -> tuple[nn.Sequential, Tensor]:
    """The layers, and the map that the last one makes of the map `x` of one image."""
    built = list[nn.Module]()
    for place, layer in enumerate(layers):
        try:
            built.append(_layer(dict(layer), x).eval())
            with torch.no_grad():
                x = built[-1](x)
        except (RuntimeError, KeyError, TypeError) as error:
            raise ValueError(
                f"layer {place} ({layer.get('type')}) does not work on a map of {list(x.shape[1:])}: {error}"
            ) from None
        built[-1].train()
    return nn.Sequential(*built), x


def _layer(layer: dict[str, Any], x: Tensor) -> nn.Module:
    kind, channels = layer.pop("type"), x.shape[1]
    if kind in _PLAIN:
        return _PLAIN[kind]()
    if kind == "conv":
        stride, padding = (tuple(layer.get(key, default)) for key, default in (("stride", (1, 1)), ("padding", (0, 0))))
        return nn.Conv2d(
            channels,
            layer["out"],
            tuple(layer["kernel"]),
            stride,
            padding,
            groups=layer.get("groups", 1),
            bias=layer.get("bias", True),
        )
    if kind in _POOLS:
        window = tuple(layer["window"])
        return _POOLS[kind](window, tuple(layer.get("stride") or window), tuple(layer.get("padding", (0, 0))))
    if kind == "linear":
        return _Linear(x.flatten(1).shape[1], layer["out"], bias=layer.get("bias", True))
    if kind == "batch_norm":
        return nn.BatchNorm2d(channels)
    if kind in ("instance_norm", "group_norm"):
        return nn.GroupNorm(channels if kind == "instance_norm" else layer["groups"], channels)
    if kind == "layer_norm":
        return nn.LayerNorm(list(x.shape[1:]))
    if kind == "skip":
        return _Skip(_chain(layer["main"], x)[0])
    if kind == "residual":
        return _Residual(_chain(layer["main"], x)[0], _chain(layer.get("shortcut", []), x)[0])
    raise ValueError(f"there is no layer of type {kind!r} in this version of distil; install a newer one")
