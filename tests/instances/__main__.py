"""Run every instance of some files; print those that differ, and how many passed.

A file holds ``{"instances": [{"id", "kind", "data", "value"}, ...]}``. Numbers agree to 1e-8
relative (values of relaxations to 1e-6), counts and truth values exactly.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.instances.kinds import KINDS

TOLERANCE = 1e-8
LOOSER = {"relaxation": 1e-6, "relative_gap": 1e-4}


def differences(expected: Any, found: Any, name: str = "") -> list[str]:
    """List where found values differ from expected ones."""
    if isinstance(expected, dict):
        missing = [f"{name}{k} is missing" for k in expected if k not in found]
        inner = [differences(v, found[k], f"{name}{k} ") for k, v in expected.items() if k in found]
        return missing + [line for lines in inner for line in lines]
    if isinstance(expected, list):
        if len(expected) != len(found):
            return [f"{name}has {len(found)} entries, not {len(expected)}"]
        pairs = zip(expected, found, strict=True)
        return [line for k, (a, b) in enumerate(pairs) for line in differences(a, b, f"{name}{k} ")]
    if isinstance(expected, float) and not isinstance(found, bool) and found is not None:
        relative = LOOSER.get(name.split(" ")[0], TOLERANCE)
        if abs(found - expected) <= relative * max(abs(expected), 1e-8):
            return []
    elif found == expected and isinstance(found, bool) == isinstance(expected, bool):
        return []
    return [f"{name}is {found!r}, not {expected!r}"]


def answer(instance: dict[str, Any]) -> list[str]:
    """Solve one instance and list what differs; an exception differs too."""
    kind = KINDS.get(instance["kind"])
    if kind is None:
        return [f"there is no kind {instance['kind']!r}"]
    try:
        expected, found = kind(instance["data"], instance["value"])
    except Exception as error:  # noqa: BLE001 a crash on one instance must not hide the others
        return [f"{type(error).__name__}: {error}"]
    return differences(expected, found)


def main(paths: list[str]) -> int:
    """Run the instances of all files."""
    passed = failed = 0
    for path in paths:
        for instance in json.loads(Path(path).read_text(encoding="utf-8"))["instances"]:
            wrong = answer(instance)
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print(f"{instance['id']} ({instance['kind']}): {'; '.join(wrong)}")
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or not passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
