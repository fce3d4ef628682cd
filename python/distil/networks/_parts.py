"""What the networks have in common: norms, stems and sizes."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

#: Groups of a group norm, as the literature has it.
_GROUPS = 4
NORMS = ("instance", "batch", "group", "layer", "none")
#: The stride of the first layers.
STEMS = {"cifar": 1, "tiny": 2, "imagenet": 4}


def norm(kind: str, channels: int, sides: tuple[int, int]) -> nn.Module:
    """The normalisation of a map `[n, channels, *sides]`, with PyTorch's eps (1e-5). Raises ValueError for another kind.

    "instance" is a group norm of one group a channel, which does not depend on the batch; "batch" has running statistics.
    """
    if kind == "instance":
        if sides[0] * sides[1] == 1:
            raise ValueError("instance norm of one pixel leaves nothing; use larger images or norm='batch'")
        return nn.GroupNorm(channels, channels)
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        if channels % _GROUPS:
            raise ValueError(f"{channels} channels cannot be split into {_GROUPS} groups; use a multiple of {_GROUPS}")
        return nn.GroupNorm(_GROUPS, channels)
    if kind == "layer":
        return nn.LayerNorm([channels, *sides])
    if kind == "none":
        return nn.Identity()
    raise ValueError(f"there is no norm {kind!r}; use {', '.join(NORMS)}")


def moved(sides: tuple[int, int], kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """Sides of a map after a square window; the window must fit."""
    high, wide = ((side + 2 * padding - kernel) // stride + 1 for side in sides)
    if min(high, wide) < 1:
        raise ValueError("the layers shrink the images to nothing; use larger images or fewer pools")
    return high, wide


def stem_for(stem: str | None, height: int, width: int, largest: str) -> str:
    """The stem that was chosen, or what the literature uses at this resolution; `largest` at 128 pixels and more."""
    if stem is None:
        side = max(height, width)
        return "cifar" if side < 64 else "tiny" if side < 128 else largest
    if stem not in STEMS:
        raise ValueError(f"there is no stem {stem!r}; use {', '.join(STEMS)}")
    return stem


class Network(nn.Module):
    """A network; `body` gives the map before the last layer.

    `card` is what the program recorded of a trained one (classes, preprocessing, recipe, accuracy), else None.
    """

    card: dict[str, Any] | None = None
    #: The name of the last, linear layer.
    head = "classifier"

    def body(self, images: Tensor) -> Tensor:
        """The map that the last, linear layer sees, `[n, c, h, w]`."""
        raise NotImplementedError

    def embed(self, images: Tensor) -> Tensor:
        """Flattened features before the last layer, `[n, f]`."""
        return self.body(images).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `[n, classes]` of network input `[n, c, h, w]`."""
        return getattr(self, self.head)(self.embed(images))
