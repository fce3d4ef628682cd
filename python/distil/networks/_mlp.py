"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ._parts import Network


class Mlp(Network):
    """Linear layers on the flattened image with ReLU between them; `hidden` is the outputs of each hidden one. Without any it
    is a linear classifier."""

    def __init__(
        self, channels: int, classes: int, height: int, image_width: int, *, hidden: Sequence[int] = (128, 128)
    ) -> None:
        super().__init__()
        inputs = channels * height * image_width
        self._count = len(hidden) + 1
        self.head = f"fc_{self._count}"
        for place, outputs in enumerate([*hidden, classes], start=1):
            setattr(self, f"fc_{place}", nn.Linear(inputs, outputs))
            inputs = outputs

    def body(self, images: Tensor) -> Tensor:
        x = images.flatten(1)
        for place in range(1, self._count):
            x = getattr(self, f"fc_{place}")(x).relu()
        return x[:, :, None, None]
