"""The commands that say what there is."""

import pytest
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.config.options import options_of
from relu_optima.config.validate import GROUP_MODELS
from relu_optima.errors import ReluOptimaError
from relu_optima.stage import STAGES


def said(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_help_leaves_out_what_only_snakemake_calls():
    text = said("--help")
    hidden = [*(s.verb for s in STAGES.values()), "collect_sweep", "make_table", "write_paper"]
    assert not [verb for verb in hidden if verb in text]
    assert said("--version").startswith("relu-optima ")


def test_list_names_every_study_and_preset():
    text = said("list")
    for word in ("neurips2023", "breast_cancer_wisconsin", "deep_search", "heatmap"):
        assert word in text


@pytest.mark.parametrize("group", GROUP_MODELS)
def test_every_key_of_every_group_says_what_it_is(group):
    found = options_of(group)
    assert found
    assert all(option.meaning and option.kind for option in found)


def test_options_give_range_default_and_choices():
    found = {option.key: option for option in options_of("convex")}
    assert (found["lam"].kind, found["lam"].default) == ("number (> 0)", "0.05")
    assert "lambda_max | data_norm" in found["lam_scale"].kind
    assert "deep_search" in found["program"].kind
    assert "title" in {option.key for option in options_of("figure.line")}
    with pytest.raises(ReluOptimaError, match="did you mean 'convex'"):
        options_of("convx")
    with pytest.raises(ReluOptimaError, match="no plug-in 'lines'"):
        options_of("figure.lines")
