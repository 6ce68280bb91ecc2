"""What a pruning method returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Steps:
    """Networks that a method passes through, from the starting point on.

    Attributes
    ----------
    betas : array, shape (T, k)
        Coefficients of the directions of the optimal set; row 0 is the start.
    status : str
        ``ok``, or the word of an integer program that hit its limit.
    lower_bound : int or None
        Proven lower bound of the number of neurons of any optimal model, if the method has one.
    """

    betas: np.ndarray
    status: str = "ok"
    lower_bound: int | None = None
