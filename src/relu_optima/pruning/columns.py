"""Result columns of stage ``pruning``."""

from __future__ import annotations

from relu_optima.config.result_columns import ResultColumn, number, series, text

BINARY = "labels -1 and +1"
TEST = "a data set with test rows"


def _scores(name: str, what: str, when: str) -> tuple[ResultColumn, ...]:
    return (
        number(f"{name}_start", f"{what} of the network at start.", when=when),
        number(f"{name}_exact", f"{what} of the last network that is optimal.", when=when),
        number(
            f"{name}_area",
            f"Mean {what[0].lower()}{what[1:]} over the budgets from one neuron to all.",
            when=when,
        ),
    )


COLUMNS = (
    text("method", "Pruning method."),
    text("mode", "`exact`, or `published` as the authors coded it."),
    number("n_start", "Neurons at start.", label="neurons at start"),
    number("n_exact", "Fewest neurons while the network is optimal.", label="neurons, exact"),
    number("n_final", "Neurons at the end of the path.", label="neurons at end"),
    number("n_lower_bound", "Proven lower bound on the size of any optimal network, if any."),
    number("dimension", "Dimension of the set of optimal models."),
    number("objective", "Optimal value."),
    number("objective_change", "Largest relative change of the value while optimal."),
    number("penalty_ratio", "Penalty of the last optimal network, relative to the optimum."),
    number("fit_error", "Distance of its fit from the optimal fit, relatively."),
    number("objective_final", "Objective at the end of the path."),
    number("refine_residual", "Residual of the refined solution."),
    *_scores("train_mse", "Training error", ""),
    *_scores("test_mse", "Test error", TEST),
    *_scores("train_accuracy", "Training accuracy", BINARY),
    *_scores("test_accuracy", "Test accuracy", f"{BINARY}, {TEST}"),
    series("n_neurons", "Neurons of each network on the path.", label="neurons"),
    series("objective", "Objective of each network."),
    series("penalty", "Sum of the coefficients of each network.", label="group penalty"),
    series("fit_change", "Distance of each fit from the optimal fit, relatively."),
    series("is_optimal", "1 where the network is optimal."),
    series("train_mse", "Training error of each network.", label="training MSE"),
    series("train_accuracy", "Training accuracy.", label="training accuracy", when=BINARY),
    series("test_mse", "Test error of each network.", label="test MSE", when=TEST),
    series("test_accuracy", "Test accuracy.", when=f"{BINARY}, {TEST}"),
)
