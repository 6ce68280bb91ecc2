"""From sweep files to runs and batches: axes, joins, identity, and every mistake at once."""

import time
from pathlib import Path

import pytest

from relu_optima.config import compose
from relu_optima.errors import ConfigError
from relu_optima.plan.make import make_plan, plan_single_run, split_study_name, study_name
from relu_optima.plan.model import read_manifest, write_manifest
from tests.studies import put as write

REPOSITORY = Path(__file__).resolve().parents[1]

CONVEX = """\
why: A question.
stage: convex
fixed: {dataset: small, convex: gated, convex.gates.count: 5, convex.lam_scale: lambda_max}
"""


@pytest.fixture
def project(tmp_path):
    """Return a project folder with the repository's presets and no sweep of its own."""
    import shutil

    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    (tmp_path / "conf/dataset/small.yaml").write_text("loader: planted_relu\nn: 20\nd: 3\n")
    write(tmp_path, "study/s", "title: S\n")
    yield tmp_path
    compose.compose_preset.cache_clear()
    compose.study_defaults.cache_clear()


def points(manifest, sweep="a"):
    entries = [e for b in manifest.batches_of(sweep) for e in b.entries]
    return [manifest.runs[e.run] for e in entries]


def test_grid_is_a_product_and_zip_moves_together(project):
    write(
        project,
        "sweep/a",
        CONVEX + "grid: {seed: 'range(0,2)'}\nzip: {convex.lam: [0.5, 0.2], dataset.n: [20, 30]}\n",
    )
    plan = make_plan("s", root=project)
    got = [
        (r.seed, r.groups["convex"]["lam"], plan.runs[r.upstream["dataset"]].groups["dataset"]["n"])
        for r in points(plan)
    ]
    assert got == [(0, 0.5, 20), (0, 0.2, 30), (1, 0.5, 20), (1, 0.2, 30)]


def test_same_science_same_id_whatever_the_spelling(project):
    write(project, "sweep/a", CONVEX + "grid: {convex.lam: [1, 0.5]}\n")
    first = [r.id for r in points(make_plan("s", root=project))]
    write(project, "sweep/a", CONVEX + "grid: {convex.lam: '1.0,5e-1'}\n")
    assert [r.id for r in points(make_plan("s", root=project))] == first


def test_operational_values_do_not_change_the_id(project):
    write(project, "sweep/a", CONVEX)
    before = points(make_plan("s", root=project))[0].id
    write(project, "sweep/a", CONVEX.replace("{", "{convex.time_limit: 1.0, "))
    assert points(make_plan("s", root=project))[0].id == before


def test_batches_agree_and_are_full(project):
    write(
        project,
        "sweep/a",
        CONVEX
        + "grid: {seed: 'range(0,5)', convex.lam: '0.5,0.2'}\n"
        + "batch_by: [convex.lam]\nmax_runs: 3\n",
    )
    plan = make_plan("s", root=project)
    sizes = [len(b.entries) for b in plan.batches_of("a")]
    assert sizes == [3, 2, 3, 2]
    for batch in plan.batches_of("a"):
        assert len({plan.runs[e.run].groups["convex"]["lam"] for e in batch.entries}) == 1


def test_adding_a_seed_leaves_the_other_ids_alone(project):
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(0,2)'}\n")
    before = {r.id for r in points(make_plan("s", root=project))}
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(0,3)'}\n")
    after = {r.id for r in points(make_plan("s", root=project))}
    assert before < after
    assert len(after - before) == 1


def test_upstream_join_and_where(project):
    write(project, "sweep/up", CONVEX + "grid: {convex.lam: '0.5,0.2', seed: 'range(0,2)'}\n")
    write(
        project,
        "sweep/a",
        "why: w\nstage: pruning\non: [up]\nwhere: {up.convex.lam: 0.2}\n"
        "grid: {pruning: 'optimal,magnitude'}\n",
    )
    plan = make_plan("s", root=project)
    runs = points(plan)
    assert len(runs) == 4
    upstream = [plan.runs[r.upstream["convex"]] for r in runs]
    assert {u.groups["convex"]["lam"] for u in upstream} == {0.2}
    assert all(
        r.upstream["dataset"] == u.upstream["dataset"] for r, u in zip(runs, upstream, strict=True)
    )
    assert {b.sweep for b in plan.batches.values()} == {"datasets", "up", "a"}
    for batch in plan.batches_of("a"):
        assert {i.split("/")[0] for i in batch.inputs} == {"up", "datasets"}


