"""What a seed means: who draws from it, who follows it, and what the command line does to it."""

import ast
import importlib
import inspect
from collections import Counter

import pytest

from relu_optima.config.compose import compose_preset, presets
from relu_optima.config.plugins import plugin_names
from relu_optima.config.validate import validate_group
from relu_optima.errors import ConfigError
from relu_optima.plan.make import make_plan, plan_single_run
from relu_optima.stage import STAGES
from tests.test_plan import CONVEX, REPOSITORY, points, project, write

__all__ = ["project"]  # a fixture
MASKS = "why: w\nstage: existence\nfixed: {pattern: bernoulli}\n"
TWO_SEEDS = CONVEX + "grid: {seed: 'range(0,2)', convex.lam: [0.5, 0.2]}\n"


def sizes(plan):
    return Counter(b.sweep for b in plan.batches.values() for _ in b.entries)


# --- who draws ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_declares_whether_it_draws(name):
    modules = [f"{STAGES[name].package}.stage"]
    if name == "convex":  # a program of its own file draws
        modules.append("relu_optima.convex.listed")
    source = "".join(inspect.getsource(importlib.import_module(m)) for m in modules)
    assert ("task.seed" in source) == bool(STAGES[name].drawn)


def groups_of(group):
    conf = REPOSITORY / "conf"
    for preset in presets(conf, group):
        values = compose_preset(conf, group, preset)
        if "${" not in str(values):
            yield preset, validate_group(group, values)


DRAWING_PRUNERS = {"random"}


@pytest.mark.parametrize("name", [n for n in STAGES if STAGES[n].drawn])
def test_some_preset_of_a_drawing_stage_draws(name):
    drawing = {preset for preset, model in groups_of(name) if model.draws()}
    assert drawing
    if name == "pruning":
        assert drawing == DRAWING_PRUNERS


@pytest.mark.parametrize("method", plugin_names("pruning"))
def test_a_pruner_that_reads_its_seed_says_so(method):
    module = importlib.import_module(f"relu_optima.pruning.methods.{method}")
    function = ast.parse(inspect.getsource(module.steps)).body[0]
    reads = any(isinstance(n, ast.Name) and n.id == "seed" for n in ast.walk(function))
    assert reads == ("draws" in vars(module.Config))


@pytest.mark.parametrize("loader", plugin_names("dataset"))
def test_a_loader_that_reads_its_seed_says_so(loader):
    module = importlib.import_module(f"relu_optima.datasets.loaders.{loader}")
    reads = "config.seed" in inspect.getsource(module)
    assert (
        reads == (module.Config.drawn == "data") == bool(reads and "draws" in vars(module.Config))
    )


def test_data_that_are_the_same_for_every_seed_do_not_draw():
    drawing = {preset: model.draws() for preset, model in groups_of("dataset")}
    assert not any(drawing[p] for p in ("lu_clusters", "isolated_jump", "mnist_2v6"))
    # a split, synthetic data, a subset
    assert all(drawing[p] for p in ("digits_2v6", "anti_diagonal", "mnist_one_hot"))


# --- runs that draw nothing --------------------------------------------------------------------


def test_no_seed_makes_a_copy_of_a_run_that_draws_nothing(project):
    write(project, "sweep/a", MASKS + "grid: {pattern.seed: 'range(0,4)'}\n")
    plan = make_plan("s", root=project)
    assert len(points(plan)) == 4
    assert {r.seed for r in points(plan)} == {None}
    with pytest.raises(
        ConfigError, match=r"no run of sweep 'a' draws from it; it has pattern\.seed"
    ):
        make_plan("s", ["a:seed=range(0,3)"], project)
    with pytest.raises(ConfigError, match=r"states a seed.*SWEEP:seed="):
        make_plan("s", ["seed=range(0,3)"], project)


def test_a_seed_axis_from_which_nothing_draws_is_a_mistake(project):
    write(project, "sweep/a", MASKS + "grid: {seed: 'range(0,3)'}\n")
    with pytest.raises(
        ConfigError, match=r"conf/study/s/sweep_a.yaml: sweep a: seed: no run of sweep 'a' draws"
    ):
        make_plan("s", root=project)


