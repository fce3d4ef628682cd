"""Distils arrays of one's own, trains PyTorch on the set, and compares with as many random images: docs/python.md."""
import distil, numpy as np, pathlib, torch
rng = np.random.default_rng(0)
kinds = rng.random((10, 8, 8)) > 0.6
def pictures(count):  # put arrays of yours here: pixels [n, h, w] or [n, h, w, c] in [0, 1], and labels [n]
    y, shifts = rng.integers(0, 10, count), rng.integers(-1, 2, (count, 2))
    x = np.stack([np.roll(kinds[label], shift, (0, 1)) for label, shift in zip(y, shifts)])
    return (0.5 * x + rng.normal(0, 0.3, x.shape)).clip(0, 1), y
(x, y), (x_test, y_test) = pictures(2000), pictures(1000)
distil.save_dataset("mine.npz", x, y, x_test, y_test)
pathlib.Path("mine.toml").write_text("""method = "dm"
data = { name = "npz", path = "mine.npz" }
model = { width = 32, depth = 2 }""")
distil.run("run", "--config", "mine.toml", "--set", "distill.ipc=5", "--set", "distill.iterations=300", "--out", "runs/mine")
data = distil.load("runs/mine")
def accuracy(images, targets, seed):
    torch.manual_seed(seed)
    network = distil.networks.build(data.card["architecture"])
    step = torch.optim.SGD(network.parameters(), lr=data.syn_lr, momentum=0.9)
    for _ in range(300):
        step.zero_grad()
        torch.nn.functional.cross_entropy(network(images), targets).backward()
        step.step()
    return 100 * (network.eval()(torch.from_numpy(data.transform().batch(x_test))).argmax(1).numpy() == y_test).mean()
def random(seed):
    pick = np.ravel([np.random.default_rng(seed).permutation(np.flatnonzero(y == k))[:5] for k in range(10)])
    return torch.from_numpy(data.transform().batch(x[pick])), torch.from_numpy(y[pick])
for name, chosen in (("distilled", lambda seed: data.torch()[:2]), ("random", random)):
    found = [accuracy(*chosen(seed), seed) for seed in range(5)]
    print(f"{name}: {np.mean(found):.1f} ± {np.std(found, ddof=1):.1f} % of test images right, 5 networks")