def test_upstream_change_changes_downstream_ids(project):
    write(project, "sweep/up", CONVEX)
    write(project, "sweep/a", "why: w\nstage: pruning\non: [up]\n")
    before = points(make_plan("s", root=project))[0].id
    write(project, "sweep/up", CONVEX.replace("count: 5", "count: 6"))
    assert points(make_plan("s", root=project))[0].id != before


MISTAKES = {
    "unknown key": (
        CONVEX + "grid: {convex.lamb: '1,2'}\n",
        "convex.lamb: unknown key; did you mean 'lam'",
    ),
    "wrong type": (CONVEX + "grid: {convex.lam: 'a,b'}\n", "convex.lam: .*got 'a' \\(str\\)"),
    "out of range": (
        CONVEX + "grid: {convex.lam: '0.1,-1'}\n",
        "convex.lam: .*greater than 0.*got -1",
    ),
    "unknown preset": (
        CONVEX.replace("small", "smal"),
        "dataset: unknown choice 'smal'; did you mean 'small'",
    ),
    "unknown group": (
        CONVEX + "grid: {convx.lam: '1'}\n",
        "convx.lam: unknown key; did you mean 'convex'",
    ),
    "unknown stage": (
        CONVEX.replace("stage: convex", "stage: convx"),
        "stage: 'convx' is not a choice; did you mean 'convex'",
    ),
    "unknown sweep key": (CONVEX + "gird: {}\n", "gird: unknown key; did you mean 'grid'"),
    "no why": (CONVEX.replace("why: A question.\n", ""), "why: must be set"),
    "duplicate": (CONVEX + "grid: {convex.lam: [1, 1.0]}\n", "are the same run"),
    "zip lengths": (
        CONVEX + "zip: {seed: [1, 2], convex.lam: [1]}\n",
        "zip: axes differ in length",
    ),
    "twice": (
        CONVEX + "grid: {convex: [relu]}\n",
        "convex: set in more than one of fixed, grid, zip",
    ),
    "empty axis": (CONVEX + "grid: {seed: []}\n", "seed: the axis has no value"),
    "bad seed": (CONVEX + "grid: {seed: [-1]}\n", "seed: must be a whole number"),
    "bool seed": (CONVEX + "grid: {seed: [true]}\n", "seed: must be a whole number"),
    "grammar": (CONVEX + "grid: {convex.lam: 'range(1'}\n", "does not follow the override grammar"),
    "cycle": (CONVEX + "on: [a]\n", "cycle a -> a"),
    "no upstream": ("why: w\nstage: pruning\n", "name a sweep of stage 'convex'"),
    "unknown upstream": (CONVEX + "on: [nowhere]\n", "there is no sweep 'nowhere'"),
    "not YAML": ("why: [", "not valid YAML"),
    "resolver": (CONVEX + "grid: {convex.lam: ['${oc.env:HOME}']}\n", "is not allowed"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_names_file_key_and_remedy(project, mistake):
    text, expected = MISTAKES[mistake]
    write(project, "sweep/a", text)
    with pytest.raises(ConfigError, match=expected) as caught:
        make_plan("s", root=project)
    assert "conf/study/s/sweep_a.yaml" in str(caught.value)


def test_mistakes_in_three_files_are_listed_together(project):
    write(project, "study/s", "title: S\ntable: []\n")
    write(project, "sweep/a", CONVEX + "grid: {convex.lamb: '1,2'}\n")
    write(project, "convex/typo", "formulation: rellu\nlam: 0.1\n")
    write(project, "sweep/b", "why: w\nstage: convex\nfixed: {dataset: small, convex: typo}\n")
    with pytest.raises(ConfigError) as caught:
        make_plan("s", root=project)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    for part in (
        "conf/study/s/study.yaml: table",
        "conf/study/s/sweep_a.yaml: sweep a: convex.lamb",
        "conf/convex/typo.yaml",
    ):
        assert part in text
    assert text.count("did you mean") == 3


def test_characters_that_cannot_be_set_are_told_before_anything_runs(project):
    write(project, "sweep/a", CONVEX)
    common = "sweeps: [a]\ntitle: λₘₐₓ\ncategory: Test\n"
    table = "table: runs\ncaption: A ☃.\nlabels: {seed: 雪 λ}\ncolumns: [{column: seed}]\n"
    write(project, "table/t", common + table)
    figure = "plot: line\ncaption: A ☃.\nx: seed\ny: gap\nvalues: {relu: 雪}\n"
    write(project, "figure/f", common + figure)
    with pytest.raises(ConfigError) as caught:
        make_plan("s", root=project)
    assert [p.split(" in '")[0] for p in caught.value.problems] == [
        "conf/study/s/figure_f.yaml: figure f: values.relu: the figures' font has no sign for '雪' "
        "(U+96EA, cjk unified ideograph-96ea)",
        "conf/study/s/table_t.yaml: table t: caption: LaTeX has no command for '☃' "
        "(U+2603, snowman)",
        "conf/study/s/table_t.yaml: table t: labels.seed: LaTeX has no command for '雪' "
        "(U+96EA, cjk unified ideograph-96ea)",
    ]


def test_where_must_name_a_column(project):
    write(project, "sweep/up", CONVEX)
    write(project, "sweep/a", "why: w\nstage: pruning\non: [up]\nwhere: {up.convex.lm: 1}\n")
    with pytest.raises(
        ConfigError, match=r"up\.convex\.lm: no such column; did you mean 'convex\.lam'"
    ):
        make_plan("s", root=project)


def test_upstream_values_cannot_be_overridden_downstream(project):
    write(project, "sweep/up", CONVEX)
    write(project, "sweep/a", "why: w\nstage: pruning\non: [up]\nfixed: {convex.lam: 0.1}\n")
    with pytest.raises(ConfigError, match="set by the upstream sweep; change it there"):
        make_plan("s", root=project)


def test_overrides_replace_axes_and_name_the_study(project):
    write(project, "sweep/a", CONVEX + "grid: {convex.lam: '0.5,0.2', seed: 'range(0,2)'}\n")
    plan = make_plan("s", ["convex.lam=0.3", "seed=5"], project)
    assert [(r.seed, r.groups["convex"]["lam"]) for r in points(plan)] == [(5, 0.3)]
    assert plan.study == study_name("s", ["seed=5", "convex.lam=0.3"])
    assert split_study_name(plan.study) == ("s", True)
    with pytest.raises(
        ConfigError, match=r"training\.epochs: no sweep of study 's' reads this key"
    ):
        make_plan("s", ["training.epochs=3"], project)


def test_an_override_may_name_one_sweep(project):
    for name, lam in (("a", 0.5), ("b", 0.4)):
        write(project, f"sweep/{name}", CONVEX + f"grid: {{convex.lam: [{lam}]}}\n")
    plan = make_plan("s", ["a:convex.lam=0.3"], project)
    assert [points(plan, s)[0].groups["convex"]["lam"] for s in "ab"] == [0.3, 0.4]


def test_repeats_count_on_from_the_seed_and_keep_the_first_ids(project):
    write(project, "sweep/a", CONVEX + "repeats: 1\ngrid: {seed: 7, convex.lam: [0.5, 0.2]}\n")
    once = points(make_plan("s", root=project))
    assert [r.seed for r in once] == [7, 7]
    more = points(make_plan("s", ["repeats=3"], root=project))
    assert sorted(r.seed for r in more) == [7, 7, 8, 8, 9, 9]
    assert {r.id for r in once} < {r.id for r in more}
    write(project, "study/s", "title: S\noverride: {a: {repeats: 2}}\n")
    assert sorted(r.seed for r in points(make_plan("s", root=project))) == [7, 7, 8, 8]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["repeats=0"], "whole number"),
        (["repeats=1,2"], "whole number"),
        (["repeats=many"], "whole number"),
        (["repeats=2", "seed=1,2"], "one seed"),
    ],
)
def test_repeats_that_make_no_sense_are_refused(project, overrides, said):
    write(project, "sweep/a", CONVEX + "repeats: 1\n")
    with pytest.raises(ConfigError, match=f"repeats: .*{said}"):
        make_plan("s", overrides, root=project)
    assert [r.seed for r in points(make_plan("s", ["seed=1,2"], root=project))] == [1, 2]


