"""The site: every page in a table of contents, no dead link, an example of every public name."""

import ast
import importlib.util
import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

import relu_optima
from relu_optima.config.compose import presets
from relu_optima.config.options import options_of
from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.config.validate import GROUP_MODELS
from relu_optima.run.report.findings import Finding
from tests.browser import BROWSER, open_page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GALLERY = sorted((DOCS / "gallery").glob("*.py"))
SLOW = {"2_csv", "5_sweep"}  # commands in processes of their own
SOURCE = ROOT / "src/relu_optima"
PACKAGES = {
    "relu_optima": SOURCE / "__init__.pyi",
    "relu_optima.sklearn": SOURCE / "sklearn.py",
    **{f"relu_optima.{p.parent.name}": p for p in SOURCE.glob("*/__init__.pyi")},
}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """Return what writes pages at a build."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generated(generate) -> dict[str, str]:
    """Return the pages that a build writes, by their place below docs."""
    return {f"generated/{name}.md": text for name, text in generate.pages().items()}


@pytest.fixture(scope="module")
def pages(generated) -> dict[str, str]:
    """Return the text of every page by its place below docs."""
    found = {
        p.relative_to(DOCS).as_posix(): p.read_text(encoding="utf-8")
        for p in DOCS.rglob("*.md")
        if "generated" not in p.parts
    }
    return found | generated | {"generated/gallery/index.md": "# Gallery\n"}


def toctree(text: str) -> list[str]:
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.S | re.M)
    lines = [line for block in blocks for line in block.splitlines()]
    entries = [line for line in lines if line and not line.startswith(":")]
    return [re.sub(r".* <(.*)>", r"\1", entry) for entry in entries]


def prose(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    plain = (re.sub(r"\]\([^)]*\)", "", h) for h in headings)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in plain}


def test_every_page_is_in_exactly_one_table_of_contents(pages):
    listed, todo = ["index.md"], ["index.md"]
    while todo:
        page = todo.pop()
        for entry in toctree(pages[page]):
            target = os.path.normpath(Path(page).parent / entry) + ".md"
            assert target in pages, f"{page}: toctree names {entry}"
            listed.append(target)
            todo.append(target)
    assert sorted(listed) == sorted(pages)


def test_links_lead_to_pages_and_headings(pages):
    outside = {f"../{name}": (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")}
    links = 0
    for page, text in {**pages, **outside}.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
            if "://" in target:
                continue
            links += 1
            path, _, anchor = target.partition("#")
            place = os.path.relpath(DOCS / Path(page).parent / path, DOCS) if path else page
            assert place in pages or (DOCS / place).exists(), f"{page}: {target}"
            if anchor:
                assert anchor in anchors(pages[place]), f"{page}: {target}"
    assert links > 100


def test_the_api_pages_show_every_public_name_once_and_use_it():
    shown: dict[str, list[str]] = {}
    for path in (DOCS / "api").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        current = re.findall(r"^\.\. currentmodule:: (\S+)$", text, re.M)
        names = re.findall(r"^\.\. auto(?:function|class):: (\w+)$", text, re.M)
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
        nodes = [n for block in blocks for n in ast.walk(ast.parse(block))]
        used = {n.id for n in nodes if isinstance(n, ast.Name)}
        used |= {n.attr for n in nodes if isinstance(n, ast.Attribute)}
        assert set(names) <= used, f"{path.name}: no example of {set(names) - used}"
        if current:
            shown.setdefault(current[0], []).extend(names)
    assert set(shown) == set(PACKAGES)
    for package, path in PACKAGES.items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if path.suffix == ".pyi":
            public = {a.name for node in body for a in node.names}
        else:
            public = {n.name for n in body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
        packages = {n for n in public if f"{package}.{n}" in PACKAGES or n.startswith("_")}
        assert sorted(shown[package]) == sorted(public - packages), package


def test_the_reference_names_every_key_and_the_data_page_every_preset(generated):
    for group in GROUP_MODELS:
        page = generated[f"generated/options/{group}.md"]
        plugins = plugin_names(group) if group in PLUGIN_PACKAGES else ()
        for name in [group, *(f"{group}.{plugin}" for plugin in plugins)]:
            missing = [o.key for o in options_of(name) if f"| `{o.key}` |" not in page]
            assert not missing, name
    data = generated["generated/data.md"]
    assert not [p for p in presets(ROOT / "conf", "dataset") if f"`{p}`" not in data]


def test_findings_are_told_with_their_number_or_why_there_are_none(generate, monkeypatch, tmp_path):
    assert "there is no such plan" in generate._findings(tmp_path)
    first = Finding("A holds.", "does not hold", "2 [1, 3]", "median", "< 1", "a", ("s", "t"), "x")
    bare = Finding("B holds.", "holds", "", "in 2 of 2 runs", "", "", ("s",), "x")
    last = Finding("C holds.", "holds", "1", "max of 1 run", "", "a", ("s",), "x")
    figure = SimpleNamespace(config={"title": "All of it", "caption": "What\nis seen."})
    plan = SimpleNamespace(figures={"a": figure})
    monkeypatch.setattr(generate, "read_plan", lambda *_: plan)
    monkeypatch.setattr(generate, "findings_of", lambda *_: [first, bare, last])
    assert "![" not in generate._findings(tmp_path), "a study that was stopped has no figure yet"
    (tmp_path / "default/figures").mkdir(parents=True)
    (tmp_path / "default/figures/a.png").touch()
    assert generate._findings(tmp_path) == (
        "- A holds. **Does not hold**: 2 [1, 3] median (asked: < 1). Runs: `s`, `t`.\n"
        "- C holds. **Holds**: 1 max of 1 run. Runs: `s`.\n\n"
        "![All of it](findings/a.png)\n\n*All of it.* What is seen.\n\n"
        "- B holds. **Holds**: in 2 of 2 runs. Runs: `s`.\n\n"
    )
    (tmp_path / "results/default/figures").mkdir(parents=True)
    (tmp_path / "results/default/figures/a.png").write_bytes(b"picture")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: {"findings": generate._findings(tmp_path)})
    generate.write(tmp_path / "generated")
    assert (tmp_path / "generated/findings/a.png").read_bytes() == b"picture"


def test_the_version_is_one_number():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"]
    assert project["version"].split(".")[:2] == relu_optima.__version__.split(".")[:2]


@pytest.mark.parametrize(
    "script",
    [pytest.param(p, marks=[pytest.mark.slow] if p.stem in SLOW else []) for p in GALLERY],
    ids=lambda p: p.stem,
)
def test_the_gallery_runs(script, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    import matplotlib.pyplot as plt

    plt.close("all")
    runpy.run_path(str(script))
    drawn = [plt.figure(number) for number in plt.get_fignums()]
    assert drawn
    assert all(ax.has_data() for figure in drawn for ax in figure.axes)
    plt.close("all")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Return the site as `make docs` builds it; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    recipe = re.search(r"^\tpython (-m sphinx .*)$", (ROOT / "Makefile").read_text(), re.M)
    words = recipe[1].replace("build/docs", str(folder)).split()
    nowhere = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https")}
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **nowhere, "no_proxy": ""},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site_builds_and_asks_no_other_host(site, pages):
    for page in pages:
        assert (site / page).with_suffix(".html").exists(), page
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:link|script|img|iframe)\b[^>]*(?:href|src)="([^"]+)"', text)
        assert not [u for u in loaded if u.startswith(("http", "//"))], page
        for target in re.findall(r'href="([^"#?:]+)(?:#[^"]*)?"', text):
            assert (page.parent / target).exists(), f"{page}: {target}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text()), style


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
@pytest.mark.parametrize(
    "page", ["index", "generated/gallery/1_mask", "api/convex", "generated/options/convex"]
)
def test_a_browser_has_nothing_to_complain_of(site, page, tmp_path):
    seen = open_page(site / f"{page}.html", tmp_path)
    assert seen.console == []
    assert "<h1>" in seen.dom
