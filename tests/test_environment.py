"""Versions of what some code reaches, and how two environments differ."""

import subprocess
import sys
from importlib import metadata

import pytest

from relu_optima.plan import code_key
from relu_optima.plan.code_key import key_of, running_source
from relu_optima.plan.environment import Environment, environment_of
from relu_optima.stage import STAGES


def modules_of(stage: str) -> list[str]:
    """Return what a run of a stage is made of: its entry, and for convex the listed program."""
    programs = ["relu_optima.convex.programs.listed"] if stage == "convex" else []
    return [f"{STAGES[stage].package}.stage", *programs]


def of(stage: str) -> Environment:
    return running_source().environment(modules_of(stage))


def test_a_stage_reaches_its_libraries_and_what_they_require():
    libraries = of("convex").libraries
    assert libraries["scipy"] == metadata.version("scipy")
    assert "llvmlite" in libraries  # required by numba, imported by nobody here
    assert not {"torch", "matplotlib", "pandas", "snakemake"} & set(libraries)
    assert "torch" in of("training").libraries
    assert {"python-flint", "z3-solver"} <= set(of("existence").libraries)


def test_figures_reach_matplotlib_and_no_stage_does():
    figure = ["relu_optima.publish.figures.line", "relu_optima.publish.render"]
    assert "matplotlib" in running_source().environment(figure).libraries
    assert not [stage for stage in STAGES if "matplotlib" in of(stage).libraries]


def test_differences_are_named():
    old = Environment("3.11.7", {"scipy": "1.17.1", "numpy": "2.4.6"}, {})
    new = Environment("3.12.1", {"scipy": "1.18.1", "numpy": "2.4.6"}, {"RELU_OPTIMA_NO_JIT": "1"})
    assert old.changes(old) == []
    assert old.changes(new) == [
        "libraries: Python 3.11.7 → 3.12.1, scipy 1.17.1 → 1.18.1",
        "settings: RELU_OPTIMA_NO_JIT unset → 1",
    ]
    assert Environment.from_json(new.to_json()) == new


@pytest.mark.parametrize(
    "value", [None, {}, {"python": "3", "libraries": {"a": 1}, "settings": {}}]
)
def test_what_is_no_environment_is_refused(value):
    with pytest.raises(ValueError, match="environment"):
        Environment.from_json(value)


@pytest.mark.parametrize(
    ("variable", "stages"),
    [
        ("RELU_OPTIMA_NO_JIT=1", {"convex"}),
        ("RELU_OPTIMA_NO_JIT=0", set()),
        ("NUMBA_OPT=1", {"convex"}),
        ("OPENBLAS_CORETYPE=Haswell", {"dataset", "existence", "training", "convex"}),
        ("ATEN_CPU_CAPABILITY=default", {"training"}),
    ],
)
def test_settings_that_change_numbers_change_keys(variable, stages, monkeypatch):
    names = ("dataset", "existence", "training", "convex")
    imports = {s: _imports(s) for s in names}
    before = {s: environment_of(i).id for s, i in imports.items()}
    environment_of.cache_clear()
    monkeypatch.setenv(*variable.split("="))
    after = {s: environment_of(i).id for s, i in imports.items()}
    environment_of.cache_clear()
    assert {s for s in names if before[s] != after[s]} == stages


def _imports(stage: str) -> frozenset[str]:
    tree = running_source()
    reached = tree.closure(modules_of(stage))
    return frozenset().union(*(tree.libraries(module) for module in reached))


def test_libraries_change_the_key_and_not_the_code(monkeypatch):
    before = key_of("convex", [], [])
    other = Environment("3.11.7", {"scipy": "9.9.9"}, {})
    tree = code_key.SourceTree()
    monkeypatch.setattr(tree, "environment", lambda modules: other)
    monkeypatch.setattr(code_key, "running_source", lambda: tree)
    after = key_of("convex", [], [])
    assert before.code == after.code
    assert before.code_key != after.code_key


def test_a_fake_distribution_in_front_is_seen(tmp_path):
    info = tmp_path / "scipy-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 9.9.9\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from relu_optima.plan.environment import environment_of\n"
        "print(environment_of(frozenset({'scipy', 'no_such_module'})).libraries)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'scipy': '9.9.9'" in said.stdout
    assert "'no-such-module': 'absent'" in said.stdout
