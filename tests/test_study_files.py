"""A study is one file or one folder: what is read, what is shared, and every mistake's place."""

import pytest

from relu_optima.config.compose import compose_preset, presets
from relu_optima.config.problems import Problems
from relu_optima.errors import ConfigError
from relu_optima.plan.make import make_plan
from relu_optima.plan.study_files import read_study, studies
from relu_optima.reproduce.published import load_published
from tests.studies import CONF, put
from tests.test_plan import CONVEX, FIGURE, project, refused  # noqa: F401

ONE = """\
title: One
_lams: &lams {convex.lam: [0.5, 0.2]}
sweeps:
  a:
    why: A question.
    stage: convex
    fixed: {dataset: small, convex: gated, convex.gates.count: 5, convex.lam_scale: lambda_max}
    grid: {<<: *lams, seed: [0, 1]}
    show: [objective]
  b:
    why: Another.
    stage: pruning
    on: [a]
figures:
  f: {plot: line, sweeps: [a], title: T, caption: C., category: Test, x: convex.lam, y: objective}
"""


def single(root, text=ONE, name="one"):
    (root / f"conf/study/{name}.yaml").write_text(text)


def ids(plan):
    return {b.sweep: [e.run for e in b.entries] for b in plan.batches.values()}


def test_a_file_and_a_folder_of_files_say_the_same(project):  # noqa: F811
    single(project)
    one = make_plan("one", root=project)
    assert list(one.sweeps) == ["datasets", "a", "b"]
    put(project, "study/s", "title: One\n")
    sweep = CONVEX + "grid: {convex.lam: [0.5, 0.2], seed: [0, 1]}\n"
    put(project, "sweep/a", sweep.replace("A question", "Other words"))
    put(project, "sweep/b", "why: w\nstage: pruning\non: [a]\n")
    put(project, "figure/f", FIGURE.replace("T\n", "T\nx: convex.lam\ny: objective\n"))
    other = make_plan("s", root=project)
    assert ids(one) == ids(other)
    assert one.figures == other.figures


def test_a_sweep_that_says_what_to_show_has_a_table_of_its_runs(project):  # noqa: F811
    single(project)
    (table,) = make_plan("one", root=project).tables.values()
    assert table.name == "runs_a"
    columns = [c["column"] for c in table.config["columns"]]
    # of all settings those by which the runs differ
    assert columns == ["convex.lam", "seed", "objective"]
    single(project, ONE.replace("show: [objective]", "show: [objectiv]"))
    assert refused(project, "one") == [
        "conf/study/one.yaml: sweep a: show: columns.2.column: no column 'objectiv' in sweep a; "
        "did you mean 'objective'?"
    ]


def test_another_study_shares_narrows_and_builds_on(project):  # noqa: F811
    single(project)
    text = "title: Two\nshare:\n  one: {sweeps: [b], figures: [f]}\noverride: {a: {seed: 0}}\n"
    single(project, text, "two")
    plan = make_plan("two", root=project)
    # `a` follows, since `b` builds on it; the table of its runs stays at home
    assert set(plan.sweeps) == {"datasets", "a", "b"}
    assert list(plan.figures) == ["f"]
    assert not plan.tables
    every = ids(make_plan("one", root=project))
    assert set(ids(plan)["a"]) < set(every["a"])
    own = "sweeps:\n  c: {why: w, stage: optimal_set, on: [a]}\n"
    single(project, text + own, "two")
    assert len(make_plan("two", root=project).sweeps) == 4


@pytest.mark.parametrize(
    ("share", "said"),
    [
        ("nowhere: {sweeps: [b]}", "share: there is no study 'nowhere'; allowed:"),
        ("one: {sweeps: [aa]}", "share.one.sweeps: no sweep 'aa' in study 'one'; did you mean"),
        ("one: {figures: [g]}", "share.one.figures: no figure 'g' in study 'one'"),
        ("one: {tables: [runs_a]}", "share.one.tables: no table 'runs_a' in study 'one'"),
        ("one: {sweep: [a]}", "share.one.sweep: unknown key; did you mean 'sweeps'?"),
    ],
)
def test_what_is_not_there_cannot_be_shared(project, share, said):  # noqa: F811
    single(project)
    put(project, "sweep/a", CONVEX)
    put(project, "study/s", f"title: S\nshare: {{{share}}}\n")
    (problem,) = refused(project)
    assert said in problem


def test_one_name_twice_is_refused(project):  # noqa: F811
    single(project)
    put(project, "sweep/a", CONVEX)
    put(project, "study/s", "title: S\nshare: {one: {sweeps: [a]}}\n")
    (problem,) = refused(project)
    assert "share.one.sweeps: 'a' is defined here too; remove one" in problem
    put(project, "study/s", "title: S\nsweeps:\n  a: {why: w, stage: convex}\n")
    found = refused(project)
    assert "sweeps.a: another file of this study gives it too" in found[0]
    put(project, "study/one", "title: S\n")
    assert refused(project, "one")[0] == (
        "conf/study/one.yaml: there is a folder of this name too; remove one"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sweeps: {}\n", "sweeps: a study has at least one"),
        ("title: ''\nsweeps:\n  a: {why: w, stage: convex}\n", "title: must be set"),
        ("title: S\nsweeps: [a]\n", "sweeps: Input should be a valid dictionary"),
        ("title: S\nsweeps: {A: {}}\n", "sweeps.A"),
        ("title: S\nsweeps:\n  datasets: {why: w, stage: convex}\n", "taken by the planner"),
        ("title: [\n", "not valid YAML"),
    ],
)
def test_a_study_that_cannot_be_read_says_where(project, text, said):  # noqa: F811
    single(project, text)
    found = refused(project, "one")
    assert any(said in p for p in found), found
    assert all("conf/study/one.yaml" in p for p in found)


def test_a_misspelt_study_is_told_the_nearest():
    problems = Problems()
    assert read_study(CONF, "atlass", problems) is None
    assert "did you mean 'atlas'?" in problems.lines()[0]
    assert {"default", "smoke"} <= set(studies(CONF))


def test_published_numbers_stand_in_the_study():
    assert load_published(CONF, "icml2023").items


def test_presets_with_a_base_take_its_values_and_the_base_is_none(project):  # noqa: F811
    put(project, "convex/_wide", "formulation: relu\nlam: 0.1\ngates: {count: 7}\n")
    put(project, "convex/wide", "defaults: [_wide, _self_]\nlam: 0.2\n")
    assert "wide" in presets(project / "conf", "convex")
    assert "_wide" not in presets(project / "conf", "convex")
    found = compose_preset(project / "conf", "convex", "wide")
    assert found == {"formulation": "relu", "lam": 0.2, "gates": {"count": 7}}
    put(project, "sweep/a", "why: w\nstage: convex\nfixed: {dataset: small, convex: wide}\n")
    plan = make_plan("s", root=project)
    assert {r.groups["convex"]["gates"]["count"] for r in plan.runs.values() if r.seed == 0} == {7}
    put(project, "convex/wide", "defaults: [_wild, _self_]\n")
    compose_preset.cache_clear()
    with pytest.raises(ConfigError, match="_wild"):
        make_plan("s", root=project)


def test_a_key_with_a_dot_is_a_mistake_like_any_other(project):  # noqa: F811
    single(project, ONE + "range(0,3) .x..:\n")
    (problem,) = refused(project, study="one")
    assert problem.startswith("conf/study/one.yaml: range(0,3) .x..: unknown key; allowed: ")
