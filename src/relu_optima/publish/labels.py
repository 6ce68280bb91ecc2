"""One name for each column and value, so that figures and tables speak alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relu_optima.publish.declared import declared_labels, declared_units

# Config columns, and those that tables make. Stages name their own results (`<package>.columns`).
# Text is Unicode; the LaTeX writer translates Greek and subscripts.
COLUMNS: dict[str, str] = {
    "seed": "seed",
    "n": "n",
    "dataset": "data set",
    "pattern": "pattern",
    "pattern.family": "pattern",
    "pattern.n": "size n",
    "pattern.p": "density p",
    "convex": "program",
    "convex.formulation": "program",
    "convex.lam": "λ",
    "convex.gates.count": "sampled gates",
    "pruning": "pruning method",
    "pruning.method": "pruning method",
    "training": "training method",
    "training.method": "training method",
    "training.optimizer": "optimiser",
    "training.weight_decay": "weight decay",
    "density": "density",
    "n_runs": "runs",
    "n_ok": "ok",
    "not_ok": "other statuses",
    "runs": "run ids",
}

VALUES: dict[str, str] = {
    "breast_cancer_wisconsin": "breast cancer",
    "digits_2v6": "digits 2 vs 6",
    "diabetes": "diabetes",
    "planted_relu": "planted ReLU",
    "relu": "ReLU",
    "gated": "gated ReLU",
    "lu": "LU",
    "ul": "UL",
    "block_diagonal": "block diagonal",
    "bernoulli": "Bernoulli",
    "erk": "ERK",
    "n_of_m": "N:M",
    "regular": "row and column regular",
    "not_closed": "not closed",
    "no closed rule applies and no refutable limit was found within the budget": (
        "undecided within the budget"
    ),
    "not_always": "not always",
    "blood_uci": "blood",
    "breast_cancer_uci": "breast cancer (UCI)",
    "fertility_uci": "fertility",
    "heart_hungarian_uci": "heart (Hungarian)",
    "hepatitis_uci": "hepatitis",
    "hill_valley_uci": "hill-valley",
    "horse_colic_uci": "horse colic",
    "ilpd_indian_liver_uci": "ILPD",
    "ionosphere_uci": "ionosphere",
    "mammographic_uci": "mammographic",
    "monks_1_uci": "monks-1",
    "parkinsons_uci": "parkinsons",
    "pima_uci": "pima",
    "planning_uci": "planning",
    "spectf_uci": "spectf",
    "statlog_heart_uci": "heart (Statlog)",
    "tic_tac_toe_uci": "tic-tac-toe",
    "mnist_1v7": "MNIST 1 vs 7",
    "mnist_2v6": "MNIST 2 vs 6",
    "mnist_5v9": "MNIST 5 vs 9",
    "cifar10_0v2_subset": "CIFAR-10 0 vs 2 (subset)",
    "cifar10_1v8_subset": "CIFAR-10 1 vs 8 (subset)",
    "cifar10_3v5_subset": "CIFAR-10 3 vs 5 (subset)",
    "optimal_ls": "optimal + least squares",
    "global_minimum": "global minimum",
    "dense_4": "dense",
    "channel_wise": "channel-wise",
    "kronecker": "Kronecker-sparse",
    "block_low_rank": "blocks + low rank",
    "hierarchical": "hierarchical low rank",
    "lbfgs": "L-BFGS",
    "sgd": "SGD",
    "adam": "Adam",
}


def column_label(column: str, own: Mapping[str, str]) -> str:
    """Name a column."""
    declared = declared_labels()
    for known in short_names(column):
        for names in (own, COLUMNS, declared):
            if known in names:
                return names[known]
    return known.replace("_", " ")


def column_unit(column: str) -> str:
    """Return the unit of a column."""
    units = declared_units()
    return next((units[n] for n in short_names(column) if n in units), "")


def short_names(column: str) -> tuple[str, ...]:
    """List the names under which a label may name a column."""
    bare = column.removeprefix("series.")
    parts = bare.split(".")
    return column, bare, ".".join(parts[-2:]), parts[-1]


def value_label(value: Any, own: Mapping[str, str]) -> str:
    """Name a value in a legend, panel title or cell."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return own.get(str(value).lower(), "yes" if value else "no")
    if isinstance(value, float):
        text = f"{value:.6g}"
        return own.get(text, text)
    text = str(value)
    if text in own:
        return own[text]
    return VALUES.get(text, text.replace("_", " "))


def level_label(column: str, value: Any, columns: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Name a value together with its column if the value alone says too little."""
    text = value_label(value, own)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and value_key(value) not in own:
        return f"{column_label(column, columns)} = {text}"
    return text


def value_key(value: Any) -> str:
    """Return the text under which a product's `values` name a value."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
