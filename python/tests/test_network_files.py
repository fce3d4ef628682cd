"""Networks are built from cards and loaded from files, and other files are refused."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import numpy as np
from support import MEAN_STD, MODEL, SET, Case, card, container, needs, read_foreign, tensors

import distil

CONVNET = {
    "arch": "convnet",
    "channels": 3,
    "classes": 2,
    "height": 8,
    "image_width": 12,
    "width": 4,
    "depth": 2,
    "norm": "batch",
    "pool": "max",
    "pad28": True,
}


@needs("torch")
class Build(Case):
    def test_parameter_counts_are_the_published_ones(self) -> None:
        def count(*sizes: int, **others: Any) -> int:
            return sum(tensor.numel() for tensor in distil.networks.ConvNet(*sizes, **others).parameters())

        self.assertEqual(
            [count(3, 10, 32, 32), count(3, 200, 64, 64), count(3, 10, 128, 128)], [320_010, 857_160, 615_690]
        )
        self.assertEqual(count(3, 200, 64, 64, depth=3), 1_938_120)
        self.assertEqual(distil.networks.ConvNet(1, 10, 28, 28).classifier.in_features, 2048)

    def test_a_list_of_layers(self) -> None:
        import torch

        convolution = {"type": "conv", "out": 4, "kernel": [3, 3], "padding": [1, 1]}
        layers = [
            convolution,
            {"type": "batch_norm"},
            {"type": "relu"},
            {"type": "max_pool", "window": [2, 2]},
            {"type": "residual", "main": [convolution, {"type": "group_norm", "groups": 2}]},
            {"type": "skip", "main": [{"type": "layer_norm"}, {"type": "gelu"}]},
            {"type": "global_avg_pool"},
            {"type": "linear", "out": 5},
        ]
        network = distil.networks.LayerList(3, 8, 6, layers=layers)
        self.assertEqual(network.layers[1].running_mean.tolist(), [0] * 4, "a look at the shapes leaves no trace")
        self.assertEqual((network.training, network.layers[1].training), (True, True))
        self.assertEqual(network(torch.rand(2, 3, 8, 6)).shape, (2, 5))
        names = {
            "layers.0.weight",
            "layers.1.running_mean",
            "layers.4.main.1.bias",
            "layers.5.main.0.weight",
            "layers.7.weight",
        }
        self.assertLessEqual(names, set(network.state_dict()))
        with self.refused(ValueError, "last layer must be linear"):
            distil.networks.LayerList(3, 8, 6, layers=layers[:-1])
        with self.refused(ValueError, "layer 0 (conv) does not work on a map of [3, 1, 1]"):
            distil.networks.LayerList(3, 1, 1, layers=[{**convolution, "padding": [0, 0]}, *layers[1:]])
        with self.refused(ValueError, "no layer of type 'lstm'"):
            distil.networks.LayerList(3, 8, 6, layers=[{"type": "lstm"}, layers[-1]])

    def test_what_cannot_be_built_is_refused(self) -> None:
        for words, change in (
            ("'efficientnet-lite' is not in distil.networks", {"arch": "efficientnet-lite"}),
            ("no norm 'weight'", {"norm": "weight"}),
            ("no pool 'sum'", {"pool": "sum"}),
            ("to nothing", {"depth": 4}),
            ("does not know its sizes", {"dropout": 0.5}),
            ("a multiple of 4", {"width": 6, "norm": "group"}),
        ):
            with self.subTest(words), self.refused(ValueError, words):
                distil.networks.build({**CONVNET, **change})


@needs("torch")
class Load(Case):
    def write(self, card_changes: dict[str, Any] | None = None, **changes: np.ndarray | None) -> Path:
        network = distil.networks.build(CONVNET)
        generator = np.random.default_rng(0)
        state = {
            name: generator.random(tensor.shape).astype(np.float32)
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        card_of_it = {
            "architecture": CONVNET,
            "class_names": ["a", "b"],
            "preprocessing": MEAN_STD,
            **(card_changes or {}),
        }
        path = self.folder / "m.safetensors"
        path.write_bytes(
            container(MODEL, card_of_it, {name: v for name, v in {**state, **changes}.items() if v is not None})
        )
        return path

    def test_a_model_is_ready_to_be_used(self) -> None:
        import torch

        network = distil.networks.load(self.write())
        self.assertEqual((network.training, network.card["class_names"]), (False, ["a", "b"]))
        _, found = read_foreign(self.folder / "m.safetensors")
        np.testing.assert_array_equal(network.blocks[1].norm.running_var, found["blocks.1.norm.running_var"])
        picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
        given = distil.networks.transform(network)(picture)
        self.assertEqual((given.shape, network(torch.from_numpy(given)[None]).shape), ((3, 8, 12), (1, 2)))

    def test_training_goes_on(self) -> None:
        import torch

        network = distil.networks.load(self.write()).train()
        images, targets = torch.randn(4, 3, 8, 12), torch.tensor([0, 1, 0, 1])
        before = torch.nn.functional.cross_entropy(network(images), targets)
        before.backward()
        torch.optim.SGD(network.parameters(), lr=1e-4).step()
        self.assertLess(torch.nn.functional.cross_entropy(network(images), targets).item(), before.item())

    def test_other_files_are_refused(self) -> None:
        for words, path in (
            ("lacks the tensor `classifier.bias`", lambda: self.write(**{"classifier.bias": None})),
            ("has the tensor `more`", lambda: self.write(more=np.zeros(1, np.float32))),
            ("has shape [3]", lambda: self.write(**{"classifier.bias": np.zeros(3, np.float32)})),
            ("no class_names", lambda: self.write({"class_names": []})),
            ("`distil.synthetic.2`, not a trained model", self.a_set),
        ):
            with self.subTest(words), self.refused(distil.NotAModel, words):
                distil.networks.load(path())
        with self.refused(ValueError, "`distil predict` runs the others"):
            distil.networks.load(self.write({"architecture": {"arch": "efficientnet-lite"}}))
        with self.refused(ValueError, "not loaded"):
            distil.networks.transform(distil.networks.build(CONVNET))

    def a_set(self) -> Path:
        (self.folder / "s").write_bytes(container(SET, card(), tensors()))
        return self.folder / "s"


if __name__ == "__main__":
    unittest.main()
