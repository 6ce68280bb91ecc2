"""Stage ``existence``: judge the masks of a pattern, or those a training run ended with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import DataError
from relu_optima.existence.certificate import Certificate
from relu_optima.existence.config import ExistenceConfig
from relu_optima.existence.decision import decide_layers
from relu_optima.existence.proof.document import unpack_masks
from relu_optima.existence.proof.verify import problems_of
from relu_optima.patterns.layers import mask_layers
from relu_optima.patterns.masks import check_masks
from relu_optima.patterns.sparse import same_masks
from relu_optima.stage import Outcome, Record, Task

WRITTEN = 1024  # places of masks that a record's row spells out: what can be seen in a figure


def run(task: Task) -> Outcome:
    """Decide all three questions and re-check the certificate."""
    config = task.groups["existence"]
    assert isinstance(config, ExistenceConfig)
    masks = _masks(task)
    verdict = decide_layers(mask_layers(masks), config.time_limit, config.z3_rlimit)
    live = (masks[0].any(axis=1) & masks[1].any(axis=0)).sum() if len(masks) > 1 else 0
    finite = verdict.certificate.document["finite"]
    return Outcome(
        status="time_limit" if verdict.timed_out else "ok",
        row={
            "verdict_product": verdict.product_set,
            "verdict_function": verdict.function_set,
            "verdict_optimum": verdict.optimum,
            "method": verdict.method,
            "method_function": _rule(verdict.certificate.document["function"]),
            "method_optimum": _rule(finite),
            "certificate_verified": _verified(verdict.certificate),
            "layers": len(masks),
            "n_in": int(masks[0].shape[1]),
            "n_out": int(masks[-1].shape[0]),
            "n_hidden": int(masks[0].shape[0]) if len(masks) > 1 else 0,
            "n_hidden_live": int(live),
            "nonzeros": int(sum(int(mask.sum()) for mask in masks)),
            "density": float(sum(int(m.sum()) for m in masks) / sum(m.size for m in masks)),
            "masks": _written(masks),
        },
        arrays={f"mask_{k}": mask for k, mask in enumerate(masks)},
        documents={"certificate": verdict.certificate.document},
    )


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored verdict from scratch."""
    document = record.documents.get("certificate")
    if not isinstance(document, dict):
        return ["there is no certificate"]
    certificate = Certificate(document)
    problems = problems_of(document)
    if problems:
        return problems
    product, function, optimum = _answers(certificate)
    for key, answer in (
        ("verdict_product", product),
        ("verdict_function", function),
        ("verdict_optimum", optimum),
    ):
        if record.row.get(key) != answer:
            problems.append(f"{key} is {record.row.get(key)!r}, the certificate proves {answer!r}")
    if "biases" in document:
        problems.append("the certificate is about a network that lacks biases")
    if record.row.get("certificate_verified") != _verified(certificate):
        problems.append("certificate_verified is not what the certificate says")
    proved = unpack_masks(document["layers"])
    masks = _stored_masks(record.arrays)
    if record.row.get("masks", _written(masks)) != _written(masks):  # older records have none
        problems.append("masks is not what is stored")
    if not same_masks(proved, masks):
        problems.append("the certificate is about other masks than those stored")
    training = upstream.get("training")
    if training is not None and not same_masks(proved, _stored_masks(training.arrays)):
        problems.append("the certificate is about other masks than the training run's")
    return problems


def _written(masks: list[np.ndarray]) -> str | None:
    """Write small masks as rows of 0 and 1."""
    if sum(mask.size for mask in masks) > WRITTEN:
        return None
    rows = ("/".join("".join("01"[int(e)] for e in row) for row in mask != 0) for mask in masks)
    return " ".join(rows)


def _verified(certificate: Certificate) -> bool | None:
    """Say whether a certificate proves what it claims; None if it claims nothing."""
    return certificate.verify() if certificate.claims() else None


def _answers(certificate: Certificate) -> tuple[str, str, str]:
    document = certificate.document
    return (
        document["product"]["answer"],
        document["function"]["answer"],
        document["finite"]["answer"],
    )


def _rule(part: dict[str, Any]) -> str:
    return str(part["proof"].get("rule") or part["proof"]["reason"])


def _stored_masks(arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    names = [name for name in arrays if re.fullmatch(r"mask_\d+", name)]
    return [arrays[name] for name in sorted(names, key=lambda name: int(name[5:]))]


def _masks(task: Task) -> list[np.ndarray]:
    training = task.upstream.get("training")
    if training is not None:
        stored = _stored_masks(training.arrays)
        if not stored:
            raise DataError("the training record holds no masks", where="training")
        return check_masks(stored, "training")
    config = task.groups["pattern"]
    family = getattr(config, "family")  # noqa: B009  (every plug-in's Config has it)
    masks: list[np.ndarray] = load_plugin("pattern", family).masks(config)
    return check_masks(masks, "pattern")
