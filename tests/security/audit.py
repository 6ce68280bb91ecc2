"""Ask a database of known vulnerabilities about the locked dependencies: ``make audit``.

pip-audit alone calls a lock clean when its database did not answer. So a release that is known to
be vulnerable is asked about first, and silence about that one means: skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
CANARY = "jinja2==2.4.1"  # CVE-2014-1402 and later ones
SERVICES = ("pypi", "osv")
CLEAN, VULNERABLE, SKIPPED = 0, 1, 75

Ask = Callable[[Path, str], list[dict[str, Any]] | None]


def ask(requirements: Path, service: str) -> list[dict[str, Any]] | None:
    """Return what a database says about each pinned package; None if it does not answer."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps",
        "--disable-pip", "--progress-spinner", "off", "--timeout", "10", "--format", "json",
        "--vulnerability-service", service,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return None


def audit(lock: Path, ask: Ask) -> tuple[int, list[str]]:
    """Return the exit code and what to print."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(CANARY + "\n", encoding="utf-8")
        service = next(
            (s for s in SERVICES if any(d.get("vulns") for d in ask(canary, s) or [])), None
        )
    if service is None:
        return SKIPPED, [f"audit: SKIPPED, not clean: no database ({', '.join(SERVICES)}) answers"]
    found = ask(lock, service)
    if found is None:
        return SKIPPED, [f"audit: SKIPPED, not clean: {service} stopped answering"]
    lines = [
        f"{d['name']} {d['version']}: {v['id']} {', '.join(v.get('aliases', []))}"
        f" fixed in {', '.join(v.get('fix_versions', [])) or 'no release'}"
        for d in found
        for v in d.get("vulns", [])
    ]
    unknown = [d["name"] for d in found if "skip_reason" in d]
    pinned = len(lock.read_text(encoding="utf-8").split())
    examined = len(found) - len(unknown)
    lines += [f"audit: {service} does not know {name}" for name in unknown]
    if any(d.get("vulns") for d in found):
        return VULNERABLE, [*lines, f"audit: VULNERABLE ({examined} of {pinned} pins examined)"]
    if examined < pinned:
        return SKIPPED, [*lines, f"audit: SKIPPED in part: {examined} of {pinned} pins examined"]
    return CLEAN, [f"audit: clean, {examined} of {pinned} pins examined by {service}"]


if __name__ == "__main__":
    code, text = audit(LOCK, ask)
    print("\n".join(text))
    sys.exit(code)
