"""Result columns of stage ``convex``."""

from __future__ import annotations

from relu_optima.config.result_columns import number, text

BINARY = "labels -1 and +1"
TEST = "a data set with test rows"
NEWTON = "the backends of ours"
CLARABEL = "backend clarabel"

COLUMNS = (
    text("formulation", "Program that was solved: `relu` or `gated`.", label="program"),
    number("lam", "Strength λ of the penalty.", label="λ"),
    number("lam_max", "Least λ whose optimum is zero.", label="λₘₐₓ"),
    number("lam_fraction", "λ as a share of λₘₐₓ.", label="λ / λₘₐₓ"),
    number("n_gates", "Gates with distinct non-zero patterns.", label="gates"),
    number("objective", "Primal value of the solution."),
    number("dual_objective", "Value of the dual point: a lower bound."),
    number("gap", "Primal minus dual value, relative to the primal.", label="relative duality gap"),
    number("kkt_residual", "Largest violated optimality condition.", label="KKT residual"),
    number("violation", "Largest violated cone row.", label="constraint violation"),
    number("network_objective", "Objective of the ReLU network made of the blocks."),
    number("n_active", "Blocks that are not zero.", label="active blocks"),
    number("n_neurons", "Neurons of the network.", label="neurons"),
    text("backend", "Solver that answered."),
    number("n_outer", "Outer iterations.", when=NEWTON),
    number("n_newton", "Newton steps.", when=NEWTON),
    number("n_pricings", "Pricings of all gates.", when=NEWTON),
    number("n_corrections", "Steps of the corrector along a path.", when=NEWTON),
    number("n_projections", "Projections on cones.", when=NEWTON),
    number("n_projection_steps", "Active-set steps of these projections.", when=NEWTON),
    number("n_cg", "Conjugate-gradient iterations.", when=NEWTON),
    number("n_iterations", "Interior-point iterations.", when=CLARABEL),
    number("train_mse", "Mean squared error on the training rows.", label="training MSE"),
    number(
        "train_accuracy",
        "Share of training rows with the right sign.",
        label="training accuracy",
        when=BINARY,
    ),
    number("test_mse", "Mean squared error on the test rows.", label="test MSE", when=TEST),
    number(
        "test_accuracy",
        "Share of test rows with the right sign.",
        when=f"{BINARY}, {TEST}",
    ),
)
