"""Judge the masks in files: the plain function behind ``relu-optima check``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relu_optima.errors import DataError
from relu_optima.existence.explain import RULES, proof_of, rules_of
from relu_optima.existence.networks import decide
from relu_optima.existence.proof.linear import row_sizes
from relu_optima.existence.repair import Repair, repair
from relu_optima.existence.repair_report import repair_json, repair_text
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.layers import FREE, Layer
from relu_optima.patterns.reading import read_layers

QUESTIONS = ("product", "function", "finite")
DEFAULT_QUESTION = "finite"
EXIT_CODES = {"closed": 0, "always": 0, "not_closed": 1, "not_always": 1, "unknown": 3}
MEANINGS = {
    "finite": "an optimum on every finite data set",
    "function": "network functions on a box",
    "product": "set of matrix products",
}
ASSUMED = (
    "the layers are applied one after another in this order, with ReLU and nothing else between "
    "them and nothing after the last; no skip connections or parallel branches; every kept weight "
    "is trained"
)


@dataclass(frozen=True)
class CheckReport:
    """Answers about the masks in files.

    Attributes
    ----------
    verdict : Verdict
        The three answers.
    question : str
        The one the exit code reports.
    verified : bool
        Whether the independent checker accepts the certificate.
    layers : tuple of Layer
        Names, masks and biases that were read, first layer first.
    dataset_out : str
        Where a data set without optimum was written; empty if none was asked for.
    repair : Repair, optional
        Changes after which the question is answered by yes, where they were asked for.
    """

    verdict: Verdict
    question: str
    verified: bool
    layers: tuple[Layer, ...]
    dataset_out: str = ""
    repair: Repair | None = None

    @property
    def answers(self) -> dict[str, str]:
        """The answers by question."""
        verdict = self.verdict
        return {
            "product": verdict.product_set,
            "function": verdict.function_set,
            "finite": verdict.optimum,
        }

    @property
    def exit_code(self) -> int:
        """0 closed or always, 1 not closed or not always, 3 unknown."""
        return EXIT_CODES[self.answers[self.question]]

    @property
    def rules(self) -> dict[str, list[str]]:
        """The rules behind each answer, by question."""
        document = self.verdict.certificate.document
        return {question: rules_of(document[question]["proof"]) for question in QUESTIONS}

    @property
    def assumed(self) -> str:
        """What no file of weights can show."""
        biases = [f"{layer.name}: {layer.bias}" for layer in self.layers if layer.bias != FREE]
        lacking = f"biases are free but for {', '.join(biases)}" if biases else "biases are free"
        return f"{ASSUMED}; {lacking}"

    def to_json(self, *, explain: bool = False) -> str:
        """Write the answers and the certificate as JSON.

        Parameters
        ----------
        explain : bool, optional
            Add the proof of every rule.

        Returns
        -------
        str
            JSON text.
        """
        document = self.verdict.certificate.document
        named = dict.fromkeys(name for names in self.rules.values() for name in names)
        rules = {name: {"says": RULES[name].sentence} for name in named}
        if explain:
            rules = {name: {**entry, "proof": proof_of(name)} for name, entry in rules.items()}
        return json.dumps(
            {
                **self.answers,
                "question": self.question,
                "method": self.verdict.method,
                "rules": rules,
                "assumed": self.assumed,
                "certificate_verified": self.verified,
                "layers": [
                    {"name": layer.name, "mask": layer.source, "bias": layer.bias}
                    for layer in self.layers
                ],
                "shapes": [list(layer.mask.shape) for layer in self.layers],
                "dataset": self.dataset_out or None,
                "repair": repair_json(self.repair) if self.repair else None,
                "certificate": document,
            },
            indent=1,
            sort_keys=True,
        )

    def to_text(self, *, explain: bool = False) -> str:
        """Write the answers for a reader.

        Parameters
        ----------
        explain : bool, optional
            Append the proof of every rule.

        Returns
        -------
        str
            A few lines that tell the three questions apart.
        """
        document = self.verdict.certificate.document
        lines = ["layers, first first (outputs x inputs):"]
        for layer in self.layers:
            rows, columns = layer.mask.shape
            kept = f"{int(row_sizes(layer.mask).sum())} of {rows * columns} kept"
            lines.append(f"  {layer.name}  {rows}x{columns}, {kept} ({layer.source})")
        for question, meaning in MEANINGS.items():
            proof = document[question]["proof"]
            by = proof.get("rule") or proof["reason"]
            answer = self.answers[question].replace("_", " ")
            asked = f"   <- exit code {self.exit_code}" if question == self.question else ""
            lines.append(f"{meaning:<36} {answer:<11} ({by}){asked}")
            lines += [f"  {name}: {RULES[name].sentence}" for name in self.rules[question]]
        lines.append(f"assumed: {self.assumed}")
        lines.append(f"certificate {'verified' if self.verified else 'NOT VERIFIED'}")
        lines += [f"  {problem}" for problem in self.verdict.certificate.problems()]
        if self.dataset_out:
            lines.append(f"data set without optimum written to {self.dataset_out}")
        if self.repair is not None:
            lines += repair_text(self.repair, [layer.name for layer in self.layers])
        if explain:
            named = dict.fromkeys(name for q in MEANINGS for name in self.rules[q])
            lines += [f"\n{proof_of(name)}" for name in named]
        return "\n".join(lines)


def check_files(
    paths: Sequence[Path | str],
    question: str = DEFAULT_QUESTION,
    time_limit: float = 10.0,
    dataset_out: Path | str | None = None,
    layers: Sequence[str] = (),
    repair_by: str | None = None,
    repair_out: Path | str | None = None,
) -> CheckReport:
    """Judge the masks in files.

    Parameters
    ----------
    paths : sequence of path
        Files as `relu_optima.patterns.read_layers` takes them.
    question : str, optional
        ``product``, ``function`` or ``finite``: what the exit code reports.
    time_limit : float, optional
        Wall-clock seconds after which an undecided question is left ``unknown``.
    dataset_out : path, optional
        npz file for a finite data set without optimum (arrays X and Y).
    layers : sequence of str, optional
        Names of the layers to read from a state dict or npz, first layer first.
    repair_by : str, optional
        ``delete`` or ``add``: also look for few entries to delete or add, see `repair`.
    repair_out : path, optional
        npz file for the masks after the repair.

    Returns
    -------
    CheckReport
        Answers, exit code, text and JSON.

    Raises
    ------
    DataError
        If a file or the question is bad, or there is no data set to write or nothing to repair by.
    SolveInputError
        If the repair is not one that `repair` makes.
    """
    if question not in QUESTIONS:
        raise DataError(
            f"there is no question {question!r}", where="--question", allowed=", ".join(QUESTIONS)
        )
    if repair_out is not None and repair_by is None:
        raise DataError("no repair was asked for", where="--repair-out", fix="--repair delete")
    if not paths:
        raise DataError("no file was given", where="FILE")
    read = read_layers([Path(p) for p in paths], layers=layers)
    verdict = decide(read, time_limit)
    mended = repair(read, question, repair_by, time_limit) if repair_by is not None else None
    if dataset_out is not None:
        X, Y = verdict.counterexample_dataset()
        _save(dataset_out, "--dataset-out", X=X, Y=Y)
    if repair_out is not None and mended is not None:
        arrays = {f"mask_{number}": mask for number, mask in enumerate(mended.masks)}
        _save(repair_out, "--repair-out", **arrays)
    return CheckReport(
        verdict,
        question,
        verdict.certificate.verify(),
        tuple(read),
        str(dataset_out or ""),
        mended,
    )


def _save(path: Path | str, option: str, **arrays: np.ndarray) -> None:
    try:
        with Path(path).open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", where=option) from error
