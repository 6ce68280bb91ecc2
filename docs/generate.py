"""Write the pages that are made of what the program says of itself, before Sphinx reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from relu_optima.config.compose import compose_preset, presets
from relu_optima.config.options import options_of
from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.config.validate import GROUP_MODELS, group_model
from relu_optima.datasets.credits import UNKNOWN, credit_of
from relu_optima.errors import StoreError
from relu_optima.plan.model import Manifest
from relu_optima.run.report.findings import Finding, findings_of
from relu_optima.store.plans import read_plan

ROOT = Path(__file__).resolve().parents[1]
STUDY = "default"
CARRIED = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}

OPTIONS = """\
# Every key of the configuration

One page for each config group, from the same source as `relu-optima options GROUP`. A key is set as
`GROUP.KEY`, in a preset, in a sweep or on the command line ([how](../../extending.md#a-preset)).

```{toctree}
:maxdepth: 1

"""
DATA = """\
# Data: citations and licences

Whose data each preset of `conf/dataset` names, as a bundle states it too. A licence stands here
only where the makers themselves state one. How data are loaded and prepared:
[data sets](../datasets.md).

"""
FINDINGS = """\
# Findings

Statements of the study `default`, each beside the number that decides it, checked on the study's
runs by the tables `claims` of its files ([how](../publish.md#the-report-and-its-findings)). The
study's report opens with the same list, with its figures and links to its runs.

"""
HOW = "After `make study` run `make docs` again: this page then holds them.\n"


def pages() -> dict[str, str]:
    """Return the text of every page by its name below the folder."""
    made = {name: _carried(ROOT / file) for name, file in CARRIED.items()}
    made |= {f"options/{group}": _group_page(group) for group in GROUP_MODELS}
    made["options/index"] = OPTIONS + "\n".join(GROUP_MODELS) + "\n```\n"
    made["data"] = DATA + _credits(ROOT / "conf")
    made["findings"] = FINDINGS + _findings(ROOT / "results")
    return made


def write(folder: Path) -> None:
    """Write the pages into a folder; one that has not changed is left alone."""
    made = pages()
    pictures = dict.fromkeys(re.findall(r"\]\(findings/(\w+\.png)\)", made["findings"]))
    files = {f"{name}.md": text.encode("utf-8") for name, text in made.items()}
    for name in pictures:
        files[f"findings/{name}"] = (ROOT / "results" / STUDY / "figures" / name).read_bytes()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def _carried(path: Path) -> str:
    """Take a page from the top of the repository, with its links as seen from here."""
    return path.read_text(encoding="utf-8").replace("](docs/", "](../")


def _group_page(group: str) -> str:
    about = _first_sentence(group_model(group).__doc__)
    shared = options_of(group)
    parts = [f"# `{group}`\n\n{about}\n\n", _table(HEAD, _rows(shared))]
    known = {o.key for o in shared}
    for name in plugin_names(group) if group in PLUGIN_PACKAGES else ():
        own = [o for o in options_of(f"{group}.{name}") if o.key not in known]
        if own:
            key = PLUGIN_PACKAGES[group][1]
            parts += [f"\n## `{key}: {name}`\n\n", _table(HEAD, _rows(own))]
    return "".join(parts)


HEAD = ("key", "may be", "unless set", "meaning")


def _rows(options: Iterable) -> list[tuple[str, ...]]:
    return [(f"`{o.key}`", o.kind, f"`{o.default}`", o.meaning) for o in options]


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


_LICENCE = {"": "ours", UNKNOWN: "none stated that we know"}


def _credits(conf: Path) -> str:
    """Make a row for each source of data, what this program makes last."""
    sources: dict[tuple[str, str, str], tuple[set[str], list[str]]] = {}
    for preset in presets(conf, "dataset"):
        credit = credit_of(compose_preset(conf, "dataset", preset))
        place = (credit.citation, credit.licence, credit.url)
        titles, names = sources.setdefault(place, (set(), []))
        titles.add(credit.title)
        names.append(f"`{preset}`")
    rows = []
    for (cite, licence, url), (titles, names) in sources.items():
        title = titles.pop() if len(titles) == 1 else f"{len(names)} data sets"
        shown = f"[{title}]({url})" if url else title
        rows.append((shown, cite, _LICENCE.get(licence, licence), ", ".join(names)))
    rows.sort(key=lambda row: (not row[1], row[0].strip("[")))
    return _table(("data", "cite", "licence", "presets"), rows)


def _findings(results: Path) -> str:
    try:
        manifest = read_plan(results, STUDY)
        found = findings_of(manifest, results / STUDY)
    except StoreError as error:
        why = str(error).splitlines()[0].replace(f"{ROOT}/", "")  # no folder of this machine
        return f"None can be shown: {why}.\n\n{HOW}"
    shown: dict[str, list[Finding]] = {}
    for finding in found:
        shown.setdefault(finding.figure, []).append(finding)
    made = results / STUDY / "figures"
    return "".join(
        _shown(manifest if (made / f"{figure}.png").exists() else None, figure, said)
        for figure, said in shown.items()
    )


def _shown(manifest: Manifest | None, figure: str, found: Sequence[Finding]) -> str:
    """Write the findings that one figure shows, and the figure with its caption if it is there."""
    said = "".join(map(_finding, found))
    if manifest is None:
        return f"{said}\n"
    config = manifest.figures[figure].config
    title, caption = (" ".join(config[key].split()) for key in ("title", "caption"))
    return f"{said}\n![{title}](findings/{figure}.png)\n\n*{title}.* {caption}\n\n"


def _finding(finding: Finding) -> str:
    number = " ".join(part for part in (finding.number, finding.about) if part)
    asked = f" (asked: {finding.bound})" if finding.bound else ""
    runs = ", ".join(f"`{sweep}`" for sweep in finding.sweeps)
    verdict = f"**{finding.verdict.capitalize()}**: {number}{asked}"
    return f"- {finding.statement} {verdict}. Runs: {runs}.\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([" ".join(cell.replace("|", r"\|").split()) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)
