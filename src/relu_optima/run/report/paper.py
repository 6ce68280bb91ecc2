"""The manuscript of a study: every number a macro of a table, checked before LaTeX sees it.

The text lies in ``workflow/paper/<study>.tex``; a study without one gets its title, findings and
figures. All files of the paper are put into one folder that compiles by itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from relu_optima.errors import ReluOptimaError
from relu_optima.plan.model import Manifest, Product
from relu_optima.publish.typeset import latex_text
from relu_optima.run.report.appendix import appendix
from relu_optima.store.soundness import State, inspect

FONTS = ("times", "palatino", "computermodern")
SHARED = ("manuscript.cls", "references.bib", "checklist.tex")
_MACRO = re.compile(r"\\newcommand\{\\([A-Za-z]+)\}(\{.*\})$", re.MULTILINE)
# LaTeX's own commands that begin with a capital, as our macros do
_NOT_OURS = re.compile(
    "Big|Bigl|Bigr|Bigg|Biggl|Biggr|Delta|Gamma|Lambda|Leftarrow|LaTeX|Omega|Phi|Pi|Pr|Psi|"
    "Rightarrow|Sigma|TeX|Theta|Upsilon|Vert|Xi|Large|LARGE|Huge|PaperCommand"
)
_RESULTS = re.compile(r"\\begin\{results\}(.*?)\\end\{results\}", re.DOTALL)
_REFERENCES = re.compile(r"\\(?:ref|eqref|label|input|cite[a-z]*)\{[^}]*\}")


class PaperError(ReluOptimaError):
    """A manuscript that says what no run says."""


def paper_sources(
    manifest: Manifest, results: Path, texts: Callable[[str], Path], font: str
) -> dict[str, bytes]:
    """Collect all files of a study's paper, ``paper.tex`` the main one.

    Parameters
    ----------
    manifest : Manifest
        The plan; its figures and tables must be what it makes.
    results : Path
        The folder ``results``.
    texts : callable
        Finds a file of ``workflow/paper``: class, bibliography, checklist, the texts of studies.
    font : str
        One of `FONTS`.

    Returns
    -------
    dict of str to bytes
        Content by path in the paper's folder.

    Raises
    ------
    PaperError
        If the text types a digit among the results, names a number that no table computes or a
        figure that is not there, or if a figure or table is stale; says how to repair it.
    """
    if font not in FONTS:
        raise PaperError(f"no font {font!r}", where="--font", allowed=", ".join(FONTS))
    again = f"then run again: relu-optima paper {manifest.study}"
    _refuse_stale(manifest, results)
    folder = results / manifest.study
    macros, lines = _macros(manifest, folder)
    written = texts(f"{manifest.base}.tex")
    text = written.read_text(encoding="utf-8") if written.exists() else _plain_text(manifest)
    place = str(written) if written.exists() else f"the text made for {manifest.study}"
    mistakes = [
        *_typed_digits(text),
        *_unknown_macros(text, macros),
        *_unknown_inputs(text, manifest),
    ]
    if mistakes:
        raise PaperError("\n  ".join(mistakes), where=place, fix=f"correct the text, {again}")
    files = {name: texts(name).read_bytes() for name in SHARED}
    shown = re.findall(r"\\input\{(figures|tables)/([a-z0-9_]+)\}", text)
    for kind, name in shown:
        if kind == "tables":
            files[f"tables/{name}.tex"] = (folder / "tables" / f"{name}.tex").read_bytes()
    rest = [n for n in manifest.figures if ("figures", n) not in shown]
    for name, product in manifest.figures.items():
        files[f"figures/{name}.pdf"] = (folder / "figures" / f"{name}.pdf").read_bytes()
        files[f"figures/{name}.tex"] = _figure(product, wide=name in rest).encode()
    files["macros.tex"] = "\n".join(lines).encode()
    files["text.tex"] = text.encode()
    files["appendix.tex"] = appendix(manifest, results, rest).encode()
    files["paper.tex"] = _main(manifest, font).encode()
    return files


def _refuse_stale(manifest: Manifest, results: Path) -> None:
    stale = [f for f in inspect(manifest, results) if f.state is not State.SOUND]
    if stale:
        names = ", ".join(f"{f.kind} {f.name}" for f in stale[:5])
        raise PaperError(
            f"{len(stale)} results are not what the plan makes: {names}",
            where=manifest.study,
            fix=f"make them: relu-optima study {manifest.base}",
        )


def _macros(manifest: Manifest, folder: Path) -> tuple[set[str], list[str]]:
    """Read the numbers of all tables; a comment says where each comes from."""
    lines: list[str] = []
    source: dict[str, str] = {}
    for name, table in manifest.tables.items():
        path = folder / "tables" / f"{name}.macros.tex"
        for macro, value in _MACRO.findall(path.read_text(encoding="utf-8")):
            if macro in source:
                raise PaperError(
                    f"two tables write the macro \\{macro}: {source[macro]} and {name}",
                    where=manifest.study,
                    fix="give one of them another name under `macros`",
                )
            source[macro] = name
            spec = table.config["macros"][macro]
            sweep = spec["sweep"] or table.sweeps[0]
            lines.append(
                f"% {spec['statistic']} of {spec['column']} in sweep {sweep}: tables/{name}.csv\n"
                rf"\newcommand{{\{macro}}}{value}"
            )
    count = sum(len(b.entries) for b in manifest.batches.values())
    lines.append(f"% plan.json\n\\newcommand{{\\RunsOfStudy}}{{{count}}}\n")
    return {*source, "RunsOfStudy"}, lines


def _typed_digits(text: str) -> Iterator[str]:
    """Find digits among the results that are no part of a name."""
    bare = re.sub(r"(?<!\\)%.*", lambda m: " " * len(m[0]), text)
    for part in _RESULTS.finditer(bare):
        body = _REFERENCES.sub(lambda m: " " * len(m[0]), part[1])
        for line, content in enumerate(body.splitlines(), bare.count("\n", 0, part.start(1)) + 1):
            if found := re.search(r"\d[\d.,]*", content):
                yield f"line {line}: {found[0]!r} is typed; let a table compute it (`macros`)"


def _unknown_macros(text: str, macros: set[str]) -> Iterator[str]:
    """Find numbers that no table computes."""
    for name in dict.fromkeys(re.findall(r"\\([A-Z][A-Za-z]+)", text)):
        if name not in macros and not _NOT_OURS.fullmatch(name):
            near = difflib.get_close_matches(name, macros, n=1)
            hint = f"; did you mean \\{near[0]}?" if near else ""
            yield f"no table computes \\{name}{hint}"


def _unknown_inputs(text: str, manifest: Manifest) -> Iterator[str]:
    """Find figures and tables that the study does not have."""
    known: Mapping[str, set[str]] = {"fig": {*manifest.figures}, "tab": {*manifest.tables}}
    for kind, name in re.findall(r"\\(?:input|ref)\{(fig|tab)(?:ures/|les/|:)([a-z0-9_]+)\}", text):
        if name not in known[kind]:
            near = difflib.get_close_matches(name, known[kind], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"the study has no {'figure' if kind == 'fig' else 'table'} {name!r}{hint}"


def _figure(product: Product, *, wide: bool) -> str:
    """Write a figure with its caption; it keeps its printed size."""
    config = product.config
    kind = "figure" if wide or config["width"] == "icml_column" else "figure*"
    title, caption = latex_text(config["title"]), latex_text(" ".join(config["caption"].split()))
    note = " " + latex_text(product.note) if product.note else ""
    return (
        f"\\begin{{{kind}}}\n\\centering\n\\includegraphics{{figures/{product.name}.pdf}}\n"
        f"\\caption[{{{title}}}]{{\\textbf{{{title}.}} {caption}{note}}}\n"
        f"\\label{{fig:{product.name}}}\n\\end{{{kind}}}\n"
    )


def _plain_text(manifest: Manifest) -> str:
    """Let a study without a text of its own show its claims and figures."""
    claims = [n for n, t in manifest.tables.items() if t.config["table"] == "claims"]
    wide = [n for n in claims if manifest.tables[n].config["width"] in ("icml_column", "icml_text")]
    inputs = [f"\\input{{tables/{n}}}" for n in wide] + [
        f"\\input{{figures/{n}}}" for n in manifest.figures
    ]
    return "\n".join(
        [
            r"\begin{abstract}",
            "Every number, table and figure of this paper is computed from the runs of one study.",
            r"\end{abstract}",
            r"\begin{results}",
            r"\section{Results}",
            r"The study has \RunsOfStudy{} runs.",
            *inputs,
            r"\end{results}",
            r"\nocite{*}",
            "",
        ]
    )


def _main(manifest: Manifest, font: str) -> str:
    command = "relu-optima paper " + manifest.base
    return "\n".join(
        [
            rf"\documentclass[{font}]{{manuscript}}",
            rf"\newcommand{{\PaperCommand}}{{{latex_text(command)}}}",
            r"\input{macros}",
            rf"\title{{{latex_text(manifest.title)}}}",
            r"\author{}",
            r"\date{}",
            r"\begin{document}",
            r"\maketitle",
            r"\input{text}",
            r"\bibliographystyle{plainnat}",
            r"\bibliography{references}",
            r"\onecolumn",
            r"\appendix",
            r"\input{appendix}",
            r"\input{checklist}",
            r"\end{document}",
            "",
        ]
    )
