"""Result columns of stage ``convex``."""

from __future__ import annotations

from relu_optima.config.result_columns import number, text

BINARY = "classes"
TEST = "a data set with test rows"

COLUMNS = (
    text("formulation", "Neurons of the program: `relu` or `gated`.", label="program"),
    number("lam", "Strength λ of the penalty.", label="λ"),
    number("lam_max", "Least λ whose optimum is zero.", label="λₘₐₓ"),
    number("lam_fraction", "λ as a share of λₘₐₓ.", label="λ / λₘₐₓ"),
    number("objective", "Primal value of the solution."),
    number("dual_objective", "Value of the dual point: a lower bound."),
    number("gap", "Primal minus dual value, relative to the primal.", label="relative duality gap"),
    number("kkt_residual", "Largest violated optimality condition.", label="KKT residual"),
    number("violation", "Largest violated cone row.", label="constraint violation"),
    number("n_neurons", "Neurons of the network.", label="neurons"),
    number("n_outputs", "Outputs of the network.", label="outputs", when="programs with several"),
    number("train_mse", "Mean squared error on the training rows.", label="training MSE"),
    number(
        "train_accuracy",
        "Share of training rows with the right sign or class.",
        label="training accuracy",
        when=BINARY,
    ),
    number("test_mse", "Mean squared error on the test rows.", label="test MSE", when=TEST),
    number(
        "test_accuracy",
        "Share of test rows with the right sign or class.",
        when=f"{BINARY}, {TEST}",
    ),
)
