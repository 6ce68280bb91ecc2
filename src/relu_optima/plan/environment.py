"""What besides source and data decides a number: library versions, Python, compiler settings.

The versions are those of the distributions that some code reaches, with all they require. They are
read from their metadata, so that planning imports none of them. What the processor decides (which
kernel of the BLAS runs) is no part of it: jobs of one plan may run on different machines.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.config.identity import digest

if TYPE_CHECKING:
    from relu_optima.stage import Record

# Variables that change the numbers a library computes, by the library.
SETTINGS = {
    "numba": (
        "RELU_OPTIMA_NO_JIT", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES",
        "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE", "NUMBA_ENABLE_AVX",
        "NUMBA_DISABLE_INTEL_SVML", "NUMBA_BOUNDSCHECK", "NUMBA_LLVM_REFPRUNE_PASS",
    ),
    "numpy": (
        "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES",
        "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE",
    ),
    "torch": (
        "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_CBWR",
        "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    ),
}  # fmt: skip
_NUMBA_FILE = ".numba_config.yaml"  # numba reads the same settings from here
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ABSENT, UNKNOWN, UNSET = "absent", "unknown", "unset"


@dataclass(frozen=True)
class Environment:
    """The versions and settings that some code reaches.

    Attributes
    ----------
    python : str
        Version of the interpreter.
    libraries : mapping of str to str
        Version by distribution.
    settings : mapping of str to str
        Variables that are set and change what the libraries compute.
    """

    python: str
    libraries: Mapping[str, str]
    settings: Mapping[str, str]

    @cached_property
    def id(self) -> str:
        """Hash the environment."""
        return digest(self.to_json())[:16]

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(value: Any) -> Environment:
        """Read what `to_json` wrote."""
        try:
            python, libraries, settings = value["python"], value["libraries"], value["settings"]
        except (KeyError, TypeError):
            raise ValueError("it names no environment") from None
        pairs = [*libraries.items(), *settings.items()]
        if not all(isinstance(text, str) for text in (python, *(t for p in pairs for t in p))):
            raise ValueError("an environment holds text only")
        return Environment(python, libraries, settings)

    def now(self) -> Environment:
        """Look up the same libraries and settings as they are now."""
        libraries = {name: _version(name) for name in self.libraries}
        return Environment(platform.python_version(), libraries, _settings(libraries))

    def changes(self, new: Environment) -> list[str]:
        """Say how another environment differs from this one."""
        python = {} if self.python == new.python else {"Python": (self.python, new.python)}
        libraries = _different(self.libraries, new.libraries, ABSENT)
        settings = _different(self.settings, new.settings, UNSET)
        parts = (("libraries", {**python, **libraries}), ("settings", settings))
        return [
            f"{kind}: " + ", ".join(f"{name} {a} → {b}" for name, (a, b) in found.items())
            for kind, found in parts
            if found
        ]


def environment_changes(record: Record) -> list[str]:
    """Say how the environment that computed a record differs from the present one."""
    try:
        then = Environment.from_json(record.origin["environment"])
    except (KeyError, ValueError):
        return []
    return then.changes(then.now())


def _different(
    old: Mapping[str, str], new: Mapping[str, str], missing: str
) -> dict[str, tuple[str, str]]:
    pairs = {name: (old.get(name, missing), new.get(name, missing)) for name in {**old, **new}}
    return {name: pair for name, pair in sorted(pairs.items()) if pair[0] != pair[1]}


@cache
def environment_of(imports: frozenset[str]) -> Environment:
    """Look up the environment of some code."""
    libraries: dict[str, str] = {}
    todo = [name for module in sorted(imports) for name in _distributions(module)]
    while todo:
        name = todo.pop()
        if name not in libraries:
            libraries[name] = _version(name)
            todo.extend(_requirements(name))
    return Environment(
        platform.python_version(), dict(sorted(libraries.items())), _settings(libraries)
    )


def _settings(libraries: Iterable[str]) -> dict[str, str]:
    found = {}
    for library, names in SETTINGS.items():
        if library not in libraries:
            continue
        for name in names:
            value = os.environ.get(name, "")
            if value and (name, value) != ("RELU_OPTIMA_NO_JIT", "0"):
                found[name] = value
    file = Path(_NUMBA_FILE)
    if "numba" in libraries and file.is_file():
        found[_NUMBA_FILE] = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return dict(sorted(found.items()))


@cache
def _distributions(module: str) -> tuple[str, ...]:
    """Name the distributions that hold a top-level module; the module's own name if none does."""
    names = {_canonical(d.name) for d in _holders().get(module, ())}
    return tuple(sorted(names)) or (_canonical(module),)


@cache
def _holders() -> Mapping[str, list[metadata.Distribution]]:
    """Find the distributions that hold each top-level module.

    As `importlib.metadata.packages_distributions`, which takes half a second.
    """
    found: dict[str, list[metadata.Distribution]] = defaultdict(list)
    for distribution in metadata.distributions():
        record = (distribution.read_text("RECORD") or "").splitlines()
        declared = (distribution.read_text("top_level.txt") or "").split()
        # "scipy/linalg/blas.py,…" or "six.py,…" or "_cffi_backend.cpython-311-….so,…"
        files = {line.partition("/")[0].partition(".")[0] for line in record}
        for module in {*declared, *files}:
            found[module].append(distribution)
    return found


@cache
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        # a module without metadata is there and has no version, a missing one is absent
        found = name.isidentifier() and importlib.util.find_spec(name) is not None
        return UNKNOWN if found else ABSENT


@cache
def _requirements(name: str) -> tuple[str, ...]:
    """List what a distribution requires here, optional extras left out."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return ()
    names = []
    for line in lines:
        match = _NAME.match(line)
        if match and not re.search(r";.*\bextra\b", line):
            # a marker for other systems leaves the requirement absent on this one
            required = _canonical(match[0])
            if _version(required) != ABSENT:
                names.append(required)
    return tuple(names)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
