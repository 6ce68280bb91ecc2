"""The master of rank two: arcs and their rows, its quadratic, its optimum, blocks that leave."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import price, solve, solve_all
from relu_optima.convex.low_rank import plane_kernels as kernels
from relu_optima.convex.low_rank.hyperplanes import hyperplanes
from relu_optima.convex.low_rank.oracle import Patterns
from relu_optima.convex.low_rank.plane_master import PlaneMaster
from relu_optima.convex.low_rank.pricing import Pricer
from tests.convex.low_rank.data import A1_X, A1_Y, awkward

EVEN = range(0, 20, 2)  # seeds of data of rank two: plain, with zero, equal, opposite, whole rows


def middles(planes) -> np.ndarray:
    """Return a point inside each arc, in the columns."""
    angles = 0.5 * (planes.crossings[1:] + planes.crossings[:-1])
    return planes.basis.T @ np.vstack([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize("seed", EVEN)
def test_every_arc_is_a_cell_and_has_its_rows(seed):
    X, N = awkward(seed, 9)
    planes = hyperplanes(X)
    m = len(planes.normals)
    gates = middles(planes)
    assert planes.arcs_of(planes.basis @ gates).tolist() == list(range(2 * m))
    assert len(np.unique(X @ gates > 0, axis=1).T) == 2 * m
    master = PlaneMaster(X, N[:, :1], planes)
    arcs = np.arange(2 * m)
    signs = np.where(arcs % 3 == 0, -1.0, 1.0)
    gram, along = np.empty((4 * m, 4 * m)), np.empty(4 * m)
    kernels.gram_of_arcs(arcs, signs, master._sums, gram, along)
    flat = X @ planes.basis.T
    on = signs * (X @ gates > 0)
    masked = [column[:, None] * flat for column in on.T]
    design = np.hstack(masked) / np.abs(flat).max()
    target = N[:, 0] / np.abs(N[:, 0]).max()
    np.testing.assert_allclose(gram, design.T @ design, atol=1e-13)
    np.testing.assert_allclose(along, design.T @ target, atol=1e-13)


@pytest.mark.parametrize("seed", EVEN)
@pytest.mark.parametrize("share", [0.3, 0.03, 1e-4])
def test_the_optimum_over_arcs_is_that_of_the_listed_program(seed, share):
    X, N = awkward(seed, 12)
    planes = hyperplanes(X)
    gates = middles(planes)[:, :: 1 + seed % 3]
    lam = share * price(X, N[:, 0]).value
    master = PlaneMaster(X, N[:, :1], planes)
    assert master.admit(Patterns(0.0, gates)) == gates.shape[1]
    network = master.solve(lam, 1e-10, None)
    listed = solve(X, N[:, 0], gates, lam, tol=1e-10)
    assert network.objective(X, N[:, 0], lam) == pytest.approx(listed.objective, rel=1e-9)
    # again from the answer, with nothing new: only arcs that were left come back
    assert master.admit(Patterns(0.0, gates)) >= gates.shape[1] - network.n_neurons
    again = master.solve(lam, 1e-10, None)
    assert again.objective(X, N[:, 0], lam) == pytest.approx(listed.objective, rel=1e-9)


def test_blocks_that_are_zero_leave_and_two_on_one_ray_are_one_neuron():
    planes = hyperplanes(A1_X)
    master = PlaneMaster(A1_X, A1_Y[:, None], planes)
    master.admit(Patterns(0.0, middles(planes)))
    network = master.solve(0.1, 1e-12, None)
    assert network.objective(A1_X, A1_Y, 0.1) == pytest.approx(0.33129375022431, rel=1e-12)
    directions = network.U * network.V
    assert network.n_neurons == len(network.U) == len(np.unique(directions.round(9), axis=0))
    assert (master._state != kernels.ZERO).all()


def test_gates_of_a_direction_on_a_hyperplane_are_on_both_sides_of_it():
    X, _ = awkward(0, 9)
    pricer = Pricer(X)
    planes = pricer.planes
    m = len(planes.normals)
    for crossing in (0, 1, m, 2 * m - 1):
        u = planes.ends[crossing] @ planes.basis
        sides = planes.arcs_of(planes.basis @ pricer.gates(u[None, :]))
        assert sorted(sides.tolist()) == sorted({crossing, (crossing - 1) % (2 * m)})


@pytest.mark.parametrize(("share", "tol"), [(0.5, 1e-9), (1e-2, 1e-9), (1e-5, 1e-7)])
def test_small_strengths_and_tolerances_are_reached(share, tol):
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.standard_normal(250), np.ones(250)])
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.standard_normal(250)
    found = solve_all(X, y, share * price(X, y).value, tol=tol)
    assert (found.status, found.method) == ("optimal", "price")
    assert found.certify().gap <= 1.1 * tol
