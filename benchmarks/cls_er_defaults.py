"""Are the defaults of ContinualClassifier any good? CLS-ER and replay on streams of many kinds.

    python benchmarks/cls_er_defaults.py            # about ten minutes on one core
    python benchmarks/cls_er_defaults.py --seeds 2  # a look
    python benchmarks/cls_er_defaults.py --write    # benchmarks/results/cls_er_defaults.json and .md

Defaults were chosen on pilot seeds from 1,000,000 on; the seeds here are others, so that the table is no part of the
choice. Each stream is given to `partial_fit` in parts, as a user would; accuracy is on held-out samples of all classes.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harness import _conditions, machine
from scipy.ndimage import rotate
from sklearn.datasets import load_breast_cancer, load_digits

from paperwright.lifelong.cls_er import ContinualClassifier
from paperwright.stats import mean_interval

FIRST_SEED = 1_000_100
# What the defaults were before they were chosen on streams: the paper's warm-up, a decay and rate for long training.
BEFORE = {"learning_rate": 0.05, "consistency_weight": 0.15, "warm_up": 1.0}

Samples = tuple[np.ndarray, np.ndarray]
Parts = Iterator[np.ndarray]


@dataclass(frozen=True)
class Stream:
    """Training and test samples, and the order in which the former come, in parts."""

    samples: Callable[[np.random.Generator], tuple[Samples, Samples]]
    order: Callable[[np.ndarray, np.random.Generator], Parts]


def cut(x: np.ndarray, y: np.ndarray, train: int, random: np.random.Generator) -> tuple[Samples, Samples]:
    order = random.permutation(len(x))
    x, y = x[order].astype(np.float32), y[order]
    return (x[:train], y[:train]), (x[train:], y[train:])


def digits(train: int = 1400) -> Callable[[np.random.Generator], tuple[Samples, Samples]]:
    def samples(random: np.random.Generator) -> tuple[Samples, Samples]:
        x, y = load_digits(return_X_y=True)
        (x, y), test = cut(x / 16, y, 1400, random)
        return (x[:train], y[:train]), test

    return samples


def turned_digits(random: np.random.Generator) -> tuple[Samples, Samples]:
    """Five angles, one after another in training, all of them at test."""
    train, test = digits()(random)
    return turned(*train), turned(*test)


def turned(x: np.ndarray, y: np.ndarray) -> Samples:
    images = x.reshape(-1, 8, 8)
    all_angles = [rotate(images, angle, (1, 2), reshape=False, order=1) for angle in (0, 36, 72, 108, 144)]
    return np.concatenate(all_angles).reshape(-1, 64), np.tile(y, 5)


def clusters(train: int, spread: float = 0.35) -> Callable[[np.random.Generator], tuple[Samples, Samples]]:
    """Ten classes of three Gaussian clusters each, in 20 dimensions."""

    def samples(random: np.random.Generator) -> tuple[Samples, Samples]:
        centres = random.normal(size=(10, 3, 20)) / 2
        y = random.integers(10, size=train + 1000)
        x = centres[y, random.integers(3, size=len(y))] + spread * random.normal(size=(len(y), 20))
        return cut(x, y, train, random)

    return samples


def tumours(random: np.random.Generator) -> tuple[Samples, Samples]:
    x, y = load_breast_cancer(return_X_y=True)
    return cut((x - x.mean(0)) / x.std(0), y, 400, random)


def by_class(passes: int = 1, classes: int = 2) -> Callable[[np.ndarray, np.random.Generator], Parts]:
    """New classes in each part."""

    def order(y: np.ndarray, random: np.random.Generator) -> Parts:
        for first in range(0, y.max() + 1, classes):
            chosen = np.flatnonzero((first <= y) & (y < first + classes))
            for _ in range(passes):
                yield random.permutation(chosen)

    return order


def blurred(y: np.ndarray, random: np.random.Generator) -> Parts:
    """As by class, but a fifth of the samples come at any time."""
    part = np.where(random.random(len(y)) < 0.2, random.integers(5, size=len(y)), y // 2)
    for index in range(5):
        yield random.permutation(np.flatnonzero(part == index))


def mixed(passes: int = 1) -> Callable[[np.ndarray, np.random.Generator], Parts]:
    def order(y: np.ndarray, random: np.random.Generator) -> Parts:
        for _ in range(passes):
            yield random.permutation(len(y))

    return order


def as_they_lie(y: np.ndarray, random: np.random.Generator) -> Parts:
    yield np.arange(len(y))


STREAMS = {
    "digits by class, 1 pass": Stream(digits(), by_class()),
    "digits by class, 3 passes": Stream(digits(), by_class(3)),
    "digits by class, 10 passes": Stream(digits(), by_class(10)),
    "300 digits by class": Stream(digits(300), by_class()),
    "digits, blurred classes": Stream(digits(), blurred),
    "digits mixed, 1 pass": Stream(digits(), mixed()),
    "digits mixed, 10 passes": Stream(digits(), mixed(10)),
    "200 digits mixed": Stream(digits(200), mixed()),
    "digits turned by 5 angles": Stream(turned_digits, as_they_lie),
    "clusters by class": Stream(clusters(4000), by_class()),
    "clusters mixed": Stream(clusters(4000), mixed()),
    "noisy clusters by class": Stream(clusters(4000, 0.7), by_class()),
    "20,000 of clusters by class": Stream(clusters(20_000), by_class()),
    "tumours by class": Stream(tumours, by_class(classes=1)),
    "tumours mixed": Stream(tumours, mixed()),
}


def accuracy(name: str, learner: str, seed: int, changed: dict[str, float]) -> tuple[int, float]:
    """Steps of the stream, and accuracy after the last."""
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    (x, y), test = STREAMS[name].samples(random)
    model = ContinualClassifier(learner, random_state=seed, **changed)
    for part in STREAMS[name].order(y, random):
        model.partial_fit(x[part], y[part], classes=np.unique(y))
    return int(model.learner_.steps), float(model.score(*test))


def rows(seeds: int, workers: int) -> Iterator[dict]:
    arms = {"cls_er": ("cls_er", {}), "er": ("er", {}), "before": ("cls_er", BEFORE)}
    with ProcessPoolExecutor(workers) as pool:
        for name in STREAMS:
            tried = range(FIRST_SEED, FIRST_SEED + seeds)
            tasks = [
                pool.submit(accuracy, name, learner, seed, changed)
                for learner, changed in arms.values()
                for seed in tried
            ]
            done = np.array([task.result() for task in tasks]).reshape(len(arms), seeds, 2)
            figures = dict(zip(arms, done[..., 1].tolist(), strict=True))
            apart = mean_interval(np.subtract(figures["cls_er"], figures["er"]))
            yield {"stream": name, "steps": int(done[0, 0, 0]), "accuracy": figures} | {
                "over_er": [apart.estimate, apart.low, apart.high]
            }


def line(row: dict) -> str:
    means = {arm: np.mean(values) for arm, values in row["accuracy"].items()}
    figures = " | ".join(f"{mean:.3f}" for mean in means.values())
    estimate, low, high = row["over_er"]
    return f"| {row['stream']} | {row['steps']:,} | {figures} | {estimate:+.3f} ({low:+.3f} to {high:+.3f}) |"


def main() -> None:
    parser = argparse.ArgumentParser(description="The learners of ContinualClassifier at their defaults.")
    parser.add_argument("--seeds", type=int, default=4, help="runs of each (default 4)")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/cls_er_defaults.json and .md")
    options = parser.parse_args()
    seeds = options.seeds
    page = [
        f"Mean accuracy over {seeds} seeds; in the last column the paired difference with its 95% interval. `before`:",
        "CLS-ER with " + ", ".join(f"{name} {value}" for name, value in BEFORE.items()) + ".",
        "",
        "| stream | steps | CLS-ER | ER | before | CLS-ER over ER |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(page), flush=True)
    found = []
    for row in rows(seeds, options.workers):
        found.append(row)
        page.append(line(row))
        print(page[-1], flush=True)
    worse = [row["stream"] for row in found if row["over_er"][2] < 0]
    page += ["", f"- streams on which CLS-ER is behind ER beyond noise: {', '.join(worse) or 'none'}"]
    print(page[-1])
    if options.write:
        folder, about = Path(__file__).parent / "results", machine()
        (folder / "cls_er_defaults.json").write_text(json.dumps({"machine": about, "results": found}, indent=1) + "\n")
        text = "\n".join(["# Defaults of ContinualClassifier, by stream", "", _conditions(about), "", *page, ""])
        (folder / "cls_er_defaults.md").write_text(text)


if __name__ == "__main__":
    main()
