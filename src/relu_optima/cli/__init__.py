"""The command line: commands for people at the keyboard, and one verb for each Snakemake rule."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# One BLAS thread per process, set before any numerical library loads: two single-threaded jobs
# beat one job with two threads, and results do not depend on the number of cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

from relu_optima.config import snapshot  # noqa: E402

snapshot.install()

from relu_optima.cli import answers, begin, jobs, look_up, results, share, studies  # noqa: E402, F401
from relu_optima.cli.shared import app  # noqa: E402
from relu_optima.errors import REFUSALS, ReluOptimaError  # noqa: E402
from relu_optima.run.caches import use_writable_caches  # noqa: E402


def main() -> None:
    """Run the command line; bad input is one message and exit code 2, never a traceback."""
    use_writable_caches(os.environ, Path())
    try:
        app()
    except ReluOptimaError as error:
        print(f"relu-optima: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        fix = REFUSALS.get(error.errno or 0)
        if fix is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"relu-optima: {place}{error.strerror}\n"
            f"  fix: {fix}, then run the same command again; finished runs are kept",
            file=sys.stderr,
        )
        sys.exit(2)
