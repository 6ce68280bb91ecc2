"""What the engine must hold on many masks: unknown shares, CPU seconds, certificates, exceptions.

python -m benchmarks.existence.acceptance ensembles   (900 random masks of four ensembles)
python -m benchmarks.existence.acceptance small       (20,000 random masks with sides up to 6)
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.existence import decide

DENSITIES = [q / 16 for q in range(1, 16)]
SEEDS = range(4)
SMALL = 20_000
QUESTIONS = ("product", "function", "finite")


def ensembles() -> Iterator[tuple[str, list[np.ndarray]]]:
    """Make the masks of the four ensembles of the density sweeps."""
    square = [{"n_in": n, "n_hidden": n, "n_out": n} for n in (8, 16, 32, 64)]
    plans = {
        "bernoulli": [{**s, "p": d} for s in square for d in DENSITIES],
        "regular": [{**s, "fan_in": None, "density": d} for s in square for d in DENSITIES],
        "n_of_m": [{**s, "group": 16, "keep": k} for s in square[1:] for k in range(1, 16)],
        "erk": [
            {"widths": [n, n, n // 4], "density": d} for n in (8, 16, 32, 64) for d in DENSITIES
        ],
    }
    for (family, plan), seed in itertools.product(plans.items(), SEEDS):
        module = load_plugin("pattern", family)
        for fields in plan:
            config = module.Config.model_validate({"family": family, "seed": seed, **fields})
            yield family, module.masks(config)


def small() -> Iterator[tuple[str, list[np.ndarray]]]:
    """Draw masks of two to four layers with sides up to 6, of any density."""
    rng = np.random.default_rng(0)
    for _ in range(SMALL):
        layers = int(rng.choice([2, 2, 2, 3, 4]))
        widths = rng.integers(1, 7, layers + 1)
        masks = [
            (rng.random((widths[q + 1], widths[q])) < rng.uniform(0.1, 1)).astype(np.uint8)
            for q in range(layers)
        ]
        for mask in masks:
            mask.flat[rng.integers(mask.size)] = 1
        yield f"{layers} layers", masks


def main() -> None:
    """Decide and re-check every mask; print one line for each ensemble."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("ensembles", "small"))
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds for each mask")
    parser.add_argument("--answers", help="text file for one line of answers for each mask")
    options = parser.parse_args()
    count: Counter[tuple[str, str, str]] = Counter()
    methods: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    bad = errors = 0
    lines = []
    total = 0.0
    for number, (family, masks) in enumerate(
        {"ensembles": ensembles, "small": small}[options.what]()
    ):
        if number % 1000 == 0:
            print(
                f"{number} masks, {errors} exceptions, {bad} refused, {total:.0f} CPU s", flush=True
            )
        start = time.process_time()
        try:
            verdict = decide(masks, time_limit=options.time_limit)
        except Exception as error:  # noqa: BLE001 (counted: there must be none)
            errors += 1
            print(f"{family}: {type(error).__name__}: {error}; {[m.tolist() for m in masks]}")
            continue
        spent = time.process_time() - start
        total += spent
        slowest[family] = max(slowest.get(family, 0.0), spent)
        bad += not verdict.certificate.verify()
        answers = (verdict.product_set, verdict.function_set, verdict.optimum)
        count.update((family, q, a) for q, a in zip(QUESTIONS, answers, strict=True))
        count[family, "masks", "all"] += 1
        methods[verdict.method] += 1
        lines.append(" ".join([family, *answers, verdict.method]))
    for family in slowest:
        counted = {k[1:]: v for k, v in count.items() if k[0] == family}
        print(family, dict(sorted(counted.items())), f"slowest {slowest[family]:.2f} CPU s")
    print("product set by", dict(methods.most_common()))
    for question in QUESTIONS[:2]:
        unknown = sum(v for k, v in count.items() if k[1:] == (question, "unknown"))
        print(f"{question} set unknown: {unknown} of {len(lines)}")
    print(f"certificates refused: {bad}, exceptions: {errors}, {total:.1f} CPU s to decide")
    if options.answers:
        with open(options.answers, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
