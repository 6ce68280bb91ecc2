"""Where a benchmark ran; CPU times on a busy machine are longer than on an idle one."""

from __future__ import annotations

import os

from relu_optima.run.provenance import machine


def describe_machine() -> str:
    """Return processor, cores and the load average of the last minute."""
    found = machine("convex")
    load = os.getloadavg()[0]
    return f"{found['processor']}, {found['cores']} cores, load average {load:.1f}"
