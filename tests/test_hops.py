"""One value of an axis on its way to a figure: few hops, each once, in the order of the docs."""

import dataclasses
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import relu_optima
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import read_manifest
from relu_optima.run.batch import work
from relu_optima.run.collect import collect_sweep
from relu_optima.run.publish import publish
from relu_optima.run.ready import save_plan
from relu_optima.store.layout import plan_file, product_files
from tests.fabricated import project

PAGE = Path(__file__).parents[1] / "docs/architecture.md"
SOURCE = str(Path(relu_optima.__file__).parent)
LAM, TEXT = 0.4375, "0.4375"  # found nowhere else
# Rooms that may hold the value while a part of the work is done: any other is a detour.
ROOMS = {
    "plan": {"config", "plan", "run", "files"},
    "job": {"config", "plan", "run", "convex", "store", "files"},
    "collect": {"config", "plan", "run", "store", "files"},
    "draw": {"config", "plan", "run", "store", "publish", "files"},
}


def holds(value, depth=0):
    """Tell whether the strength is inside a value, in whatever form."""
    if isinstance(value, float):
        return value == LAM
    if isinstance(value, str):
        return TEXT in value
    if isinstance(value, bytes):
        return TEXT.encode() in value
    if depth > 6:
        return False
    if isinstance(value, dict):
        return any(holds(v, depth + 1) or holds(k, depth + 1) for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds(v, depth + 1) for v in value)
    if dataclasses.is_dataclass(value) or isinstance(value, BaseModel):
        return holds(getattr(value, "__dict__", {}), depth + 1)
    if isinstance(value, pd.DataFrame):
        return any(holds(list(value[c]), depth + 1) for c in value)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and LAM in value


@dataclasses.dataclass
class Trace:
    """Notes which functions of this package take or return the value, in order."""

    met: list[str] = dataclasses.field(default_factory=list)
    rooms: set[str] = dataclasses.field(default_factory=set)

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(SOURCE):
            return
        count = code.co_argcount + code.co_kwonlyargcount
        given = [frame.f_locals.get(n) for n in code.co_varnames[:count] if n != "self"]
        if any(map(holds, given if event == "call" else [argument])):
            module = code.co_filename[len(SOURCE) + 1 : -3].replace("/", ".")
            name = f"{module}.{code.co_qualname}"
            self.rooms.add(name.split(".")[0])
            if name not in self.met:
                self.met.append(name)


def listed():
    """Return the hops that the page lists."""
    table = PAGE.read_text().split("<!-- hops -->")[1].split("<!-- end of hops -->")[0]
    return re.findall(r"^\| \d+ \| `([\w.]+)`", table, re.MULTILINE)


@pytest.fixture
def traces(tmp_path, monkeypatch):
    """Plan, compute, collect and draw the tiny study, and watch."""
    root = project(tmp_path)
    study = root / "conf/study/tiny.yaml"
    study.write_text(study.read_text().replace("0.5,0.2", f"{TEXT},0.2").replace("(0,2)", "(0,1)"))
    monkeypatch.chdir(root)
    results = root / "results"
    path = plan_file(results, "tiny")

    def job():
        work(read_manifest(path), "tiny/00000", results, root, None)

    def collect():
        manifest = read_manifest(path)
        for sweep in manifest.sweeps:
            collect_sweep(manifest, sweep, results)

    parts = {
        "plan": lambda: save_plan(make_plan("tiny", root=root), results),
        "job": job,
        "collect": collect,
        "draw": lambda: publish(path, "figure", "tiny_objective"),
    }
    found = {}
    for name, part in parts.items():
        if name == "job":  # other runs first, unwatched: they compile the solver
            for batch in ("datasets/00000", "tiny/00001"):
                work(read_manifest(path), batch, results, root, None)
        found[name] = Trace()
        sys.setprofile(found[name])
        try:
            part()
        finally:
            sys.setprofile(None)
    assert all(p.exists() for p in product_files(results, "tiny", "figure", "tiny_objective"))
    return found


def test_the_hops_that_the_page_lists_exist():
    for hop in listed():
        parts = hop.split(".")
        name = next(n for n in range(len(parts), 0, -1) if source_of(parts[:n]).is_file())
        found = importlib.import_module(".".join(["relu_optima", *parts[:name]]))
        for part in parts[name:]:
            found = getattr(found, part)
        assert callable(found), hop


def source_of(parts):
    return Path(SOURCE).joinpath(*parts).with_suffix(".py")


@pytest.mark.slow
def test_a_value_takes_the_hops_that_the_page_lists_and_no_detour(traces):
    hops = listed()
    assert len(hops) == len(set(hops)) <= 12
    met = list(dict.fromkeys(name for trace in traces.values() for name in trace.met))
    assert set(hops) <= set(met), set(hops) - set(met)
    in_order = [name for name in met if name in hops]
    assert in_order == hops
    for part, trace in traces.items():
        assert trace.rooms <= ROOMS[part], (part, trace.rooms - ROOMS[part])
