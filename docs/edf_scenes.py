"""Objects of CIFAR-10 in photographs of Imagenette, with the place of each object: the data of docs/edf.md.

    python edf_scenes.py CIFAR_FOLDER IMAGENETTE_FOLDER OUT_FOLDER

CIFAR_FOLDER has the binary batches, IMAGENETTE_FOLDER train/ and val/ of photographs of at least 64 pixels. Writes scenes.npz (20,000
training and 5,000 test images of 32x32, as distil and Keras name them) and masks.npz (255 where the object of each training
image is). Needs NumPy and Pillow. Every number comes from one seed.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, OBJECT = 32, 20
TRAIN, TEST = 2000, 500
NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()


def cifar(folder, files):
    rows = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in files])
    return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, 0]


def photographs(folder):
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg", ".png"))
    return [np.asarray(Image.open(path).convert("RGB").resize((64, 64))) for path in files]


def scenes(objects, labels, backgrounds, per_class, rng):
    rows = np.concatenate([np.flatnonzero(labels == k)[:per_class] for k in range(10)])
    images = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)
    masks = np.zeros((len(rows), SIDE, SIDE), np.uint8)
    for i, row in enumerate(rows):
        photo = backgrounds[rng.integers(len(backgrounds))]
        top, left = rng.integers(64 - SIDE, size=2)
        images[i] = photo[top : top + SIDE, left : left + SIDE]
        small = Image.fromarray(objects[row]).resize((OBJECT, OBJECT), Image.Resampling.LANCZOS)
        top, left = rng.integers(SIDE - OBJECT + 1, size=2)
        images[i, top : top + OBJECT, left : left + OBJECT] = small
        masks[i, top : top + OBJECT, left : left + OBJECT] = 255
    return images, labels[rows].astype(np.int64), masks


def main():
    source, photos, out = map(Path, sys.argv[1:4])
    rng = np.random.default_rng(0)
    train = scenes(*cifar(source, [f"data_batch_{i}.bin" for i in range(1, 6)]), photographs(photos / "train"), TRAIN, rng)
    test = scenes(*cifar(source, ["test_batch.bin"]), photographs(photos / "val"), TEST, rng)
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "scenes.npz", x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1], class_names=np.array(NAMES))
    np.savez(out / "masks.npz", masks=train[2])


if __name__ == "__main__":
    main()