def test_repeats_are_asked_only_of_sweeps_that_state_them(project):
    write(project, "sweep/a", CONVEX)
    with pytest.raises(ConfigError, match="repeats: no sweep"):
        make_plan("s", ["repeats=2"], root=project)


def test_a_study_may_narrow_its_sweeps(project):
    write(
        project,
        "study/s",
        "title: S\noverride: {a: {convex.lam: 0.3, seed: 'range(0,2)'}}\n",
    )
    write(project, "sweep/a", CONVEX + "grid: {convex.lam: '0.5,0.2', seed: 'range(0,9)'}\n")
    assert len(points(make_plan("s", root=project))) == 2
    write(project, "study/s", "title: S\noverride: {b: {seed: 1}}\n")
    with pytest.raises(ConfigError, match=r"conf/study/s/study.yaml: override: no sweep 'b'"):
        make_plan("s", root=project)


@pytest.mark.parametrize("name", ["../x", "a b", "A", "x;y", "$(x)", "", "x-123"])
def test_hostile_study_names_are_refused(name):
    with pytest.raises(ConfigError):
        split_study_name(name)


def test_single_run_sets_upstream_values(project):
    plan = plan_single_run(
        "pruning", ["dataset=small", "convex.lam=0.3", "pruning=magnitude"], project
    )
    run = points(plan, "pruning")[0]
    assert plan.runs[run.upstream["convex"]].groups["convex"]["lam"] == 0.3
    with pytest.raises(ConfigError, match="several values"):
        plan_single_run("convex", ["seed=1,2"], project)


