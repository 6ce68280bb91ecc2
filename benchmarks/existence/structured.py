"""What the engine must hold on structured patterns: closed families, holes, times and limits.

python -m benchmarks.existence.structured families   (Kronecker-sparse, holes, blocks + low rank)
python -m benchmarks.existence.structured times      (CPU seconds and peak memory of large layers)
python -m benchmarks.existence.structured limits     (the same verdict whatever the time limit)
python -m benchmarks.existence.structured chains     (72 ERK chains of three and four layers)
python -m benchmarks.existence.structured targets    (where bad targets have measure zero)
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from benchmarks.existence.acceptance import ensembles
from scipy import sparse

from relu_optima.config.plugins import load_plugin
from relu_optima.existence import Verdict, decide
from relu_optima.patterns import atlas_sizes, class_masks, pattern_classes

Factor = tuple[int, int, int, int]
SIDE = 36  # of the Kronecker-sparse matrices
CHAINABLE = {2: 300, 3: 150}  # chains to draw, by their number of factors
WIDTHS = ([16, 16, 16, 4], [32, 32, 32, 8], [64, 64, 32, 16], [32, 32, 16, 16, 8])
DENSITIES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)  # of the ERK chains
LIMITS = (0.01, 1.0, 10.0, 1000.0)
REPEATS = 3  # the fastest counts
EVERY = 25  # of the 900 random masks, for the limits


def kronecker(*factors: Factor) -> list[Any]:
    """Make I_a x ones(b, c) x I_d for each factor, first layer first, as lists of ones."""
    out = []
    for a, b, c, d in factors:
        inner = sparse.kron(sparse.coo_array(np.ones((b, c))), sparse.eye_array(d), format="coo")
        out.append(sparse.kron(sparse.eye_array(a), inner, format="csr").astype(np.uint8))
    return out


def is_chainable(above: Factor, below: Factor) -> bool:
    """Say whether two factors chain (Le, Zheng, Riccietti, Gribonval, arXiv 2411.04506)."""
    (a, _, c, d), (a2, b2, _, d2) = above, below
    return a * c * d == a2 * b2 * d2 and a * c % a2 == 0 and a2 % a == 0 and d % d2 == 0


def chains() -> Iterator[tuple[Factor, ...]]:
    """Draw chainable pairs and triples, first layer first."""
    sides = [1, 2, 3, 4, 6]
    factors = [
        f
        for f in itertools.product(sides, repeat=4)
        if max(f[0] * f[1] * f[3], f[0] * f[2] * f[3]) <= SIDE
    ]
    pairs = [(q, p) for p, q in itertools.product(factors, repeat=2) if is_chainable(p, q)]
    after: dict[Factor, list[Factor]] = {}
    for below, above in pairs:
        after.setdefault(below, []).append(above)
    triples = [(*pair, top) for pair in pairs for top in after.get(pair[1], ())]
    rng = np.random.default_rng(0)
    for length, every in ((2, pairs), (3, triples)):
        for q in rng.permutation(len(every))[: CHAINABLE[length]]:
            yield every[q]


def families() -> None:
    """Count what is closed of the chainable chains; say what is said of holes and of blocks."""
    count: Counter[tuple[int, str]] = Counter()
    refused = 0
    for chain in chains():
        verdict = decide([mask.toarray() for mask in kronecker(*chain)])
        count[len(chain), verdict.product_set] += 1
        refused += not verdict.certificate.verify()
    for (length, answer), number in sorted(count.items()):
        print(f"chainable, {length} factors: {number} {answer}")
    print(f"certificates refused: {refused}")
    for side in (2, 3, 4, 5):
        corner = np.zeros(side, np.uint8)
        corner[0] = 1
        dense = np.ones((side - 1, side), np.uint8)
        show(f"{side - 1}-hole {side} x {side}", [np.vstack([dense, corner])] * 2, transpose=True)
    module = load_plugin("pattern", "block_low_rank")
    for side in (2, 3, 4, 8):
        fields = {"side": side, "blocks": 4, "rank": 1, "spread": True}
        config = module.Config.model_validate({"family": "block_low_rank", **fields})
        show(f"Monarch, 4 blocks of side {side}, one dense neuron", module.masks(config))


def show(name: str, masks: list[np.ndarray], *, transpose: bool = False) -> None:
    """Decide and print the answers of one pattern."""
    verdict = decide([masks[0], masks[1].T] if transpose else masks)
    print(f"{name}: {answers(verdict)}, re-checked {verdict.certificate.verify()}")


def answers(verdict: Verdict) -> tuple[str, str, str]:
    """Return the three answers."""
    return verdict.product_set, verdict.function_set, verdict.optimum


def times() -> None:
    """Measure large layers, sparse ones first: the peak memory is that of the process so far."""
    n, log = 4096, 12
    butterfly = [(2**q, 2, 2, n // 2 ** (q + 1)) for q in range(log)]
    lu = load_plugin("pattern", "lu")
    plans = {
        "Monarch 4096, blocks of 64": kronecker((64, 64, 64, 1), (1, 64, 64, 64)),
        "two butterfly factors 4096": kronecker(*butterfly[:2]),
        "all twelve butterfly factors 4096": kronecker(*reversed(butterfly)),
        "dense 1000": [np.ones((1000, 1000), np.uint8)] * 2,
        "LU 1000": lu.masks(lu.Config(family="lu", n=1000)),
    }
    decide([np.ones((2, 2)), np.ones((2, 2))])  # imports
    for name, masks in plans.items():
        start = time.process_time()
        verdict = decide(masks)
        middle = time.process_time()
        good = verdict.certificate.verify()
        spent = f"{middle - start:.2f} + {time.process_time() - middle:.2f} CPU s"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{name}: {answers(verdict)}, re-checked {good}, {spent}, peak {peak} MiB", flush=True
        )


def limits() -> None:
    """Compare verdicts under several limits; measure by how much a limit is overrun."""
    band = load_plugin("pattern", "banded")
    banded = band.Config(family="banded", n=512, lower=1, upper=1)
    many = [masks for q, (_, masks) in enumerate(ensembles()) if q % EVERY == 0]
    many += [[np.ones((2000, 2000), np.uint8)] * 2, band.masks(banded)]
    different, early, late = 0, Counter[float](), dict.fromkeys(LIMITS, 0.0)
    for masks in many:
        reference = json.loads(decide(masks, time_limit=LIMITS[-1]).certificate.to_json())
        for limit in LIMITS:
            start = time.monotonic()
            verdict = decide(masks, time_limit=limit)
            late[limit] = max(late[limit], time.monotonic() - start - limit)
            early[limit] += verdict.timed_out
            for question in ("product", "function", "finite"):
                part = verdict.certificate.document[question]
                given_up = verdict.timed_out and part["answer"] == "unknown"
                different += not given_up and part["answer"] != reference[question]["answer"]
    print(f"{len(many)} patterns, {different} answers that depend on the limit")
    for limit in LIMITS:
        print(f"limit {limit:g} s: {early[limit]} timed out, overrun {max(late[limit], 0):.2f} s")


def erk_chains() -> None:
    """Count the verdicts on ERK chains."""
    module = load_plugin("pattern", "erk")
    count: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    for widths, density, seed in itertools.product(WIDTHS, DENSITIES, range(3)):
        fields = {"widths": widths, "density": density, "seed": seed}
        config = module.Config.model_validate({"family": "erk", **fields})
        start = time.process_time()
        verdict = decide(module.masks(config))
        slowest = max(slowest, time.process_time() - start)
        assert verdict.certificate.verify()
        count.update([("product", verdict.product_set), ("function", verdict.function_set)])
        count["finite", verdict.optimum] += 1
    for (question, answer), number in sorted(count.items()):
        print(f"{question}: {number} {answer}")
    print(f"slowest {slowest:.2f} CPU s")


def targets() -> None:
    """Count, over the atlas, the sets that are not closed whose bad targets have measure zero."""
    for width in (2, 3):
        count: Counter[tuple[bool, bool]] = Counter()
        for m, n in atlas_sizes(3):
            for code in pattern_classes(m, n, width):
                verdict = decide(class_masks(code, m, n))
                if verdict.product_set == "not_closed":
                    found = verdict.bad_targets()
                    count[found.dimension == found.cells, found.measure_zero] += 1
        print(f"width {width}: {sum(count.values())} not closed, {count[True, True]} measure zero")
        print(f"  not known: {count[True, False]} of full dimension, {count[False, False]} of less")


def main() -> None:
    """Run one of the measurements."""
    plans = {
        "families": families,
        "times": times,
        "limits": limits,
        "chains": erk_chains,
        "targets": targets,
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=tuple(plans))
    plans[parser.parse_args().what]()


if __name__ == "__main__":
    main()
