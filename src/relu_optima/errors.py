"""The errors a user can cause, each with what was given, what is allowed and how to repair it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class ReluOptimaError(Exception):
    """Base of every error that is the input's fault, not the program's.

    The command line prints it without a traceback and exits with code 2.

    Parameters
    ----------
    problem : str
        What was given and why it cannot be used.
    allowed : str, optional
        What would be accepted.
    where : str, optional
        Config key, file or option the value came from, e.g. ``convex.lam``.
    fix : str, optional
        The next thing to do.
    """

    def __init__(self, problem: str, *, allowed: str = "", where: str = "", fix: str = "") -> None:
        self.problem, self.allowed, self.where, self.fix = problem, allowed, where, fix
        parts = [f"{where}: {problem}" if where else problem]
        if allowed:
            parts.append(f"  allowed: {allowed}")
        if fix:
            parts.append(f"  fix: {fix}")
        super().__init__("\n".join(parts))


class ConfigError(ReluOptimaError):
    """One or more mistakes in the configuration files, all listed at once."""

    def __init__(self, problems: Sequence[str], *, fix: str = "") -> None:
        self.problems = list(problems)
        count = len(self.problems)
        text = f"{count} problem{'s' if count != 1 else ''} in the configuration:\n"
        super().__init__(text + "\n".join(f"  - {p}" for p in self.problems), fix=fix)


class ContractError(ReluOptimaError):
    """A plug-in that breaks a promise of its kind."""


class DataError(ReluOptimaError):
    """A data set, pattern file or array that cannot be used as given."""


class SolveInputError(ReluOptimaError):
    """Arguments of a solver or of an analysis that have no meaning."""


class BudgetError(ReluOptimaError):
    """A computation refused because it would exceed its stated budget."""


class DegenerateError(ReluOptimaError):
    """A question that has no answer at this point, e.g. a derivative at a breakpoint."""


class StoreError(ReluOptimaError):
    """A stored record, Parquet file or manifest that is damaged or does not match the plan."""


class StaleCodeError(ReluOptimaError):
    """The source changed between planning and working."""


# which extra of the package brings a module that the library does without
EXTRAS = {
    module: extra
    for extra, modules in {
        "train": "torch",
        "reference": "cvxpy clarabel z3",
        "study": "pandas pyarrow sklearn snakemake hydra omegaconf yaml matplotlib fontTools "
        "pylatexenc pooch requests threadpoolctl typer rich psutil fsspec",
    }.items()
    for module in modules.split()
}


class MissingExtraError(ReluOptimaError, ModuleNotFoundError):
    """Something was asked for that an optional part of the installation does."""

    def __init__(self, module: str) -> None:
        command = f"pip install 'relu-optima[{EXTRAS[module]}]'"
        ReluOptimaError.__init__(self, f"{module} is not installed; run: {command}")


@contextmanager
def extras_named() -> Iterator[None]:
    """Say which extra is missing where a module of one is; also a decorator.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    MissingExtraError
        If a module of an extra cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if isinstance(error, MissingExtraError) or module not in EXTRAS:
            raise
        raise MissingExtraError(module) from None


class BusyError(ReluOptimaError):
    """Another study is at work in the same results folder."""


# What the machine refuses, not what the program got wrong: one message, no traceback.
REFUSALS = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some of your disk quota",
    errno.EROFS: "make the folder writable, or work in a copy of the project",
    errno.EACCES: "change its permissions, or work in a copy of the project",
    errno.EPERM: "change its permissions, or work in a copy of the project",
    errno.EIO: "check the disk: it failed",
}