def test_manifest_round_trip_and_unchanged_file(project):
    write(project, "sweep/a", CONVEX + "grid: {seed: 'range(0,3)'}\n")
    plan = make_plan("s", root=project)
    path = project / "plan.json"
    assert write_manifest(plan, path)
    assert read_manifest(path) == read_manifest(path)
    assert read_manifest(path).to_json() == plan.to_json()
    assert not write_manifest(make_plan("s", root=project), path)


def test_ten_thousand_runs_plan_in_seconds(project):
    write(
        project,
        "sweep/a",
        CONVEX + "grid: {convex.lam: 'range(0.0001,1.00005,0.001)', seed: 'range(0,10)'}\n",
    )
    start = time.process_time()
    plan = make_plan("s", root=project)
    assert len(points(plan)) == 10_000
    assert time.process_time() - start < 10


@pytest.fixture
def nested(project, monkeypatch):
    """Return a function that plans runs on data of a pattern family, from a copy of the source."""
    import shutil

    from relu_optima.plan import code_key

    source = project / "relu_optima"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "src/relu_optima", source, ignore=ignore)
    write(
        project,
        "sweep/a",
        "why: w\nstage: training\n"
        "fixed: {dataset: staircase, training: lu_small, pattern: atlas}\n",
    )

    def plan():
        monkeypatch.setattr(code_key, "running_source", lambda: code_key.SourceTree(source))
        runs = make_plan("s", root=project).runs.values()
        return {(r.stage, r.id, r.code_key) for r in runs}

    return source, plan


def test_a_comment_in_a_family_that_data_name_changes_nothing(nested):
    source, plan = nested
    before = plan()
    family = source / "patterns/families/atlas.py"
    family.write_text(family.read_text() + "\n# a comment\n")
    assert plan() == before


def test_code_that_a_family_reaches_belongs_to_data_that_name_it(nested):
    source, plan = nested
    before = plan()
    helper = source / "patterns/classes.py"
    assert "relu_optima.patterns.classes" in (source / "patterns/families/atlas.py").read_text()
    helper.write_text(helper.read_text() + "\n_EDITED = 1\n")
    after = plan()
    assert {(s, i) for s, i, _ in after} == {(s, i) for s, i, _ in before}
    assert {s for s, _, _ in after - before} == {"dataset", "training"}


FIGURE = """\
plot: line
sweeps: [a]
title: T
caption: C.
category: Test
"""


def refused(project, study="s"):
    with pytest.raises(ConfigError) as caught:
        make_plan(study, root=project)
    return caught.value.problems


def test_columns_of_figures_and_tables_are_checked_before_anything_runs(project):
    write(project, "sweep/a", CONVEX)
    write(
        project,
        "figure/f",
        FIGURE + "x: convex.lamb\ny: objectiv\nwhere: {convex.lamb: 1}\n"
        "hue: seeds\nlabels: {convex.lam: λ, obj: o}\n",
    )
    write(project, "figure/g", FIGURE.replace("line", "traces") + "x: lam\ny: series.lam\n")
    write(
        project,
        "table/t",
        FIGURE.replace("plot: line", "table: runs")
        + "columns: [{column: gap}, {column: dataset.nn}]\nsort: [dataset.nn]\n"
        "macros: {M: {column: gapp, statistic: max}}\n",
    )
    near = "in sweep a; did you mean"
    f, g, t = (
        f"conf/study/s/{kind}_{name}.yaml: {kind} {name}"
        for kind, name in (("figure", "f"), ("figure", "g"), ("table", "t"))
    )
    found = refused(project)
    for part in (
        f"{f}: where, x: no column 'convex.lamb' in sweep a; did you mean 'convex.lam'?",
        f"{f}: y: no column 'objectiv' in sweep a; did you mean 'objective'?",
        f"{f}: hue: no column 'seeds' in sweep a; did you mean 'seed'?",
        f"{f}: labels: nothing that it shows is called 'obj'",
        f"{g}: x: Value error, a series is named as its column is: 'series.lam'",
        f"{t}: columns.1.column, sort.0: no column 'dataset.nn' {near} 'dataset.n'?",
        f"{t}: macros.M.column: no column 'gapp' in sweep a; did you mean 'gap'?",
    ):
        assert sum(p.startswith(part) for p in found) == 1, found
    assert len(found) == 7