def test_only_the_methods_that_draw_are_repeated(project):
    write(project, "sweep/up", CONVEX)
    text = "why: w\nstage: pruning\non: [up]\ngrid: {pruning: 'random,magnitude', seed: [0, 1]}\n"
    write(project, "sweep/a", text)
    found = [(r.groups["pruning"]["method"], r.seed) for r in points(make_plan("s", root=project))]
    assert sorted(found, key=str) == [("magnitude", None), ("random", 0), ("random", 1)]


def test_a_group_may_follow_the_seed_by_interpolation(project):
    write(project, "sweep/a", MASKS + "grid: {pattern.seed: ['${seed}'], seed: 'range(0,3)'}\n")
    assert [r.groups["pattern"]["seed"] for r in points(make_plan("s", root=project))] == [0, 1, 2]


# --- data follow the seed ----------------------------------------------------------------------


def data_seeds(plan, sweep="a"):
    runs = points(plan, sweep)
    return [(r.seed, plan.runs[r.upstream["dataset"]].groups["dataset"]["seed"]) for r in runs]


def test_data_and_gates_are_drawn_from_the_same_seed(project):
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(3,6)'}\n")
    assert data_seeds(make_plan("s", root=project)) == [(3, 3), (4, 4), (5, 5)]


def test_a_preset_or_a_sweep_may_keep_one_split(project):
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(3,5)', dataset.seed: [7]}\n")
    assert data_seeds(make_plan("s", root=project)) == [(3, 7), (4, 7)]
    write(project, "dataset/small", "loader: planted_relu\nn: 20\nd: 3\nseed: 9\n")
    compose_preset.cache_clear()
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(3,5)'}\n")
    assert data_seeds(make_plan("s", root=project)) == [(3, 9), (4, 9)]


def test_data_that_draw_nothing_are_prepared_once(project):
    text = CONVEX.replace("dataset: small", "dataset: isolated_jump")
    write(project, "sweep/a", text + "grid: {seed: 'range(3,6)'}\n")
    plan = make_plan("s", root=project)
    assert data_seeds(plan) == [(3, 0), (4, 0), (5, 0)]
    assert sizes(plan)["datasets"] == 1


def test_validation_rows_follow_the_seed_too(project):
    text = CONVEX.replace("dataset: small", "dataset: small, dataset.validation_fraction: 0.5")
    write(project, "sweep/a", text + "grid: {seed: [4]}\n")
    plan = make_plan("s", root=project)
    data = plan.runs[points(plan)[0].upstream["dataset"]].groups["dataset"]
    assert (data["seed"], data["validation_seed"]) == (4, 4)


# --- sweeps built on others --------------------------------------------------------------------


def chain(project, where="", more=""):
    write(project, "sweep/up", TWO_SEEDS)
    pruning = f"why: w\nstage: pruning\non: [up]\nfixed: {{pruning: random{more}}}\n"
    write(project, "sweep/a", pruning + (f"where: {where}\n" if where else ""))


def test_a_sweep_follows_the_seeds_of_the_runs_it_builds_on(project):
    chain(project)
    plan = make_plan("s", root=project)
    assert [(r.seed, plan.runs[r.upstream["convex"]].seed) for r in points(plan)] == [
        (0, 0), (0, 0), (1, 1), (1, 1),
    ]  # fmt: skip
    more = make_plan("s", ["seed=range(0,10)"], project)
    assert (sizes(more)["up"], sizes(more)["a"]) == (20, 20)


def test_a_seed_stated_downstream_stays(project):
    chain(project, more=", seed: 0")
    plan = make_plan("s", ["seed=range(0,10)"], project)
    assert {r.seed for r in points(plan)} == {0}
    assert sizes(plan)["a"] == 20
    assert sizes(make_plan("s", ["a:seed=1,2"], project))["a"] == 8


