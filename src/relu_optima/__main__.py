"""``python -m relu_optima``, and the command ``relu-optima``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relu_optima.errors import MissingExtraError, extras_named


def _remake(plan: Any, results: Path) -> Iterator[tuple[list[Path], bool, str]]:
    """Make what a plan publishes again, which needs more than the library alone."""
    from relu_optima.run.rebuild import rebuild

    return rebuild(plan, results)


def main() -> None:
    """Run the command line; where a part of the installation is missing, say which."""
    try:
        with extras_named():
            if sys.argv[1:2] == ["verify"]:  # the one verb that needs no more than the library
                from relu_optima.share.verification import main as verify

                sys.exit(verify(sys.argv[2:], _remake))
            from relu_optima.cli import main as command_line

            command_line()
    except MissingExtraError as error:
        print(f"relu-optima: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
