"""Networks of PyTorch compute what the program's compute."""

from __future__ import annotations

import csv
import io
import json
import shutil
import unittest
from pathlib import Path
from typing import Any

import numpy as np
from program_case import FOLLOW, WithProgram
from support import ON_ONE_CORE, needs

import distil


@needs("torch")
class Networks(WithProgram):
    def test_logits_are_the_programs(self) -> None:
        """DATM's first labels are the logits of an expert after its last epoch, in full precision."""
        for channels, side, model in (
            *(
                (3, 12, f'arch = "convnet"\nwidth = 8\ndepth = 2\nnorm = "{norm}"\npool = "{pool}"')
                for norm, pool in (
                    ("instance", "avg"),
                    ("batch", "avg"),
                    ("group", "max"),
                    ("layer", "avg"),
                    ("none", "max"),
                )
            ),
            (3, 13, 'arch = "convnet"\nwidth = 8\ndepth = 1'),
            (1, 28, 'arch = "convnet"\nwidth = 8\ndepth = 3'),
            (3, 16, 'arch = "resnet18"\nwidth = 4\nnorm = "batch"'),
            (3, 16, 'arch = "resnet18"\nwidth = 4'),
            (1, 28, 'arch = "vgg11"\nwidth = 4\nnorm = "batch"'),
            (1, 28, 'arch = "alexnet"\nwidth = 4'),
            (3, 12, 'arch = "mlp"\nhidden = [8, 6]'),
            (3, 12, 'arch = "sequence"\nwidth = 4'),
            (
                3,
                12,
                'arch = "layers"\nlayers = [{ type = "conv", out = 4, kernel = [3, 3], stride = [2, 2] }, { type = "batch_norm" },'
                ' { type = "gelu" }, { type = "skip", main = [{ type = "layer_norm" }, { type = "softplus" }] },'
                ' { type = "residual", main = [{ type = "conv", out = 6, kernel = [1, 1] }, { type = "group_norm", groups = 3 }],'
                ' shortcut = [{ type = "conv", out = 6, kernel = [3, 3], padding = [1, 1], groups = 2, bias = false }] },'
                ' { type = "avg_pool", window = [2, 2] }, { type = "linear", out = 2 }]',
            ),
        ):
            with self.subTest(model):
                self.data(side, side, channels)
                self.compare_logits(self.distilled("datm", distill=FOLLOW, model=model))

    def compare_logits(self, run: Path) -> None:
        import torch

        initial = distil.load(run, part="initial")
        (store,) = Path().rglob("store.json")
        network = distil.networks.build(initial.card["architecture"]).eval()
        missing, unexpected = network.load_state_dict(self.last_epoch(store), strict=False)
        self.assertEqual((unexpected, [name for name in missing if "num_batches" not in name]), ([], []))
        with torch.no_grad():
            found = network(torch.from_numpy(initial.images)).numpy()
        shutil.rmtree(store.parent)
        self.assertLessEqual(np.abs(found - initial.logits).max(), 1e-5 * np.abs(initial.logits).max())

    def last_epoch(self, store: Path) -> dict[str, Any]:
        """The state of the only expert."""
        import torch

        content = (store.parent / "expert-0000.safetensors").read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        entries, header = json.loads(content[8:start]), json.loads(store.read_text())["header"]
        state = {}
        for part, tensor in (("layout", "trajectory"), ("buffers", "buffers")):
            if not header.get(part):
                continue
            begin, end = entries[tensor]["data_offsets"]
            values, at = (
                np.frombuffer(content[start + begin : start + end], "<f4").reshape(entries[tensor]["shape"])[-1],
                0,
            )
            for name, shape in header[part]:
                size = int(np.prod(shape))
                state[name] = torch.tensor(values[at : at + size]).reshape(shape)
                at += size
        return state

    @needs("PIL")
    def test_a_model_says_what_the_program_says_of_pictures(self) -> None:
        import torch
        from PIL import Image

        self.data()
        run = self.distilled("dm")
        pictures = np.random.default_rng(1).integers(0, 256, (6, 20, 31, 3), np.uint8)
        Path("pictures").mkdir()
        for index, picture in enumerate(pictures):
            Image.fromarray(picture).save(f"pictures/{index}.png")
        for arch, norm in (("convnet", "instance"), ("convnet", "batch"), ("resnet18", "batch"), ("alexnet", None)):
            with self.subTest(arch=arch, norm=norm):
                norms = ("--norm", norm) if norm else ()
                distil.run(
                    "train",
                    run,
                    "--arch",
                    arch,
                    *norms,
                    "--width",
                    4,
                    "--epochs",
                    3,
                    "--out",
                    "m.safetensors",
                    *ON_ONE_CORE,
                    echo=False,
                )
                said = distil.run("predict", "m.safetensors", "pictures", *ON_ONE_CORE, echo=False).stdout
                rows = list(csv.DictReader(io.StringIO(said)))
                network = distil.networks.load("m.safetensors")
                prepare = distil.networks.transform(network)
                given = np.stack([prepare(Image.open(f"pictures/{index}.png")) for index in range(6)])
                with torch.no_grad():
                    found = network(torch.from_numpy(given)).softmax(1).numpy()
                expected = np.array([[float(row[name]) for name in ("dark", "bright")] for row in rows])
                # It prints four decimals.
                self.assertLessEqual(np.abs(found - expected).max(), 0.5e-4 + 1e-5)


if __name__ == "__main__":
    unittest.main()
