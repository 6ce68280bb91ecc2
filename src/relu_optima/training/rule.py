"""Which weights a network uses and trains: the interface every sparse-training method fills in.

A rule belongs to one network. It holds two masks per layer: ``forward`` (weights that enter the
network) and ``trained`` (weights that a step may change). For most methods both agree and weights
outside are zero; methods that keep dense weights behind a mask set ``stores_dense``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


class MaskRule:
    """A fixed mask; base of the rules that change theirs.

    Parameters
    ----------
    masks : list of array of uint8, shape (n_out, n_in)
        Weights in use.
    """

    stores_dense = False

    def __init__(self, masks: list[np.ndarray]) -> None:
        self.forward = [np.ascontiguousarray(m, dtype=bool) for m in masks]
        self.trained = [m.copy() for m in self.forward]
        # weights that a mask change put in place: their moments are cleared, then this is
        self.fresh: dict[int, np.ndarray] = {}

    def begin(self, steps_per_epoch: int, epochs: int) -> None:
        """Learn how long training lasts, before the first step.

        Parameters
        ----------
        steps_per_epoch, epochs : int
            Length of training.
        """

    def start(self, weights: list[torch.Tensor]) -> None:
        """Choose masks by the initial weights, which cover the masks of the constructor.

        Parameters
        ----------
        weights : list of tensor, shape (n_out, n_in)
            The network's weights.
        """

    def before_step(self, step: int, weights: list[torch.Tensor]) -> bool:
        """Change masks or weights before the gradient of a step is taken.

        Parameters
        ----------
        step : int
            Steps done so far.
        weights : list of tensor, shape (n_out, n_in)
            The network's weights; may be changed in place.

        Returns
        -------
        bool
            True if a mask or a weight changed.
        """
        return False

    def wants_gradient(self, step: int) -> bool:
        """Tell whether `use_gradient` is to be called in place of a step.

        Parameters
        ----------
        step : int
            Steps done so far.

        Returns
        -------
        bool
            True to have this step replaced by a mask update.
        """
        return False

    def use_gradient(
        self, step: int, weights: list[torch.Tensor], gradient: list[torch.Tensor]
    ) -> None:
        """Change masks by the dense gradient.

        Parameters
        ----------
        step : int
            Steps done so far.
        weights : list of tensor, shape (n_out, n_in)
            The network's weights; may be changed in place.
        gradient : list of tensor, shape (n_out, n_in)
            Gradient of the mean loss with respect to all weights, masked ones included.
        """
        raise NotImplementedError

    def after_epoch(self, epoch: int, weights: list[torch.Tensor]) -> bool:
        """Change masks or weights between two epochs.

        Parameters
        ----------
        epoch : int
            Epochs done.
        weights : list of tensor, shape (n_out, n_in)
            The network's weights; may be changed in place.

        Returns
        -------
        bool
            True if a mask or a weight changed.
        """
        return False

    def penalty(self) -> list[np.ndarray] | None:
        """Return coefficients p of an extra gradient ``p * weight`` (see also `penalty_power`).

        Returns
        -------
        list of array, shape (n_out, n_in), or None
            None for no extra term.
        """
        return None

    penalty_power = 2  # 1: the extra gradient is p * sign(weight)

    def final_masks(self, weights: list[torch.Tensor]) -> list[np.ndarray]:
        """Return the masks to export.

        Parameters
        ----------
        weights : list of tensor, shape (n_out, n_in)
            The final weights.

        Returns
        -------
        list of array of uint8, shape (n_out, n_in)
            First layer first.
        """
        return [m.astype(np.uint8) for m in self.forward]

    def state(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint must hold.

        Returns
        -------
        dict of str to array
            Masks, and what subclasses add.
        """
        out = {f"forward_{k}": m for k, m in enumerate(self.forward)}
        return {**out, **{f"trained_{k}": m for k, m in enumerate(self.trained)}}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a checkpoint.

        Parameters
        ----------
        state : dict of str to array
            What `state` returned.
        """
        self.forward = [state[f"forward_{k}"] for k in range(len(self.forward))]
        self.trained = [state[f"trained_{k}"] for k in range(len(self.trained))]
