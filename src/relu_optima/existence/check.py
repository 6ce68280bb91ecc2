"""Judge the masks in files: the plain function behind ``relu-optima check``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relu_optima.errors import DataError
from relu_optima.existence.decision import decide
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.reading import read_masks

QUESTIONS = ("product", "function", "finite")
EXIT_CODES = {"closed": 0, "always": 0, "not_closed": 1, "not_always": 1, "unknown": 3}


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
    shapes : tuple of (int, int)
        Shapes (n_out, n_in) of the layers that were read.
    dataset_out : str
        Where a data set without optimum was written; empty if none was asked for.
    """

    verdict: Verdict
    question: str
    verified: bool
    shapes: tuple[tuple[int, int], ...]
    dataset_out: str = ""

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

    def to_json(self) -> str:
        """Write the answers and the certificate as JSON.

        Returns
        -------
        str
            JSON text.
        """
        document = self.verdict.certificate.document
        return json.dumps(
            {
                **self.answers,
                "question": self.question,
                "method": self.verdict.method,
                "certificate_verified": self.verified,
                "shapes": [list(shape) for shape in self.shapes],
                "dataset": self.dataset_out or None,
                "certificate": document,
            },
            indent=1,
            sort_keys=True,
        )

    def to_text(self) -> str:
        """Write the answers for a reader.

        Returns
        -------
        str
            A few lines that tell the three questions apart.
        """
        document = self.verdict.certificate.document
        shapes = ", ".join(f"{m}x{n}" for m, n in self.shapes)
        lines = [f"layers, first first (outputs x inputs): {shapes}"]
        for question, meaning in (
            ("product", "set of matrix products"),
            ("function", "network functions on a box"),
            ("finite", "an optimum on every finite data set"),
        ):
            proof = document[question]["proof"]
            by = proof.get("rule") or proof["reason"]
            answer = self.answers[question].replace("_", " ")
            lines.append(f"{meaning:<36} {answer:<11} ({by})")
        lines.append(f"certificate {'verified' if self.verified else 'NOT VERIFIED'}")
        lines += [f"  {problem}" for problem in self.verdict.certificate.problems()]
        if self.dataset_out:
            lines.append(f"data set without optimum written to {self.dataset_out}")
        return "\n".join(lines)


def check_files(
    paths: Sequence[Path | str],
    question: str = "product",
    time_limit: float = 10.0,
    dataset_out: Path | str | None = None,
) -> CheckReport:
    """Judge the masks in files.

    Parameters
    ----------
    paths : sequence of path
        Files as `relu_optima.patterns.read_masks` takes them.
    question : str, optional
        ``product``, ``function`` or ``finite``: what the exit code reports.
    time_limit : float, optional
        Wall-clock seconds after which an undecided question is left ``unknown``.
    dataset_out : path, optional
        npz file for a finite data set without optimum (arrays X and Y).

    Returns
    -------
    CheckReport
        Answers, exit code, text and JSON.

    Raises
    ------
    DataError
        If a file or the question is bad, or there is no data set to write.
    """
    if question not in QUESTIONS:
        raise DataError(
            f"there is no question {question!r}", where="--question", allowed=", ".join(QUESTIONS)
        )
    if not paths:
        raise DataError("no file was given", where="FILE")
    masks = read_masks([Path(p) for p in paths])
    verdict = decide(masks, time_limit)
    if dataset_out is not None:
        X, Y = verdict.counterexample_dataset()
        try:
            with Path(dataset_out).open("wb") as stream:
                np.savez(stream, X=X, Y=Y)
        except OSError as error:
            raise DataError(
                f"cannot be written: {error.strerror or error}", where="--dataset-out"
            ) from error
    return CheckReport(
        verdict,
        question,
        verdict.certificate.verify(),
        tuple((int(mask.shape[0]), int(mask.shape[1])) for mask in masks),
        str(dataset_out or ""),
    )
