"""Result columns of stage ``dataset``."""

from __future__ import annotations

from relu_optima.config.result_columns import flag, number, text

BINARY = "labels -1 and +1"

COLUMNS = (
    text("name", "Name that the loader gives the data."),
    text("task", "`binary` (labels -1 and +1), `classes` (one indicator each) or `regression`."),
    number("n_train", "Training rows."),
    number("n_valid", "Validation rows."),
    number("n_test", "Test rows."),
    number("d", "Features after preparation, the constant column of a bias included."),
    number("outputs", "Targets of each row."),
    number("positive_fraction", "Share of training labels that are +1.", when=BINARY),
    text("label_coding", "How labels became numbers."),
    flag("standardised", "Whether features have mean 0 and variance 1 on the training rows."),
    number("target_mean", "What was subtracted from the targets."),
    number("target_scale", "What the targets were divided by."),
    number("constant_columns_dropped", "Features left out because they do not vary."),
    text("digest_raw", "Hash of the data as loaded."),
    text("digest_train", "Hash of the prepared training rows."),
    text("digest_valid", "Hash of the prepared validation rows."),
    text("digest_test", "Hash of the prepared test rows."),
)
