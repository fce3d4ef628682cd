"""Trains the papers' ConvNet on a set that `distil export --to npz` wrote, and tests it on Fashion-MNIST."""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import nn


def convnet(channels, classes, size, width=32, depth=3):
    layers = []
    for block in range(depth):
        # The papers pad images of 28x28 pixels to 32x32.
        padding = 3 if block == 0 and channels == 1 and size == 28 else 1
        layers += [nn.Conv2d(channels if block == 0 else width, width, 3, padding=padding),
                   nn.GroupNorm(width, width), nn.ReLU(), nn.AvgPool2d(2)]
    side = (32 if size == 28 else size) >> depth
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * side * side, classes))


def idx(path, skip):
    return np.frombuffer(gzip.open(path).read()[skip:], np.uint8)


def train(data, seed, epochs):
    torch.manual_seed(seed)
    images = torch.from_numpy(data["images"])
    targets = torch.from_numpy(data["label_logits"]).softmax(1) if "label_logits" in data else torch.from_numpy(data["labels"])
    net = convnet(images.shape[1], len(data["class_names"]), images.shape[2])
    step = torch.optim.SGD(net.parameters(), lr=float(data["syn_lr"]), momentum=0.9, weight_decay=0.0005)
    for epoch in range(epochs):
        if epoch == epochs // 2 + 1:
            step.param_groups[0]["lr"] *= 0.1
        # Crop and flip; the augmentation that the set was learned with is in the card.
        dx, dy = torch.randint(-3, 4, (2,)).tolist()
        batch = images.roll((dy, dx), (2, 3))
        batch = batch.flip(3) if torch.rand(1) < 0.5 else batch
        loss = nn.functional.cross_entropy(net(batch), targets)
        step.zero_grad()
        loss.backward()
        step.step()
    return net.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--test", type=Path, required=True, help="folder with t10k-images-idx3-ubyte.gz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1000)
    args = parser.parse_args()
    data = dict(np.load(args.set))
    pixels = idx(args.test / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / np.float32(255)
    test = torch.from_numpy((pixels - data["mean"].reshape(1, -1, 1, 1)) / data["std"].reshape(1, -1, 1, 1))
    labels = torch.from_numpy(idx(args.test / "t10k-labels-idx1-ubyte.gz", 8).astype(np.int64))
    accuracies = []
    for seed in range(args.seeds):
        net = train(data, seed, args.epochs)
        with torch.no_grad():
            found = torch.cat([net(part).argmax(1) for part in test.split(1000)])
        accuracies.append(100 * (found == labels).float().mean().item())
        print(f"seed {seed}: {accuracies[-1]:.1f} %", flush=True)
    print(f"{np.mean(accuracies):.1f} ± {np.std(accuracies, ddof=1):.1f} %")


if __name__ == "__main__":
    main()
