"""VGG-11 of the dataset-distillation literature."""

from __future__ import annotations

from torch import Tensor, nn

from ._parts import STEMS, Network, moved, stem_for
from ._parts import norm as _norm

#: Channels of each stage's convolutions, in units of the base width; every stage ends with a 2x2 max pool.
_STAGES = ((1,), (2,), (4, 4), (8, 8), (8, 8))


class Vgg11(Network):
    """Eight 3x3 convolutions with norm and ReLU in five stages, then one linear layer on the flattened map.

    A network of one channel pads its first convolution by 3. `stem` is "cifar", "tiny" or "imagenet" (stride 1, 2 or 4 of the
    first convolution); without it, 2 from 64 to 127 pixels, else 1. Raises ValueError where the images are too small.
    """

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
        stride = STEMS[stem_for(stem, height, image_width, "cifar")]
        padding = 3 if channels == 1 else 1
        sides, layers = (height, image_width), list[nn.Module]()
        for stage in _STAGES:
            for factor in stage:
                width = factor * base_width
                sides = moved(sides, 3, stride, padding)
                layers += [nn.Conv2d(channels, width, 3, stride, padding), _norm(norm, width, sides), nn.ReLU()]
                channels, stride, padding = width, 1, 1
            sides = moved(sides, 2, 2, 0)
            layers.append(nn.MaxPool2d(2))
        # Norms that are none are there as identities, because places count them.
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels * sides[0] * sides[1], classes)

    def body(self, images: Tensor) -> Tensor:
        return self.features(images)
