"""AlexNet of the dataset-distillation literature."""

from __future__ import annotations

from torch import Tensor, nn

from ._parts import STEMS, Network, moved, stem_for


class AlexNet(Network):
    """Two 5x5 and three 3x3 convolutions with ReLU, three 2x2 max pools, and one linear layer on the flattened map; no norms.

    The convolutions have 2, 3, 4, 3 and 3 times `base_width` channels. A network of one channel pads its first convolution by
    4. `stem` is as in `Vgg11`. Raises ValueError where the images are too small.
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
        stem: str | None = None,
    ) -> None:
        super().__init__()
        stride = STEMS[stem_for(stem, height, image_width, "cifar")]
        layers, sides = list[nn.Module](), (height, image_width)
        # Times the base width, kernel, stride, padding, and whether a pool follows.
        for factor, kernel, move, padding, pooled in (
            (2, 5, stride, 4 if channels == 1 else 2, True),
            (3, 5, 1, 2, True),
            (4, 3, 1, 1, False),
            (3, 3, 1, 1, False),
            (3, 3, 1, 1, True),
        ):
            width = factor * base_width
            layers += [nn.Conv2d(channels, width, kernel, move, padding), nn.ReLU()]
            channels, sides = width, moved(sides, kernel, move, padding)
            if pooled:
                layers.append(nn.MaxPool2d(2))
                sides = moved(sides, 2, 2, 0)
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels * sides[0] * sides[1], classes)

    def body(self, images: Tensor) -> Tensor:
        return self.features(images)
