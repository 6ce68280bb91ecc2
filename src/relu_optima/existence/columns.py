"""Result columns of stage ``existence``."""

from __future__ import annotations

from relu_optima.config.result_columns import flag, number, text

COLUMNS = (
    text(
        "verdict_product",
        "Is the set of products of the masked factors closed.",
        label="product set",
    ),
    text(
        "verdict_function",
        "Is the set of functions of the masked networks closed.",
        label="function set",
    ),
    text(
        "verdict_optimum",
        "Has every finite data set an optimal network of this pattern.",
        label="optimum exists",
    ),
    text("method", "Rule that decided about the product set."),
    text("method_function", "Rule that decided about the function set."),
    text("method_optimum", "Rule that decided about optima on finite data."),
    flag(
        "certificate_verified",
        "Whether the independent checker accepts the proofs of all three answers.",
    ),
    number("layers", "Masks, i.e. layers with weights."),
    number("n_in", "Inputs."),
    number("n_out", "Outputs."),
    number("n_hidden", "Neurons of the first hidden layer.", label="hidden neurons"),
    number(
        "n_hidden_live",
        "Neurons of the first hidden layer with an entry on both sides.",
        label="live hidden neurons",
    ),
    number("nonzeros", "Entries of all masks.", label="entries"),
    number("density", "Share of weights that the masks keep."),
    text(
        "masks",
        "The masks, first layer first: rows of 0 and 1 behind each other, a blank between layers; "
        "nothing for masks of more than 1,024 places.",
    ),
)
