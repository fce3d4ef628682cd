"""Trains DD-Ranking's ConvNet on a set that `distil export --to pt` wrote, by DD-Ranking's own package, and prints the test accuracies: those of
`distil eval SET --protocol dd-ranking` with the same settings must be theirs within the spread of students."""

import argparse
from pathlib import Path

import numpy as np
import torch
from ddranking.metrics import LabelRobustScoreHard

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("set", type=Path, help="the folder of images_best.pt and labels_best.pt, hard labels of CIFAR-10")
parser.add_argument("--cifar", required=True, help="torchvision's root, which holds cifar-10-batches-py")
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--seeds", type=int, default=4)
args = parser.parse_args()

images, labels = (torch.load(args.set / f"{name}_best.pt", weights_only=True) for name in ("images", "labels"))
score = LabelRobustScoreHard(
    dataset="CIFAR10", real_data_path=args.cifar, ipc=len(images) // 10, model_name="ConvNet-3", data_aug_func=None,
    aug_params=None, optimizer="sgd", lr_scheduler="cosineannealing", num_epochs=args.epochs, num_workers=0, device="cpu",
    save_path="/tmp/dd-ranking/scores.csv",
)  # fmt: skip
# The package takes the best of the tests during training; the last is compared.
score.test_interval = args.epochs
found = []
for seed in range(args.seeds):
    torch.manual_seed(seed)
    accuracy, _ = score._compute_hard_label_metrics_helper(
        image_tensor=images, image_path=None, hard_labels=labels, lr=args.lr, mode="syn"
    )
    found.append(float(accuracy))
    print(f"student {seed}: {found[-1]:.2f} %", flush=True)
print(f"{np.mean(found):.2f} ± {np.std(found, ddof=1):.2f} %")
