"""The ConvNet of the dataset-distillation literature."""

from __future__ import annotations

from torch import Tensor, nn

from ._parts import Network, moved, norm

_POOLS = {"avg": nn.AvgPool2d, "max": nn.MaxPool2d}


class _Block(nn.Module):
    def __init__(self, channels: int, width: int, padding: int, kind: str, pool: str, sides: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=padding)
        convolved = moved(sides, 3, 1, padding)
        self.norm = norm(kind, width, convolved)
        self.relu = nn.ReLU()
        self.pool = _POOLS[pool](2)
        self.sides = moved(convolved, 2, 2, 0)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.relu(self.norm(self.conv(x))))


class ConvNet(Network):
    """`depth` blocks of 3x3 convolution, norm, ReLU and 2x2 pool, then one linear layer.

    `width` is the channels of every convolution (published: 128). Without `depth` it is what the literature uses at this
    resolution: 3 below 64 pixels, 4 below 128, else 5. `pool` is "avg" or "max"; `norm` "instance", "batch", "group", "layer"
    or "none". With `pad28`, as published, a network of one channel pads its first convolution by 3, so that 28x28
    images are 32x32 inside. Raises ValueError where the images are too small.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        height: int,
        image_width: int,
        *,
        width: int = 128,
        depth: int | None = None,
        norm: str = "instance",
        pool: str = "avg",
        pad28: bool = True,
    ) -> None:
        super().__init__()
        if pool not in _POOLS:
            raise ValueError(f"there is no pool {pool!r}; use {', '.join(_POOLS)}")
        if depth is None:
            depth = 3 if max(height, image_width) < 64 else 4 if max(height, image_width) < 128 else 5
        sides, out, padding = (height, image_width), channels, 3 if pad28 and channels == 1 else 1
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            block = _Block(out, width, padding, norm, pool, sides)
            self.blocks.append(block)
            sides, out, padding = block.sides, width, 1
        self.classifier = nn.Linear(out * sides[0] * sides[1], classes)

    def body(self, images: Tensor) -> Tensor:
        for block in self.blocks:
            images = block(images)
        return images
