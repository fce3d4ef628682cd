#!/usr/bin/env python3
"""Digests of what each method leaves on generated data after a few iterations: a refactoring must not change them.

    tests/python/digest_methods.py PROGRAM [METHOD ...]

Prints one line per method: its name, and the first 16 hex digits of the SHA-256 of images, labels and syn_lr of
synthetic/last.safetensors. Digests are those of one machine and one build profile: compare two programs on the same one.
"""
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

METHODS = "mtt ftd tesla datm m-datm edf dd ld ead dc dsa dm random herding k-center".split()
FOLLOW = ["syn_steps=4", "expert_epochs=1", "window={ min = 0, max = 2, initial_max = 1, expand_until = 3 }"]
KEYS = {
    **{method: FOLLOW for method in ("mtt", "ftd", "tesla", "datm", "m-datm", "edf")},
    "dd": ["syn_steps=4", "batch_real=64"],
    "ld": ["syn_steps=4", "batch_real=64"],
    "ead": ["checkpoints=2", "batch_probe=32", "batch_real=32", "window={ min = 0, max = 3 }"],
    **{method: ["batch_real=16", "outer_loop=2", "inner_loop=2"] for method in ("dc", "dsa")},
    "dm": ["batch_real=16"],
}
SHARED = [
    "data.name=clutter", "data.train_limit=300", "data.validation=60", "data.clutter.resolution=16",
    "model.width=16", "model.depth=2", "expert.experts=2", "expert.epochs=3", "expert.batch=32",
    "expert.micro_batch=16", "distill.ipc=2", "distill.micro_batch=16", "eval.seeds=1", "eval.epochs=2",
    "eval.micro_batch=16",
]


def tensors(file):
    """Name and raw bytes of every tensor of a safetensors file."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    for name in sorted(header):
        if name != "__metadata__":
            begin, end = header[name]["data_offsets"]
            yield name, body[begin:end]


def run(program, method, folder):
    config = folder / f"{method}.toml"
    config.write_text(f'method = "{method}"\n')
    sets = SHARED + [f"distill.{key}" for key in KEYS.get(method, [])]
    if method not in ("random", "herding", "k-center", "k-means", "forgetting"):
        sets += ["distill.iterations=6", "distill.validate_every=3", "distill.checkpoint_every=3"]
        sets += ["distill.init=real"]
    if method == "edf":
        sets += ["distill.enhancement.refresh_every=2"]
    arguments = [part for pair in sets for part in ("--set", pair)]
    arguments += ["--set", f"expert.store={folder / 'experts' / method}", "--device", "cpu", "--quiet"]
    commands = [["expert"], ["run", "--out", str(folder / "runs" / method)]]
    if method == "edf":
        maps = str(folder / "maps.safetensors")
        commands.insert(0, ["train", "--out", maps])
        commands[-1] += ["--set", f"distill.enhancement.model={maps}"]
    for command in commands:
        done = subprocess.run(
            [program, command[0], "--config", str(config), *arguments, *command[1:]],
            capture_output=True, text=True, cwd=folder,
        )
        if done.returncode != 0:
            sys.exit(f"{method}: {command[0]}: {done.stderr}")
    digests = {name: hashlib.sha256(data).hexdigest()[:16] for name, data in
               tensors(folder / "runs" / method / "synthetic" / "last.safetensors")}
    print(f"{method:10}", " ".join(f"{name}={digest}" for name, digest in digests.items()), flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        for method in sys.argv[2:] or METHODS:
            run(program, method, pathlib.Path(folder))


if __name__ == "__main__":
    main()
