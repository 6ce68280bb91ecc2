"""Result columns of stage ``optimal_set``."""

from __future__ import annotations

from relu_optima.config.result_columns import ResultColumn, flag, number, series, text

BINARY = "labels -1 and +1"
TEST = "a data set with test rows"
TUNED = "optimal_set.tuning is not none"
WIDTHS = "optimal_set.topology"
TRAINED = "optimal_set.topology, built on a training run"
DRAWN = "an enumerated set of two dimensions or more"

_CHOSEN = {
    "solver": "the solver's own network",
    "min_l2": "the optimum of least squared norm",
    "max_l1": "the optimum of largest sum of norms",
    "valid": "the optimum best on the validation rows",
    "test": "the optimum best on the test rows",
}


def _spread(name: str, what: str, when: str) -> tuple[ResultColumn, ...]:
    return (
        number(f"{name}_median", f"Median {what} of the sampled optima.", when=when),
        number(f"{name}_low", f"2.5 % quantile of the {what} of the sampled optima.", when=when),
        number(f"{name}_high", f"97.5 % quantile of the {what} of the sampled optima.", when=when),
        number(f"{name}_min", f"Least {what} of the sampled optima.", when=when),
        number(f"{name}_max", f"Largest {what} of the sampled optima.", when=when),
    )


def _tuned(name: str, who: str) -> tuple[ResultColumn, ...]:
    both = f"{TUNED}, {BINARY}"
    return (
        number(f"{name}_test_mse", f"Test error of {who}, as a ReLU network.", when=TUNED),
        number(f"{name}_test_accuracy", f"Test accuracy of {who}, as a ReLU network.", when=both),
        number(
            f"{name}_test_accuracy_gated",
            f"Test accuracy of {who}, as a convex model with its own gates.",
            when=both,
        ),
        number(f"{name}_penalty_ratio", f"Penalty of {who}, relative to the optimum.", when=TUNED),
        number(
            f"{name}_fit_error",
            f"Distance of the fit of {who} from the optimal fit, relatively.",
            when=TUNED,
        ),
        text(f"{name}_status", f"How the search for {who} ended.", when=TUNED),
    )


COLUMNS = (
    number("dimension", "Dimension of the set of optimal models."),
    flag("is_unique", "Whether there is one optimal model only.", label="unique"),
    number("objective", "Optimal value."),
    number("penalty", "Sum of the norms of an optimal model.", label="group penalty"),
    number("n_blocks", "Blocks of the program."),
    number("n_equicorrelated", "Blocks that some dual point allows to be active."),
    number("n_directions", "Directions that optimal neurons may have."),
    number("n_support", "Directions that some optimal model uses."),
    number("n_antipodal_pairs", "Pairs of opposite directions among them."),
    number(
        "antipodal_dimension",
        "Dimensions in which these pairs trade weight at no cost.",
        label="antipodal pairs minus their rank",
    ),
    number("n_start", "Neurons of the solved model.", label="neurons at start"),
    number("n_min_norm", "Neurons of the optimal model of least norm."),
    number("n_smallest", "Fewest neurons of an optimal model.", label="fewest neurons"),
    number("n_smallest_bound", "Proven lower bound on that number."),
    text("smallest_status", "How the search for it ended."),
    number("n_vertices", "Vertices of the set, if enumerated.", label="vertices"),
    text("vertex_status", "`complete` or `over_budget`."),
    number("min_norm_squared", "Squared norm of the optimal model of least norm."),
    number("refine_residual", "Residual of the refined solution."),
    number("slack_tolerance", "Slack up to which a block counts as equicorrelated."),
    number("min_slack", "Least slack of a block that is not."),
    number("n_samples", "Sampled optimal models."),
    *_spread("test_mse", "test error", TEST),
    *_spread("test_accuracy", "test accuracy", f"{BINARY}, {TEST}"),
    *(column for name, who in _CHOSEN.items() for column in _tuned(name, who)),
    number(
        "tuning_spread",
        "Largest difference of test accuracies between the criteria.",
        when=f"{TUNED}, {BINARY}",
    ),
    number(
        "tuning_spread_gated",
        "The same for the convex models with their own gates.",
        when=f"{TUNED}, {BINARY}",
    ),
    text("topology_status", "`exact`, or `unknown` if over the budget of vertices.", when=WIDTHS),
    number("m_star", "Fewest neurons of an optimal network.", label="m*", when=WIDTHS),
    number("M_star", "Most neurons of a minimal optimal network.", label="M*", when=WIDTHS),
    number(
        "connected_from",
        "Least width from which on the optimal networks are connected.",
        label="connected from",
        when=WIDTHS,
    ),
    number(
        "connected_bound",
        "The lesser of m* + M* and rank Z + 1, from where on they surely are.",
        label="our bound",
        when=WIDTHS,
    ),
    number(
        "published_bound",
        "The lesser of m* + M* and n + 1, from where on they are known to be.",
        label="published bound",
        when=WIDTHS,
    ),
    number(
        "path_segments", "Segments of a path between a smallest and a largest vertex.", when=WIDTHS
    ),
    number("path_drift", "Relative range of the objective along that path.", when=WIDTHS),
    text(
        "descent_status",
        "`reached`, `too_narrow` for this way, or `other_network` than those of the program.",
        when=TRAINED,
    ),
    number("descent_width", "Neurons of the trained network.", when=TRAINED),
    number("descent_slots", "Neurons in use at once on its way to an optimum.", when=TRAINED),
    number("descent_segments", "Segments of that way.", when=TRAINED),
    number("descent_start", "Relative excess of the trained network.", when=TRAINED),
    number("descent_end", "Relative excess at the end of the way.", when=TRAINED),
    number("descent_rise", "Largest relative rise of the objective on the way.", when=TRAINED),
    series(
        "descent.position",
        "Segments passed on the way of a trained network to an optimum.",
        label="segment",
        when=TRAINED,
    ),
    series(
        "descent.excess",
        "Relative excess of the networks on that way.",
        label="relative excess",
        when=TRAINED,
    ),
    series("staircase.width", "Widths from m* to m* + M* + 1.", label="width", when=WIDTHS),
    series(
        "staircase.isolated_up_to_order",
        "Isolated optimal networks of that width, neurons in any order.",
        label="isolated networks",
        when=WIDTHS,
    ),
    series(
        "staircase.isolated_points",
        "Isolated optimal networks, each order by itself.",
        label="isolated points",
        when=WIDTHS,
    ),
    series(
        "staircase.continua",
        "Other components of the optimal networks of that width.",
        label="continua",
        when=WIDTHS,
    ),
    series(
        "staircase.components",
        "All components of the optimal networks of that width.",
        label="components",
        when=WIDTHS,
    ),
    series("n_neurons", "Neurons of each sampled model.", label="neurons"),
    series("norm_squared", "Squared norm of each sampled model."),
    series("test_mse", "Test error of each sampled model.", label="test MSE", when=TEST),
    series(
        "test_accuracy",
        "Test accuracy of each sampled model.",
        when=f"{BINARY}, {TEST}",
    ),
    series("coefficient_1", "First of two coefficients of each sampled model.", when=DRAWN),
    series("coefficient_2", "Second of two coefficients of each sampled model.", when=DRAWN),
    series("edge_1", "First coefficient along the outline of the set.", when=DRAWN),
    series("edge_2", "Second coefficient along the outline of the set.", when=DRAWN),
)
