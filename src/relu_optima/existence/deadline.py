"""The time limit: it ends a search as a whole, and decides nothing.

Every budget is a count, so what a search finds does not depend on the machine. Whoever loops calls
`check_time`; only `decide` catches `TimeUp`, and says ``time limit`` where it was thinking.
"""

from __future__ import annotations

import time

TIME_LIMIT = "time limit"  # the reason of an answer that was not awaited


class TimeUp(Exception):
    """The time limit has passed."""


def check_time(deadline: float) -> None:
    """Raise `TimeUp` if a deadline has passed."""
    if time.monotonic() > deadline:
        raise TimeUp