def test_a_seed_is_handed_on_through_runs_that_draw_nothing(project):
    write(
        project, "sweep/up", "why: w\nstage: training\nfixed: {dataset: small}\ngrid: {seed: [5]}\n"
    )
    gates = "convex: relu, convex.gates.source: training, convex.lam_scale: training"
    write(project, "sweep/mid", f"why: w\nstage: convex\non: [up]\nfixed: {{{gates}}}\n")
    write(project, "sweep/a", "why: w\nstage: pruning\non: [mid]\nfixed: {pruning: random}\n")
    plan = make_plan("s", root=project)
    assert [points(plan, s)[0].seed for s in ("up", "mid", "a")] == [5, None, 5]


def test_upstream_runs_with_different_seeds_are_a_contradiction(project):
    fixed = "dataset: small, dataset.seed: 0"
    write(project, "sweep/c", CONVEX.replace("dataset: small", fixed) + "grid: {seed: [1]}\n")
    write(project, "sweep/b", f"why: w\nstage: training\nfixed: {{{fixed}, seed: 2}}\n")
    joined = "why: w\nstage: pruning\non: [c, b]\nfixed: {pruning: random}\n"
    write(project, "sweep/a", joined)
    with pytest.raises(
        ConfigError, match=r"conf/study/s/sweep_a.yaml: sweep a: seed: .*different seeds \(1, 2\)"
    ):
        make_plan("s", root=project)
    write(project, "sweep/a", joined.replace("random", "magnitude"))
    assert len(points(make_plan("s", root=project))) == 1  # draws nothing
    write(project, "sweep/a", joined.replace("random", "random, seed: 0"))
    assert points(make_plan("s", root=project))[0].seed == 0


def test_a_single_run_takes_its_seed_from_the_start_of_its_chain(project):
    plan = plan_single_run("pruning", ["dataset=small", "pruning=random", "seed=3"], project)
    run = points(plan, "pruning")[0]
    assert (run.seed, plan.runs[run.upstream["convex"]].seed) == (3, 3)
    with pytest.raises(ConfigError, match=r"seed: no run of sweep 'existence' draws"):
        plan_single_run("existence", ["seed=3"], project)


# --- overrides of what others select or move with ----------------------------------------------


def test_an_override_of_a_zipped_axis_moves_with_the_others(project):
    write(project, "sweep/a", CONVEX + "zip: {seed: [1, 2], dataset.seed: [8, 9]}\n")
    assert data_seeds(make_plan("s", ["seed=3,4"], project)) == [(3, 8), (4, 9)]
    both = make_plan("s", ["seed=3,4,5", "dataset.seed=6,7,8"], project)
    assert data_seeds(both) == [(3, 6), (4, 7), (5, 8)]
    with pytest.raises(ConfigError, match=r"zip: axes differ in length .*command line: set all"):
        make_plan("s", ["seed=3,4,5"], project)


def test_a_condition_on_what_the_command_line_set_takes_the_value_there(project):
    chain(project, "{up.convex.lam: 0.5}")
    plan = make_plan("s", ["convex.lam=0.3"], project)
    assert {plan.runs[r.upstream["convex"]].groups["convex"]["lam"] for r in points(plan)} == {0.3}
    assert plan.notices == ["sweep a: up: selects convex.lam = 0.3 in place of convex.lam = 0.5"]
    assert make_plan("s", root=project).notices == []


def test_a_sweep_of_which_nothing_is_left_goes_with_all_that_shows_it(project):
    chain(project, "{up.convex.lam: 0.5}")
    write(project, "sweep/b", "why: w\nstage: optimal_set\non: [up]\n")
    table = "table: runs\ntitle: T\ncaption: C.\ncategory: X\ncolumns: [{column: seed}]\n"
    write(project, "table/t", table + "sweeps: [a]\n")
    write(project, "table/u", table + "sweeps: [up]\nwhere: {convex.lam: 0.2}\n")
    plan = make_plan("s", ["convex.lam=0.3,0.4"], project)
    assert set(plan.sweeps) == {"datasets", "up", "b"}
    assert not plan.tables
    text = "\n".join(plan.notices)
    assert "sweep a is left out: up: it selects convex.lam = 0.5" in text
    assert "table t is left out: it shows sweep a" in text
    assert "table u is left out: it selects convex.lam = 0.2" in text
    one = make_plan("s", ["convex.lam=0.3"], project).tables["u"]
    assert one.config["where"] == {"convex.lam": 0.3}
    assert one.config["caption"] == "C. Command line: convex.lam=0.3."
    assert make_plan("s", root=project).tables["u"].config["caption"] == "C."


