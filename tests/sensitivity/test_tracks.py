"""Neurons followed along a path: one number for each, moving continuously."""

import numpy as np
import pytest

from relu_optima.sensitivity import Program, grid_path
from relu_optima.sensitivity.tracks import neuron_lines
from tests.optimal_set.programs import WORKED_X, WORKED_Y, all_gates, gaussian


def lines_of(X, y, formulation, count=40, low=0.02):
    program = Program(X, y, all_gates(X), formulation)
    lams = program.lam_max * np.geomspace(1, low, count)
    knots = grid_path(program, lams, derivatives=False)
    return knots, neuron_lines([k.optimal for k in knots], program.lam_max)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_every_active_neuron_is_listed_once_at_each_knot(formulation):
    knots, lines = lines_of(*gaussian(2, 8, 2), formulation)
    pairs = list(zip(lines["neurons.id"], lines["neurons.lam_fraction"], strict=True))
    assert len(set(pairs)) == len(pairs) == sum(k.optimal.support.size for k in knots)
    for knot in knots:
        mine = lines["neurons.lam_fraction"] == knot.lam / knots[0].lam
        size = np.abs(lines["neurons.coefficient"][mine]).sum()
        assert size == pytest.approx(knot.optimal.penalty)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_a_neuron_keeps_its_sign_and_turns_slowly(formulation):
    _, lines = lines_of(*gaussian(5, 8, 2), formulation, count=80)
    for number in np.unique(lines["neurons.id"]):
        mine = lines["neurons.id"] == number
        coefficients = lines["neurons.coefficient"][mine]
        assert coefficients.min() * coefficients.max() >= 0
        assert lines["neurons.rotation"][mine][0] == 0
        assert np.abs(np.diff(lines["neurons.rotation"][mine])).max(initial=0) < 0.2


def test_the_worked_example_has_two_neurons():
    _, lines = lines_of(WORKED_X, WORKED_Y, "relu")
    assert set(lines["neurons.id"]) == {0, 1}
