"""The project's own files agree with each other and with its rules."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from numpydoc.validate import validate
from packaging.version import Version

import relu_optima
from relu_optima.config.compose import presets
from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.errors import EXTRAS
from relu_optima.stage import STAGES
from tests import tolerances_page

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# GL08: no docstring; PR: parameters; RT: returns; YD: yields; SS03: summary ends with a period
DOCSTRING_CODES = {"GL08", "PR01", "PR02", "PR03", "PR04", "PR07", "RT01", "RT03", "YD01", "SS03"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return {normal(n): v for n, v in (line.split("==") for line in lines)}


def direct() -> dict[str, str]:
    """What `make` installs, each at one version."""
    lines = PYPROJECT["project"]["optional-dependencies"]["dev"]
    return {normal(n): v for n, v in (line.split("==") for line in lines)}


def required(*extras: str) -> dict[str, Version]:
    """Lower bounds of what an installation with these extras brings."""
    project = PYPROJECT["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {normal(n): Version(v) for n, v in (line.split(">=") for line in lines)}


RUNTIME = ("train", "study", "slurm", "reference")


def test_what_users_install_is_what_we_pin():
    pinned = direct()
    for name, least in required(*RUNTIME).items():
        assert least <= Version(pinned[name]), name
    every = PYPROJECT["project"]["optional-dependencies"]["all"]
    assert every == [f"relu-optima[{','.join(RUNTIME)}]"]


def test_every_import_is_declared_and_every_dependency_imported():
    found = metadata.packages_distributions()
    used = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add((node.module or "").split(".")[0])
    used -= {*sys.stdlib_module_names, "relu_optima"}
    distributions = {normal(found[module][0]) for module in used if module in found}
    distributions |= {normal(m) for m in used if m not in found}
    # packages that others need beside them, and the two that are run and not imported
    beside = {"pydantic-core", "snakemake", "snakemake-executor-plugin-slurm", "clarabel"}
    assert distributions - beside == set(required(*RUNTIME)) - beside
    core = {normal(found.get(m, [m])[0]) for m in used - set(EXTRAS)}
    assert core - beside == set(required())


def test_every_direct_pin_is_in_the_lock():
    locked = lock()
    assert {n: locked.get(n) for n in direct()} == direct()


def test_lock_has_no_machine_specific_line():
    text = (ROOT / "requirements.lock").read_text()
    wrong = [line for line in text.splitlines() if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert not wrong


def test_conda_twin_uses_pyproject_and_lock():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(d["pip"] for d in content["dependencies"] if isinstance(d, dict))
    assert pip == ["--constraint requirements.lock", "-e .[dev]"]
    versions = [d for d in content["dependencies"] if isinstance(d, str) and "python=" in d]
    assert versions == ["python=3.11"]
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"


def modules() -> list[str]:
    found = pkgutil.walk_packages(relu_optima.__path__, "relu_optima.")
    return [m.name for m in found if not m.name.endswith("__main__")]


def public_names() -> list[str]:
    names = []
    for name in modules():
        module = importlib.import_module(name)
        names.append(name)
        for attribute, value in vars(module).items():
            if attribute.startswith("_") or getattr(value, "__module__", None) != name:
                continue
            if isinstance(value, type) or callable(value):
                names.append(f"{name}.{attribute}")
                if isinstance(value, type):
                    names += [
                        f"{name}.{attribute}.{method}"
                        for method, body in vars(value).items()
                        if not method.startswith("_")
                        and (callable(body) or isinstance(body, property))
                    ]
    return names


# what plug-ins and stages of other people are written against
CONTRACTS = ("relu_optima.stage.", "relu_optima.errors.", "relu_optima.training.rule.")


def exported() -> set[str]:
    """Full names of what the packages offer to importers (their `__init__.pyi`)."""
    packages = [importlib.import_module(n) for n in ("relu_optima", *modules())]
    offered = [getattr(p, n) for p in packages for n in getattr(p, "__all__", ())]
    return {f"{v.__module__}.{v.__qualname__}" for v in offered if hasattr(v, "__qualname__")}


def test_docstrings_are_complete_where_they_are_read():
    """Sections of numpydoc for exported names and contracts, a sentence for everything else."""
    wrong, offered = [], exported()
    for name in public_names():
        if ".cli." in name:
            continue  # the command line's help, checked by typer
        if name in sys.modules:
            wrong += [] if sys.modules[name].__doc__ else [f"{name}: no docstring"]
            continue
        read = name.startswith(CONTRACTS) or name in offered or name.rpartition(".")[0] in offered
        # a dataclass or pydantic model documents its fields as attributes or descriptions
        brief = isinstance(_resolve(name), type) or not read
        codes = {"GL08", "SS03"} if brief else DOCSTRING_CODES
        wrong += [f"{name}: {c} {m}" for c, m in validate(name)["errors"] if c in codes]
    assert len(offered) > 30
    assert not wrong, "\n".join(wrong)


def _resolve(name: str) -> object:
    for cut in range(name.count(".") + 1, 0, -1):
        head = ".".join(name.split(".")[:cut])
        if head in sys.modules:
            value: object = sys.modules[head]
            for part in name.split(".")[cut:]:
                value = getattr(value, part)
            return value
    raise AssertionError(name)


def test_planning_loads_no_heavy_library():
    code = (
        "import sys; from relu_optima.plan.make import make_plan; make_plan('default');"
        "heavy = {'torch', 'cvxpy', 'numba', 'scipy', 'sklearn', 'pandas', 'matplotlib', 'z3', "
        "'sympy'} & set(sys.modules); print(sorted(heavy)); sys.exit(bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_vocabulary():
    rules = {p.stem: p.read_text() for p in (ROOT / "workflow/rules").glob("*.smk")}
    # one rule for each stage, made in a loop over STAGES and named after its verb
    assert "for stage in STAGES.values():" in rules["compute"]
    minutes = ast.literal_eval(re.search(r"^MINUTES = (\{.*\})$", rules["compute"], re.M)[1])
    assert set(minutes) <= set(STAGES)
    for stage in STAGES.values():
        assert importlib.import_module(f"{stage.package}.stage").run
        assert importlib.import_module(f"{stage.package}.stage").verify
        for group in stage.groups:
            assert presets(ROOT / "conf", group), group
    assert not [n for n, text in rules.items() if "run:" in text or "script:" in text]


@pytest.mark.parametrize("group", PLUGIN_PACKAGES)
def test_plugins_are_found_by_scanning(group):
    assert plugin_names(group)


def test_functions_and_classes_stay_short():
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            lines = getattr(node, "end_lineno", 0) - getattr(node, "lineno", 0) + 1
            if isinstance(node, ast.FunctionDef):
                assert lines <= 100, f"{path.name}: {node.name} has {lines} lines"
            if isinstance(node, ast.ClassDef):
                assert lines <= 250, f"{path.name}: {node.name} has {lines} lines"


def test_source_files_stay_short_and_say_why_they_exist():
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text()
        assert text.startswith(('"""', 'r"""')), f"{path}: no docstring"
        if path.name != "certificates_check.py":  # one file on purpose: it is read as a whole
            assert text.count("\n") <= 500, f"{path}: is this two files?"
        assert path.name != "utils.py"


def test_every_tolerance_says_what_it_is_relative_to():
    for module, name, _, about in tolerances_page.constants():
        assert about, f"{module}: {name} has no comment"
    written = (ROOT / tolerances_page.PAGE).read_text()
    assert written == tolerances_page.page(), "run: python -m tests.tolerances_page"


def test_files_name_no_machine():
    listed = [
        p for d in ("src", "conf", "workflow", "docs", "tests") for p in (ROOT / d).rglob("*")
    ]
    listed += [ROOT / n for n in ("Makefile", "Snakefile", "README.md", "CHANGELOG.md")]
    words = re.compile(r"/" + r"root/|/" + r"work/|/" + r"home/\w|/" + r"opt/")
    for path in listed:
        if path.suffix in {".py", ".yaml", ".smk", ".md", ".rst", ".toml", ""} and path.is_file():
            assert not words.search(path.read_text()), path
