"""Networks compute, layer by layer, what the program's networks are held against in its own tests, and load what it trains."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
from support import ROOT, needs, read_foreign

import distil

#: What PyTorch computed in double precision; crates/distil-models/tests/pytorch.rs holds the program against the same files.
FIXTURES = ROOT / "crates" / "distil-models" / "tests" / "fixtures"


@needs("torch")
class LayerByLayer(unittest.TestCase):
    def check(self, name: str) -> int:
        """Compares all maps of a fixture, and returns how many there were."""
        import torch

        metadata, found = read_foreign(FIXTURES / f"{name}.safetensors")
        _, channels, height, width = found["input"].shape
        sizes: dict[str, Any] = {key: metadata[key] for key in ("arch", "norm", "stem") if key in metadata}
        sizes |= {"channels": channels, "height": height, "image_width": width, "classes": int(metadata["classes"])}
        network = distil.networks.build({**sizes, "base_width": int(metadata["base_width"])}).eval()
        prefix, hooks, seen = "state.", list[Any](), dict[str, Any]()
        state = {key[len(prefix) :]: torch.tensor(values) for key, values in found.items() if key.startswith(prefix)}
        missing, unexpected = network.load_state_dict(state, strict=False)
        self.assertEqual((unexpected, [key for key in missing if "num_batches" not in key]), ([], []))
        maps = [key[len("eval.") :] for key in found if key.startswith("eval.") and key != "eval.logits"]
        for layer in maps:
            keep = lambda _module, _input, out, layer=layer: seen.update({layer: out})  # noqa: E731
            hooks.append(self.module(network, layer).register_forward_hook(keep))
        with torch.no_grad():
            self.close(network(torch.tensor(found["input"])), found["eval.logits"], f"{name}: logits")
            for hook in hooks:
                hook.remove()
            for layer in maps:
                self.close(seen[layer], found[f"eval.{layer}"], f"{name}: {layer}")
            self.close(
                network.train()(torch.tensor(found["input"])), found["train.logits"], f"{name}: logits in training"
            )
        for key, values in found.items():
            if key.startswith("train.buffer."):
                self.close(network.state_dict()[key[len("train.buffer.") :]], values, f"{name}: {key}")
        return len(maps)

    def test_resnet18_of_the_literature(self) -> None:
        self.assertEqual(self.check("resnet18-cifar-instance"), 4)

    def test_resnet18_of_torchvision(self) -> None:
        self.assertEqual(self.check("resnet18-imagenet-batch"), 4)

    def test_vgg11(self) -> None:
        self.assertEqual(self.check("vgg11-cifar-batch"), 8)

    def test_alexnet(self) -> None:
        self.assertEqual(self.check("alexnet-tiny"), 5)

    def module(self, network: Any, layer: str) -> Any:
        """The module whose output is the map of that name: a convolution's map is that after its norm and ReLU."""
        import torch

        if not layer.startswith("features."):
            return network.get_submodule(layer)
        after = list(network.features)[int(layer.split(".")[1]) :]
        return next(module for module in after if isinstance(module, torch.nn.ReLU))

    def close(self, given: Any, expected: np.ndarray, what: str) -> None:
        off = np.abs(given.detach().numpy() - expected).max() / max(np.abs(expected).max(), 1e-12)
        self.assertLessEqual(off, 1e-5, what)


if __name__ == "__main__":
    unittest.main()
