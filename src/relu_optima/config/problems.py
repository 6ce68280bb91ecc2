"""The mistakes found in the configuration: each once, with the sweeps that meet it."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3  # sweeps named with a mistake that many share


class Problems:
    """Collects mistakes; one that is met again is counted, not repeated."""

    def __init__(self) -> None:
        self.reports = 0  # repeated ones included: tells whether anything was met since
        self._met_by: dict[str, dict[str, None]] = {}

    def append(self, text: str, met_by: str = "") -> None:
        """Note a mistake."""
        self.reports += 1
        sweeps = self._met_by.setdefault(text, {})
        if met_by:
            sweeps[met_by] = None

    def extend(self, texts: Iterable[str]) -> None:
        """Note several mistakes."""
        for text in texts:
            self.append(text)

    def __bool__(self) -> bool:
        return bool(self._met_by)

    def lines(self) -> list[str]:
        """List the mistakes in the order in which they were found."""
        return [text + _met(list(sweeps)) for text, sweeps in self._met_by.items()]


def _met(sweeps: list[str]) -> str:
    if not sweeps:
        return ""
    more = len(sweeps) - SHOWN
    tail = f" and {more} more" if more > 0 else ""
    many = "s" if len(sweeps) > 1 else ""
    return f" (met by sweep{many} {', '.join(sweeps[:SHOWN])}{tail})"
