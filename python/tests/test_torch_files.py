"""What `distil export --to pt` writes, PyTorch reads, also where it may run nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from program_case import FOLLOW, WithProgram
from support import ON_ONE_CORE, needs

import distil


def trajectory(store: Path) -> np.ndarray:
    """The parameters of an expert, [snapshots, P]: a safetensors file, read without this package."""
    content = (store / "expert-0000.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    entry = json.loads(content[8 : 8 + length])["trajectory"]
    start, end = entry["data_offsets"]
    return np.frombuffer(content[8 + length :][start:end], np.float32).reshape(entry["shape"])


@needs("torch")
class TorchFiles(WithProgram):
    def read(self, path: Path):
        import torch

        return torch.load(path, weights_only=True, mmap=True)

    def exported(self, subject: Path, out: str) -> Path:
        distil.run("export", subject, "--to", "pt", "--out", out, "--quiet", echo=False)
        return Path(out)

    def compare(self, run: Path) -> None:
        import torch

        loaded, folder = distil.load(run), self.exported(run, "pt")
        images, labels, lr = (self.read(folder / f"{name}_best.pt") for name in ("images", "labels", "lr"))
        decoded = loaded.decoded()
        np.testing.assert_array_equal(images.numpy(), decoded.images)
        expected = decoded.labels if loaded.kind == "hard" else decoded.logits
        np.testing.assert_array_equal(labels.numpy(), expected)
        self.assertEqual(labels.dtype, torch.int64 if loaded.kind == "hard" else torch.float32)
        self.assertEqual((lr.shape, lr.dtype, lr.item()), (torch.Size([]), torch.float32, np.float32(loaded.syn_lr)))

    def test_hard_labels(self) -> None:
        self.data()
        self.compare(self.distilled("dm"))

    def test_soft_labels(self) -> None:
        self.data()
        self.compare(self.distilled("datm", distill=FOLLOW))

    def test_tiles_are_cut_and_enlarged(self) -> None:
        self.data()
        self.compare(self.distilled("dm", distill='decoding = { kind = "tiles", factor = 2 }'))

    def test_experts(self) -> None:
        self.data()
        self.distilled("datm", distill=FOLLOW)
        store = next(Path("runs/experts").iterdir())
        buffer = self.read(self.exported(store, "experts") / "replay_buffer_0.pt")
        there = trajectory(store)
        self.assertEqual((len(buffer), len(buffer[0])), (1, 3))
        for snapshot, stored in zip(buffer[0], there, strict=True):
            flat = np.concatenate([tensor.numpy().ravel() for tensor in snapshot])
            np.testing.assert_array_equal(flat, stored)
        # And back: `distil expert --import` reads what it wrote.
        distil.run(
            "expert", "--config", "c.toml", "--import", "experts/replay_buffer_0.pt", "--experts", "again",
            *ON_ONE_CORE, echo=False,
        )  # fmt: skip
        np.testing.assert_array_equal(trajectory(Path("again")), there)
