"""Checks that other programs read what distil writes. See README.md."""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from datasets import load_dataset
from PIL import Image
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from torchvision.datasets import ImageFolder


def pixels(arrays):
    """Pixels of an .npz whose preprocessing is a mean and a standard deviation; None for whitened ones."""
    if "mean" not in arrays:
        return None
    mean, std = (arrays[name].reshape(1, -1, 1, 1) for name in ("mean", "std"))
    return (arrays["images"] * std + mean).clip(0, 1)


def read(path, channels):
    """A PNG as [c, h, w] bytes."""
    levels = np.asarray(Image.open(path).convert("L" if channels == 1 else "RGB"))
    return levels.reshape(*levels.shape[:2], channels).transpose(2, 0, 1)


def check_npz(arrays, tensors):
    card = json.loads(str(arrays["card"]))
    assert np.array_equal(arrays["images"], tensors["images"]) and arrays["images"].dtype == np.float32
    assert float(arrays["syn_lr"]) == float(tensors["syn_lr"][0]) and arrays["syn_lr"].shape == ()
    if "label_logits" in tensors:
        assert np.array_equal(arrays["label_logits"], tensors["label_logits"])
    else:
        assert np.array_equal(arrays["labels"], tensors["labels"])
    assert [str(name) for name in arrays["class_names"]] == card["class_names"]
    assert json.loads(str(arrays["preprocessing"])) == card["preprocessing"]
    assert torch.from_numpy(arrays["images"]).shape == tuple(arrays["images"].shape)
    return f"numpy {np.__version__}: {sorted(arrays)}"


def check_pictures(folder, arrays):
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [str(name) for name in arrays["class_names"]]
    assert [int(row["label"]) for row in rows] == arrays["labels"].tolist()
    assert [row["class"] for row in rows] == [names[label] for label in arrays["labels"]]
    if "label_logits" in arrays:
        logits = [[float(row[f"logit_{k}"]) for k in range(len(names))] for row in rows]
        assert np.array_equal(np.float32(logits), arrays["label_logits"])
    expected = pixels(arrays)
    worst = 0.0
    for index, row in enumerate(rows):
        found = read(folder / row["file"], arrays["images"].shape[1])
        assert found.shape == arrays["images"].shape[1:]
        if expected is not None:
            worst = max(worst, np.abs(found / 255 - expected[index]).max())
    assert worst <= 0.5 / 255 + 1e-6, worst
    return f"{len(rows)} PNG files, worst pixel off by {255 * worst:.3f} levels"


def check_image_folder(folder, arrays):
    classes = [f"{index}" for index in range(len(arrays["class_names"]))]
    torchvision = ImageFolder(folder / "train")
    assert sorted(torchvision.targets) == sorted(arrays["labels"].tolist())
    assert [name.split("-")[0].lstrip("0") or "0" for name in torchvision.classes] == classes
    hugging = load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(folder.parent / "cache"))["train"]
    assert sorted(hugging["label"]) == sorted(arrays["labels"].tolist())
    assert hugging.features["label"].names == torchvision.classes
    sizes = {image.size for image, _ in torchvision} | {image.size for image in hugging["image"]}
    assert sizes == {arrays["images"].shape[:1:-1]}, sizes
    # Labels belong to pictures: each file under its number is the picture of that row.
    for path, label in torchvision.samples:
        assert label == arrays["labels"][int(Path(path).stem)]
    return f"torchvision and datasets: {len(torchvision)} images, classes {torchvision.classes[:3]}…"


def check_tensorboard(folder, log):
    (file,) = folder.iterdir()
    raw = sum(1 for _ in RawEventFileLoader(str(file)).Load())
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    read = lambda tag: [(e.step, e.value) for e in accumulator.Scalars(tag)]  # noqa: E731
    events = [json.loads(line) for line in log.read_text().splitlines()]
    for kind, name in (("iteration", "loss"), ("iteration", "syn_lr"), ("validation", "accuracy")):
        wanted = [(e["iteration"], e[name]) for e in events if e["kind"] == kind and e[name] is not None]
        found = read(f"{kind}/{name}")
        assert [step for step, _ in found] == [step for step, _ in wanted]
        assert np.allclose([v for _, v in found], [v for _, v in wanted], rtol=1e-6)
    (text,) = accumulator.Tensors("run.toml/text_summary" if "run.toml/text_summary" in tags["tensors"] else "run.toml")
    assert b"[distill]" in text.tensor_proto.string_val[0]
    return f"tensorboard: {raw} records, {len(tags['scalars'])} scalars {tags['scalars'][:4]}…"


def check_import(run, distil, config, arrays, folder):
    """What `torch.save` wrote comes back as it was."""
    torch.save(torch.from_numpy(arrays["images"]), folder / "images_best.pt")
    soft = "label_logits" in arrays
    labels = arrays["label_logits"] if soft else arrays["labels"]
    torch.save(torch.from_numpy(labels), folder / "labels_best.pt")
    torch.save(float(arrays["syn_lr"]), folder / "lr_best.pt")
    kind = "mean-std" if "mean" in arrays else "zca"
    distil("import", folder / "images_best.pt", "--labels", folder / "labels_best.pt", "--syn-lr",
           folder / "lr_best.pt", "--normalisation", kind, "--config", config, "--out", folder / "back.safetensors")
    back = load_file(folder / "back.safetensors")
    assert np.array_equal(back["images"], arrays["images"])
    assert np.array_equal(back["label_logits" if soft else "labels"], labels)
    return f"torch {torch.__version__}: images_best.pt, labels_best.pt and lr_best.pt come back to the bit"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--distil", default="distil")
    parser.add_argument("run", type=Path)
    args = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    run = args.run.resolve()

    def distil(*words):
        done = subprocess.run([args.distil, *map(str, words)], text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"distil {' '.join(map(str, words))}\n{done.stderr}")

    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        for form, name in (("npz", "set.npz"), ("safetensors", "set.safetensors"), ("png", "flat"),
                           ("imagefolder", "classes"), ("sheet", "sheet.png")):
            distil("export", run, "--to", form, "--out", scratch / name)
        arrays = dict(np.load(scratch / "set.npz"))
        print(check_npz(arrays, load_file(scratch / "set.safetensors")))
        print(check_pictures(scratch / "flat", arrays))
        print(check_pictures(scratch / "classes", arrays))
        print(check_image_folder(scratch / "classes", arrays))
        distil("track", run, "--out", scratch / "board")
        print(check_tensorboard(scratch / "board", run / "events.jsonl"))
        print(check_import(run, distil, run / "run.toml", arrays, scratch))
    print("all is read as it was written")


if __name__ == "__main__":
    main()
