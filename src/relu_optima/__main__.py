"""``python -m relu_optima``, and the command ``relu-optima``."""

import sys

from relu_optima.errors import MissingExtraError, extras_named


def main() -> None:
    """Run the command line; where a part of the installation is missing, say which."""
    try:
        with extras_named():
            if sys.argv[1:2] == ["verify"]:  # the one verb that needs no more than the library
                from relu_optima.share.certificates_check import main as verify

                sys.exit(verify(sys.argv[2:]))
            from relu_optima.cli import main as command_line

            command_line()
    except MissingExtraError as error:
        print(f"relu-optima: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
