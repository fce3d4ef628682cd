"""ResNet-18."""

from __future__ import annotations

from torch import Tensor, nn

from ._parts import STEMS, Network, moved, stem_for
from ._parts import norm as _norm


class _BasicBlock(nn.Module):
    def __init__(self, channels: int, width: int, stride: int, kind: str, sides: tuple[int, int]) -> None:
        super().__init__()
        self.sides = moved(sides, 3, stride, 1)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = _norm(kind, width, self.sides)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = _norm(kind, width, self.sides)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, _norm(kind, width, self.sides))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (out + self.downsample(x)).relu()


class ResNet18(Network):
    """A stem, four stages of two basic blocks with 1, 2, 4 and 8 times `base_width` channels, the mean over all pixels, and
    one linear layer, under torchvision's names of tensors.

    `stem` is "cifar" (3x3 convolution with stride 1), "tiny" (stride 2) or "imagenet" (7x7 with stride 2 and a max pool);
    without it, what the literature uses at this resolution. `stem="imagenet", norm="batch"` is torchvision's `resnet18`.
    Raises ValueError where the images are too small.
    """

    head = "fc"

    def __init__(
        self,
        channels: int,
        classes: int,
        height: int,
        image_width: int,
        *,
        base_width: int = 64,
        norm: str = "instance",
        stem: str | None = None,
    ) -> None:
        super().__init__()
        stem = stem_for(stem, height, image_width, "imagenet")
        kernel, stride, padding = (7, 2, 3) if stem == "imagenet" else (3, STEMS[stem], 1)
        sides = moved((height, image_width), kernel, stride, padding)
        self.conv1 = nn.Conv2d(channels, base_width, kernel, stride, padding, bias=False)
        self.bn1 = _norm(norm, base_width, sides)
        self.maxpool: nn.Module = nn.Identity()
        if stem == "imagenet":
            self.maxpool, sides = nn.MaxPool2d(3, 2, 1), moved(sides, 3, 2, 1)
        channels = base_width
        for stage in range(4):
            width = base_width << stage
            first = _BasicBlock(channels, width, 1 if stage == 0 else 2, norm, sides)
            second = _BasicBlock(width, width, 1, norm, first.sides)
            self.add_module(f"layer{stage + 1}", nn.Sequential(first, second))
            channels, sides = width, second.sides
        self.fc = nn.Linear(channels, classes)

    def body(self, images: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(images)).relu())
        for stage in range(4):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return x.mean((2, 3), keepdim=True)
