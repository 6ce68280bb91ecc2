"""Result columns of stage ``training``; a method declares those that only its own runs have."""

from __future__ import annotations

from relu_optima.config.result_columns import number, series, text

BINARY = "labels -1 and +1"
LINEAR = "a target that is a linear map"
CERTIFIED = "a sweep on certified optima"
COLLAPSE = "training.metrics: neural_collapse"
METHOD = "the methods of the common engine"
NOT_FLOW = "every method but gradient_flow"

COLUMNS = (
    text("method", "Training method."),
    text("optimizer", "Optimiser.", label="optimiser"),
    text("activation", "What follows the hidden layers: `relu` or `linear`."),
    text("widths", "Layer widths, inputs first."),
    number("lam", "Strength of the penalty, in the scale of the convex program.", label="λ"),
    number("weight_decay", "The same strength as weight decay."),
    number("epochs_done", "Finished epochs with finite parameters."),
    number("loss", "Mean squared error on the training rows.", label="training loss"),
    number("loss_relative", "Training loss relative to the mean square of the targets."),
    number("objective", "Half the sum of squares plus the penalty."),
    number(
        "objective_rescaled",
        "Least objective after balancing the layers of each neuron; one hidden layer only.",
        label="trained objective",
    ),
    number("weight_norm", "Norm of all weights."),
    number("parameter_norm", "Norm of all weights and biases."),
    number("nonzeros", "Weights that the final masks keep.", label="entries"),
    number("density", "Share of weights that the final masks keep."),
    number("n_active", "First hidden neurons with weights on both sides.", label="active blocks"),
    number(
        "product_error",
        "Distance of the product of the factors from the target, relative to the target.",
        when=LINEAR,
    ),
    number("norm_slope", "Log-log slope of the weight norm over the last half of the epochs."),
    number("norm_rising", "Share of logged intervals there in which the weight norm rose."),
    text(
        "behaviour",
        "What the weights do: `diverged`, `growing`, `bounded` or `unclear`.",
        label="observed weights",
    ),
    number("loss_slope", "Log-log slope of the training loss over the last half of the epochs."),
    number("train_mse", "Mean squared error on the training rows.", label="training MSE"),
    number("test_mse", "Mean squared error on the test rows.", label="test MSE"),
    number(
        "train_accuracy",
        "Share of training rows with the right sign.",
        label="training accuracy",
        when=BINARY,
    ),
    number(
        "test_accuracy",
        "Share of test rows with the right sign.",
        when=BINARY,
    ),
    number(
        "certified_objective",
        "Certified optimal value of the convex run it builds on.",
        label="certified optimum",
        when=CERTIFIED,
    ),
    number(
        "excess",
        "By how much the best objective exceeds that of the convex run it builds on, relatively.",
        label="excess over the certified optimum",
        when=CERTIFIED,
    ),
    number("balance", "Largest imbalance of neighbouring layers, relatively.", when=COLLAPSE),
    number("alignment", "How well singular vectors of neighbours agree; 1: fully.", when=COLLAPSE),
    number(
        "nc1", "Scatter within classes relative to that between them.", label="NC1", when=COLLAPSE
    ),
    number(
        "nc2_norms", "Spread of the norms of centred class means.", label="NC2 norms", when=COLLAPSE
    ),
    number(
        "nc2_angles",
        "Largest distance of their cosines from a simplex.",
        label="NC2 angles",
        when=COLLAPSE,
    ),
    number(
        "nc3", "Distance of last layer and class means, both scaled.", label="NC3", when=COLLAPSE
    ),
    number(
        "nc4",
        "Share of rows decided otherwise than by the nearest class mean.",
        label="NC4",
        when=COLLAPSE,
    ),
    series("balance", "Largest imbalance of neighbouring layers, relatively.", when=COLLAPSE),
    series("alignment", "How well singular vectors of neighbours agree.", when=COLLAPSE),
    series("nc1", "Scatter within classes.", label="NC1", when=COLLAPSE),
    series("nc2_norms", "Spread of norms of class means.", label="NC2 norms", when=COLLAPSE),
    series("nc2_angles", "Distance of cosines from a simplex.", label="NC2 angles", when=COLLAPSE),
    series("nc3", "Distance of last layer and class means.", label="NC3", when=COLLAPSE),
    series("nc4", "Rows decided otherwise than by the nearest mean.", label="NC4", when=COLLAPSE),
    series("class.index", "Class.", when=COLLAPSE),
    series("class.size", "Its rows.", when=COLLAPSE),
    series("class.norm", "Norm of its mean at the end.", when=COLLAPSE),
    series("class.centred_norm", "The same less the mean of class means.", when=COLLAPSE),
    series(
        "excess",
        "Objective relative to that of the upstream convex run, less 1.",
        label="excess over the certified optimum",
        when=CERTIFIED,
    ),
    series("epoch", "Epoch, iteration, level or time of each line."),
    series("step", "Steps of the optimiser so far.", when=METHOD),
    series("loss", "Mean squared error on the training rows.", label="training loss"),
    series("loss_relative", "Loss relative to the mean square of the targets.", when=NOT_FLOW),
    series("objective", "Half the sum of squares plus the penalty."),
    series("weight_norm", "Norm of all weights."),
    series("parameter_norm", "Norm of all weights and biases.", when=NOT_FLOW),
    series("density", "Share of weights that the masks keep.", when=NOT_FLOW),
    series(
        "product_error",
        "Distance of the product of the factors from the target, relative to the target.",
        when=LINEAR,
    ),
)
