"""Result columns of stage ``sensitivity``."""

from __future__ import annotations

from relu_optima.config.result_columns import ResultColumn, flag, number, series, text

BINARY = "labels -1 and +1"
VALID = "a data set with validation rows"
TEST = "a data set with test rows"
FOLDS = "sensitivity.folds > 0"
TRACE = "sensitivity.path is trace"

_EVENTS = {
    "enters": "a neuron enters",
    "leaves": "a neuron leaves",
    "binds": "a data row binds on a neuron",
    "unbinds": "a data row lets go of a neuron",
    "crosses": "a neuron goes through a data hyperplane",
    "touches": "a neuron could be used exactly there, but is not on either side",
}
_CHOSEN = {
    "valid": ("the validation error", VALID),
    "kfold": ("cross-validation", FOLDS),
    "leave_one_out": ("the leave-one-out estimate", "a path with derivatives"),
    "test": ("the test error, which no rule can know", TEST),
}


def _chosen(name: str, what: str, when: str) -> tuple[ResultColumn, ...]:
    return (
        number(f"lam_{name}", f"λ chosen by {what}.", when=when),
        number(f"chosen_fraction_{name}", f"λ / λₘₐₓ chosen by {what}.", when=when),
        number(f"test_mse_{name}", f"Test error at the λ chosen by {what}.", when=when),
        number(f"solves_{name}", f"Programs solved for the choice by {what}.", when=when),
        number(f"cpu_{name}", f"CPU time of the choice by {what}.", unit="s", when=when),
    )


COLUMNS = (
    number("lam", "λ at which it is differentiated.", label="λ"),
    number("objective", "Optimal value there."),
    number("penalty", "Sum of the norms there: the slope of the value.", label="group penalty"),
    number("dimension", "Dimension of the set of optimal models there."),
    number("n_active", "Active blocks there.", label="active blocks"),
    flag("differentiable", "Whether the optimum has derivatives there."),
    text("degenerate_reason", "Why it has none."),
    number("degrees_of_freedom", "Trace of d fit / d y."),
    number("leave_one_out_mse", "First-order estimate of the leave-one-out error."),
    number("max_leverage", "Largest d fit_i / d y_i."),
    number("min_slack", "Least slack of an inactive block."),
    number("min_multiplier", "Least multiplier of a binding row."),
    number("min_coefficient", "Least coefficient of an active neuron."),
    number("lam_low", "Lower end of the interval without change of structure, to first order."),
    number("lam_high", "Its upper end."),
    number("lam_max", "Least λ whose optimum is zero.", label="λₘₐₓ"),
    number("n_knots", "Knots of the path."),
    number("max_gap", "Largest relative duality gap of a knot."),
    number("n_degenerate", "Knots without derivatives."),
    number("n_non_unique", "Knots with more than one optimal model."),
    number("max_n_active", "Most active blocks at a knot."),
    number("slope_violation", "By how much the value is not concave with slope R."),
    *(column for name, (what, when) in _CHOSEN.items() for column in _chosen(name, what, when)),
    number("n_breakpoints", "Breakpoints found.", when=TRACE),
    number("n_jumps", "Breakpoints at which the min-norm path jumps.", when=TRACE),
    text("jumps", "`found` or `none`.", when=TRACE),
    number("max_jump", "Largest relative jump.", when=TRACE),
    number("lam_max_jump", "λ of the largest jump.", when=TRACE),
    series("lam", "λ of each knot.", label="λ"),
    series("lam_fraction", "λ / λₘₐₓ of each knot.", label="λ / λₘₐₓ"),
    series("objective", "Optimal value."),
    series("dual_objective", "Value of the dual point."),
    series("gap", "Relative duality gap.", label="relative duality gap"),
    series("penalty", "Sum of the norms R.", label="group penalty"),
    series("n_active", "Active blocks.", label="active blocks"),
    series("n_minimal", "Neurons of a minimal optimal model."),
    series("dimension", "Dimension of the set of optimal models."),
    series("norm_squared", "Squared norm of the min-norm model."),
    series("min_slack", "Least slack of an inactive block."),
    series("degenerate", "1 where there are no derivatives."),
    series("degrees_of_freedom", "Trace of d fit / d y."),
    series("leave_one_out_mse", "First-order estimate of the leave-one-out error."),
    series("secant", "Slope of the value from the knot before."),
    series("train_mse", "Training error of the min-norm model.", label="training MSE"),
    series("train_accuracy", "Its training accuracy.", label="training accuracy", when=BINARY),
    series("valid_mse", "Its validation error.", when=VALID),
    series("valid_accuracy", "Its validation accuracy.", when=f"{BINARY}, {VALID}"),
    series("test_mse", "Its test error.", label="test MSE", when=TEST),
    series("test_accuracy", "Its test accuracy.", when=f"{BINARY}, {TEST}"),
    series("kfold_mse", "Cross-validation error.", when=FOLDS),
    *(series(f"n_{k}", f"How often since the knot before {v}.") for k, v in _EVENTS.items()),
    series("neurons.id", "Number of the neuron, equal along its path."),
    series("neurons.lam_fraction", "λ / λₘₐₓ of the knot.", label="λ / λₘₐₓ"),
    series("neurons.coefficient", "Sign times coefficient of the neuron."),
    series("neurons.rotation", "Angle from its first direction.", unit="rad"),
    series("breakpoints.lam_fraction", "λ / λₘₐₓ of the breakpoint.", label="λ / λₘₐₓ"),
    series("breakpoints.dimension", "Dimension of the set there."),
    series("breakpoints.norm_above", "Squared norm of the min-norm model just above."),
    series("breakpoints.norm", "Squared norm of the min-norm model at it."),
    series("breakpoints.norm_below", "Squared norm of the min-norm model just below."),
    series("breakpoints.jump", "Relative jump of that norm."),
    *(series(f"breakpoints.{k}", f"How often there {v}.") for k, v in _EVENTS.items()),
    series("samples.residual", "Residual of each training row."),
    series("samples.leverage", "d fit_i / d y_i."),
    series("samples.held_out", "Residual that leave-one-out predicts."),
    series("samples.influence", "d (test error) / d (weight of the row)."),
    series("steps.step", "Relative decrease of λ."),
    series("steps.error", "Distance of the predicted from the solved fit, relative to y."),
    series("steps.change", "Distance of the solved fit from the fit at the knot, relative to y."),
    series("steps.inside", "1 where the structure does not change to first order."),
)