def test_a_series_that_the_stage_lacks_is_refused(project):
    write(project, "sweep/a", CONVEX)
    write(project, "figure/f", FIGURE.replace("line", "traces") + "x: series.lam\ny: series.gap\n")
    assert len(refused(project)) == 2


def test_a_batch_column_is_checked(project):
    write(project, "sweep/a", CONVEX + "batch_by: [convex.lamb]\n")
    (problem,) = refused(project)
    assert "batch_by: no column 'convex.lamb'; did you mean 'convex.lam'?" in problem


def test_one_misspelt_key_of_a_preset_is_one_message(project):
    write(project, "convex/typo", "formulation: relu\nlamm: 0.1\n")
    one = "why: w\nstage: convex\nfixed: {dataset: small, convex: typo}\n"
    for name in "abcde":
        write(project, f"sweep/{name}", one + f"grid: {{seed: [{ord(name)}]}}\n")
    write(project, "sweep/p", "why: w\nstage: pruning\non: [a]\n")
    write(project, "figure/f", FIGURE + "x: convex.lam\ny: objective\n")
    assert refused(project) == [
        "conf/convex/typo.yaml: convex.lamm: unknown key; did you mean 'lam'? "
        "(met by sweeps a, b, c and 2 more)"
    ]


def test_mistakes_below_a_broken_sweep_are_listed_too(project):
    write(project, "sweep/a", CONVEX + "grid: {convex.lamb: [1]}\n")
    write(project, "sweep/p", "why: w\nstage: pruning\non: [a]\nfixed: {pruning: optimall}\n")
    found = refused(project)
    assert len(found) == 2
    assert "conf/study/s/sweep_p.yaml: sweep p: pruning: unknown choice 'optimall'" in found[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plot: line", "plo: line", "plo: unknown key; did you mean 'plot'?"),
        ("x: convex.lam", "xx: convex.lam", "xx: unknown key; did you mean 'x'?"),
        ("x: convex.lam", "x: 3", "x: Input should be a valid string"),
        ("log_x: true", "where: {seed: null}", "where.seed: Input should be"),
    ],
)
def test_one_typo_in_a_figure_is_one_message(project, old, new, said):
    write(project, "sweep/a", CONVEX)
    text = FIGURE + "x: convex.lam\ny: objective\nhue: dataset\nlog_x: true\n"
    write(project, "figure/f", text.replace(old, new))
    (problem,) = refused(project)
    assert problem.startswith(f"conf/study/s/figure_f.yaml: figure f: {said}")


def test_a_sweep_that_cannot_be_read_is_not_missed_by_its_figures(project):
    write(project, "sweep/a", CONVEX.replace("stage: convex", "stag: convex"))
    write(project, "study/s", "title: S\noverride: {a: {seed: 1}}\n")
    write(project, "figure/f", FIGURE + "x: convex.lam\ny: objective\n")
    assert refused(project) == [
        "conf/study/s/sweep_a.yaml: sweep a: stag: unknown key; did you mean 'stage'?"
    ]


def test_only_what_shows_a_column_is_made_anew_for_its_label(project, monkeypatch):
    from relu_optima.publish import labels

    write(project, "sweep/a", CONVEX)
    write(project, "figure/f", FIGURE + "x: convex.lam\ny: objective\n")
    write(project, "figure/g", FIGURE + "x: convex.lam\ny: gap\n")
    before = make_plan("s", root=project)
    named = labels.declared_labels() | {"gap": "distance"}
    monkeypatch.setattr(labels, "declared_labels", lambda: named)
    after = make_plan("s", root=project)
    assert after.runs == before.runs
    assert after.figures["f"].digest == before.figures["f"].digest
    assert after.figures["g"].digest != before.figures["g"].digest
