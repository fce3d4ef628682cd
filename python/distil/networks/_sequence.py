"""The ConvNet along one axis."""

from __future__ import annotations

from torch import Tensor, nn

from ._parts import Network, norm


class _Block(nn.Module):
    def __init__(self, channels: int, width: int, kind: str, rows: int, length: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, (1, 3), padding=(0, 1))
        self.norm = norm(kind, width, (rows, length))
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d((1, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.relu(self.norm(self.conv(x))))


class Sequence(Network):
    """For series `[n, c, 1, L]`: `depth` blocks of 1x3 convolution, norm, ReLU and 1x2 average pool, then one linear layer.

    Rows (`height`, 1 for series) do not see each other before the linear layer. Without `depth` it is 3, or less where the
    series is too short for it. Raises ValueError where `depth` halves the series to nothing.
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
    ) -> None:
        super().__init__()
        most = max(image_width, 1).bit_length() - 1
        depth = min(most, 3) if depth is None else depth
        if depth > most:
            raise ValueError(f"a depth of {depth} halves {image_width} steps to nothing; use at most {most}")
        self.blocks = nn.ModuleList()
        for block in range(depth):
            self.blocks.append(_Block(width if block else channels, width, norm, height, image_width >> block))
        self.classifier = nn.Linear((width if depth else channels) * height * (image_width >> depth), classes)

    def body(self, images: Tensor) -> Tensor:
        for block in self.blocks:
            images = block(images)
        return images
