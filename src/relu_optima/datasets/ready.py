"""A data set in one call, prepared as the pipeline prepares it."""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.config.validate import config_of
from relu_optima.datasets.preparation import prepare
from relu_optima.errors import DataError, extras_named

BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")


@extras_named()
def load(name: str, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Load and prepare a data set, all rows of it.

    Parameters
    ----------
    name : str
        A set that comes with scikit-learn (``breast_cancer``, ``diabetes``, ``digits``, ``iris``,
        ``wine``), or a loader of `relu_optima.datasets.loaders`, e.g. ``planted_relu``, ``csv``.
    **options
        Fields of the loader's ``Config``, e.g. ``classes=[2, 6]``, ``one_hot=True``,
        ``bias=True``. Features, and the target of ``diabetes``, are centred and scaled unless
        these say otherwise; no rows are kept back unless ``test_fraction`` says so.

    Returns
    -------
    X : array, shape (n, d)
        Features.
    y : array, shape (n,) or (n, K)
        Targets; -1 and +1 where two classes are told apart.

    Raises
    ------
    DataError
        If there is no such set, an option has no meaning, or the data cannot be used.
    """
    defaults: dict[str, Any] = {"test_fraction": 0.0, "standardise_target": name == "diabetes"}
    if name in BUNDLED:
        defaults["source"] = name
    elif name not in plugin_names("dataset"):
        raise DataError(
            f"there is no data set {name!r}",
            allowed=", ".join([*BUNDLED, *plugin_names("dataset")]),
            where="name",
        )
    loader = "sklearn_bundled" if name in BUNDLED else name
    config = config_of("dataset", loader, {**defaults, **options}, DataError)
    data = prepare(load_plugin("dataset", loader).load(config), config)
    return data.X_train, data.y_train