def test_a_file_that_selects_nothing_is_still_a_mistake(project):
    chain(project, "{up.convex.lam: 0.7}")
    with pytest.raises(ConfigError, match="no upstream run is selected"):
        make_plan("s", root=project)
    with pytest.raises(ConfigError, match="no upstream run is selected"):
        make_plan("s", ["seed=1"], project)


def test_the_readmes_overrides_of_the_default_study():
    plan = make_plan("default", root=REPOSITORY)
    assert sum(sizes(plan).values()) < 2200
    seeds = make_plan("default", ["seed=range(0,10)"], REPOSITORY)
    # sweeps of one seed get ten, those of six get ten, those built on others follow
    assert sum(sizes(seeds).values()) < 2 * sum(sizes(plan).values())
    assert sizes(seeds)["existence_random"] == 1400
    both = make_plan("default", ["convex.lam=0.1", "seed=range(0,10)"], REPOSITORY)
    assert set(both.sweeps) == set(plan.sweeps)
    assert set(both.figures) == set(plan.figures)
    assert both.notices
    assert all("selects convex.lam = 0.1 in place of" in notice for notice in both.notices)


# --- what was published keeps its runs ---------------------------------------------------------


def seeds(plan, sweep):
    """Return the distinct seeds of a sweep's runs, their data and their validation rows."""
    found = set()
    for run in points(plan, sweep):
        data = plan.runs[run.upstream["dataset"]].groups["dataset"]
        found.add((run.seed, data["seed"], data["validation_seed"]))
    return found


FIVE = range(5)
PRUNED = {(123 + i, 650 + i, 0) for i in FIVE}
TUNED = {(123 + i, 650 + i, i) for i in FIVE}
PUBLISHED = {
    "icml2023": {
        "icml_polytope_optima": {(None, 0, 0)},
        "icml_polytope": {(0, 0, 0)},
        "icml_prune_optima": PRUNED,
        "icml_logistic": PRUNED,
        "icml_prune_paths": {(s, 650 + i, 0) for i in FIVE for s in (None, 0)},
        "icml_minimal": {(None, 650 + i, 0) for i in FIVE},
        "icml_tune_optima": TUNED,
        "icml_tune_exact": {(0, 650 + i, i) for i in FIVE},
        "icml_tune_published": {(0, 650 + i, i) for i in FIVE},
        "icml_dimension_optima": {(123 + i, 650 + i, 0) for i in range(3)},
        "icml_dimension": {(0, 650 + i, 0) for i in range(3)},
        "icml_mirrored_minimal": {(None, 650 + i, 0) for i in range(3)},
    },
    "icml2023_images": {
        "icml_cifar_optima": {(123, 0, 0)},
        "icml_cifar_paths": {(None, 0, 0), (0, 0, 0)},
        "icml_mnist_optima": {(123, 0, 0)},
        "icml_mnist_paths": {(None, 0, 0), (0, 0, 0)},
    },
    "neurips2023": {"lu_published": {(i, i, 0) for i in range(10)}},
}


@pytest.mark.parametrize("study", PUBLISHED)
def test_published_studies_keep_their_seeds(study):
    plan = make_plan(study, root=REPOSITORY)
    assert set(plan.sweeps) - {"datasets"} == set(PUBLISHED[study])
    for sweep, expected in PUBLISHED[study].items():
        assert seeds(plan, sweep) == expected, sweep


@pytest.mark.parametrize("repeats", [1, 5])
def test_repeats_of_published_images_differ_in_their_gates_only(repeats):
    plan = make_plan("icml2023_images", [f"repeats={repeats}"], REPOSITORY)
    assert seeds(plan, "icml_mnist_optima") == {(123 + i, 0, 0) for i in range(repeats)}
