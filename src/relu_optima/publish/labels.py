"""One name for each column and value, so that figures and tables speak alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Result and config columns. Text is Unicode; the LaTeX writer translates Greek and subscripts.
COLUMNS: dict[str, str] = {
    "run_id": "run",
    "status": "status",
    "seed": "seed",
    "sweep": "sweep",
    "stage": "stage",
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
    "formulation": "program",
    "lam": "λ",
    "lam_max": "λₘₐₓ",
    "lam_fraction": "λ / λₘₐₓ",
    "n_gates": "gates",
    "objective": "objective",
    "dual_objective": "dual objective",
    "gap": "relative duality gap",
    "kkt_residual": "KKT residual",
    "violation": "constraint violation",
    "penalty": "group penalty",
    "n_active": "active blocks",
    "n_neurons": "neurons",
    "degrees_of_freedom": "degrees of freedom",
    "train_mse": "training MSE",
    "test_mse": "test MSE",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "verdict_product": "product set",
    "verdict_function": "function set",
    "verdict_optimum": "optimum exists",
    "certificate_verified": "certificate verified",
    "method": "method",
    "behaviour": "observed weights",
    "excess": "excess over the certified optimum",
    "objective_rescaled": "trained objective",
    "certified_objective": "certified optimum",
    "nonzeros": "entries",
    "n_hidden": "hidden neurons",
    "n_hidden_live": "live hidden neurons",
    "density": "density",
    "epoch": "epoch",
    "loss": "training loss",
    "product_error": "product error",
    "weight_norm": "weight norm",
    "dimension": "dimension",
    "is_unique": "unique",
    "n_vertices": "vertices",
    "n_start": "neurons at start",
    "n_exact": "neurons, exact",
    "n_final": "neurons at end",
    "n_smallest": "fewest neurons",
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
    "lbfgs": "L-BFGS",
    "sgd": "SGD",
    "adam": "Adam",
}


def column_label(column: str, own: Mapping[str, str]) -> str:
    """Name a column.

    Parameters
    ----------
    column : str
        Column of a collected sweep.
    own : mapping of str to str
        Names that the figure or table gives itself.

    Returns
    -------
    str
        Its own name, the common one, or the column's last part in plain words.
    """
    if column in own:
        return own[column]
    bare = column.removeprefix("series.")
    for known in (bare, ".".join(bare.split(".")[-2:]), bare.rsplit(".", 1)[-1]):
        if known in own:
            return own[known]
        if known in COLUMNS:
            return COLUMNS[known]
    return bare.rsplit(".", 1)[-1].replace("_", " ")


def value_label(value: Any, own: Mapping[str, str]) -> str:
    """Name a value in a legend, panel title or cell.

    Parameters
    ----------
    value : object
        Value of a column.
    own : mapping of str to str
        Names that the figure or table gives itself.

    Returns
    -------
    str
        Text; numbers in their shortest form.
    """
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
    """Name a value together with its column if the value alone says too little.

    Parameters
    ----------
    column : str
        Column of the value.
    value : object
        The value.
    columns, own : mapping of str to str
        Names that the figure gives columns and values itself.

    Returns
    -------
    str
        E.g. ``LU`` or ``λ = 0.1``.
    """
    text = value_label(value, own)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and value_key(value) not in own:
        return f"{column_label(column, columns)} = {text}"
    return text


def value_key(value: Any) -> str:
    """Return the text under which a product's `values` name a value.

    Parameters
    ----------
    value : object
        Value of a column.

    Returns
    -------
    str
        Shortest form of a number, lower-case truth value, or the text itself.
    """
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
