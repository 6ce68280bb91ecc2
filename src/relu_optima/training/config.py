"""Config group ``training``: optimiser, schedule, initialisation, precision and logging."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.config.base import Group, operational


class TrainingConfig(Group):
    """What every training method has; a method's ``Config`` adds its own keys."""

    method: str = Field(min_length=1, description="Plug-in in training/methods.")
    optimizer: Literal["sgd", "adam", "lbfgs"] = Field(
        default="sgd",
        description="Update rule, as in torch; lbfgs: full batches, an epoch is an iteration.",
    )
    learning_rate: float = Field(default=0.1, gt=0, le=1e6, description="Step length.")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="Momentum of sgd.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Adam's decay of the first moment.")
    beta2: float = Field(
        default=0.999, ge=0, lt=1, description="Adam's decay of the second moment."
    )
    epsilon: float = Field(default=1e-8, gt=0, description="Adam's denominator offset.")
    schedule: Literal["constant", "cosine", "linear", "step"] = Field(
        default="constant", description="Learning rate over the epochs; cosine and linear end at 0."
    )
    schedule_factor: float = Field(
        default=0.1, gt=0, le=1, description="step: factor applied at each milestone."
    )
    schedule_milestones: list[float] = Field(
        default=[0.5, 0.75], description="step: milestones as fractions of the epochs."
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Adds weight_decay / 2 * |theta|^2 to the mean squared loss, as in torch.",
    )
    lam: float | None = Field(
        default=None,
        ge=0,
        description="Canonical penalty instead of weight_decay: 1/2 |f - y|^2 + lam/2 |theta|^2.",
    )
    lam_from: Literal["config", "convex"] = Field(
        default="config", description="convex: take lam from the upstream convex run."
    )
    decay_biases: bool = Field(default=True, description="Penalise biases too, as torch does.")
    biases: bool = Field(default=True, description="Give every layer a bias.")
    activation: Literal["relu", "linear"] = Field(
        default="relu", description="What follows every layer but the last; linear: nothing."
    )
    batch_norm: bool = Field(
        default=False,
        description="Normalise before the last ReLU over all rows; only scales, shifts and the "
        "last layer are penalised then.",
    )
    metrics: Literal["none", "neural_collapse"] = Field(
        default="none",
        description="neural_collapse: log NC1 to NC4, balance and alignment of one-hot problems.",
    )
    epochs: int = Field(default=200, ge=0, le=10_000_000, description="Passes over the data.")
    batch_size: int = Field(default=0, ge=0, description="Rows per step; 0 for all of them.")
    init: Literal["fan_in", "kept_fan_in"] = Field(
        default="fan_in",
        description="Weights N(0, gain^2/m), biases uniform on +-1/sqrt(m): m inputs of the layer, "
        "or those that the mask keeps for the neuron.",
    )
    gain: float = Field(default=1.0, gt=0, le=1e6, description="Scale of the initial weights.")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="Precision.")
    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="Where to train; results differ in the last bits between them."
    )
    log_every: int = Field(default=1, ge=1, description="Epochs between two lines of the series.")
    log_loss: Literal["full", "running"] = Field(
        default="full",
        description="Logged loss: of all data at the epoch's end, or the mean over its batches.",
    )
    divergence_norm: float = Field(
        default=1e8, gt=0, description="A weight norm above this, or NaN, ends the run."
    )
    stack: int = Field(
        default=10, ge=1, le=1000, description="Networks trained side by side, at most."
    )
    checkpoint_dir: str | None = operational(
        None, description="Folder for checkpoints, which stay there; None to keep none."
    )
    checkpoint_every: int = operational(50, ge=1, description="Epochs between two checkpoints.")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return True
