"""`check_plugin` accepts our plug-ins, and finds each promise that one of somebody breaks."""

import os
import subprocess
import sys

import pytest

import relu_optima
from relu_optima.cli.scaffold.write import init, new_plugin
from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.errors import ReluOptimaError
from tests.installed import ROOT

FIELDS = {
    ("pattern", "lu"): {"n": 3},
    ("pattern", "bernoulli"): {"n_in": 4, "n_hidden": 5, "n_out": 2, "p": 0.5},
    ("table", "runs"): {"columns": [{"column": "objective"}]},
}
GROUPS = ("dataset", "pruning", "training")


def complete() -> list[tuple[str, str]]:
    """List the plug-ins whose config needs no more than its name."""
    return [
        (group, name)
        for group in GROUPS
        for name in plugin_names(group)
        if sum(f.is_required() for f in load_plugin(group, name).Config.model_fields.values()) == 1
        and "data_dir" not in load_plugin(group, name).Config.model_fields
    ]


@pytest.mark.parametrize(("group", "name"), [*complete(), *FIELDS], ids=str)
def test_ours_keep_their_promises(group, name):
    relu_optima.check_plugin(group, name, **FIELDS.get((group, name), {}))


def test_what_cannot_be_checked_is_one_typed_error():
    with pytest.raises(ReluOptimaError, match="no plug-ins"):
        relu_optima.check_plugin("sensitivity", "path")
    with pytest.raises(ReluOptimaError, match="did you mean 'planted_relu'"):
        relu_optima.check_plugin("dataset", "planted_rely")
    with pytest.raises(ReluOptimaError, match="n: must be set"):
        relu_optima.check_plugin("pattern", "lu")


# kind, what is changed in the file that `new` writes, and what is said of that
BREAKS = [
    ("loader", "synthetic_generator(config.seed)", "np.random.default_rng()", "different data"),
    ("loader", "(config.seed)", "(0)", "`drawn` is 'data' exactly if"),
    ("loader", "        return True", "        return False", "another seed gives other data"),
    ("loader", '"""Draw angles uniformly and radii around 1."""', "", "load has no docstring"),
    ("loader", ', description="Points."', "", "'n' of Config has no description"),
    ("pattern", "np.uint8", "np.float64", "not of type uint8"),
    ("pattern", "np.arange(config.n)", "np.random.permutation(config.n)", "different masks"),
    ("pruner", "lambda beta: -beta)", "lambda beta: beta)[::-1]", "more neurons"),
    ("pruner", "lambda beta: -beta)", "lambda beta: -beta) - 9", "negative"),
    ("figure", 'runs=good["run_id"])', 'runs=good["run_id"])[:0]', "no row"),
    ("figure", "    note_statuses(canvas, frame, marked=False)\n", "", "run without an optimum"),
]
CHECK = """\
import sys
import relu_optima
for line in sys.stdin.read().splitlines():
    group, name = line.split()
    try:
        relu_optima.check_plugin(group, name, **({"x": "objective"} if group == "figure" else {}))
        print("nothing")
    except relu_optima.errors.ContractError as error:
        print(" ".join(str(error).split()))
"""
KINDS = {"loader": "dataset", "pattern": "pattern", "pruner": "pruning", "figure": "figure"}


@pytest.mark.slow
def test_each_broken_promise_is_found(tmp_path):
    root = tmp_path / "mine"
    init(root)
    names = []
    for number, (kind, old, new, _) in enumerate(BREAKS):
        file = new_plugin(kind, f"{kind}{number}", root)[0]
        text = file.read_text()
        assert old in text, old
        file.write_text(text.replace(old, new))
        names.append(f"{KINDS[kind]} {kind}{number}")
    for kind, group in KINDS.items():
        names.append(f"{group} {new_plugin(kind, f'{kind}_whole', root)[0].stem}")
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        input="\n".join(names),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[len(BREAKS) :] == ["nothing"] * len(KINDS)
    for line, (kind, _, new, expected) in zip(said, BREAKS, strict=False):
        assert expected in line, (kind, new, line)
