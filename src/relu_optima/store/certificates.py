"""Re-check the certificate of one record, whoever made it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from relu_optima.stage import STAGES, Record


class UncheckableError(Exception):
    """A record that the checker of its stage cannot follow, with the reason."""


def certificate_problems(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Say what is wrong with what a record claims; a run that was refused claims nothing."""
    if record.status == "refused":
        return []
    entry = importlib.import_module(f"{STAGES[record.stage].package}.stage")
    try:
        problems: list[str] = entry.verify(record, upstream)
    except ModuleNotFoundError:
        raise  # an extra that is not installed is no fault of the record
    except Exception as error:  # noqa: BLE001 - a record may make a checker stumble anywhere
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise UncheckableError(f"cannot be re-checked: {said}") from None
    return problems
