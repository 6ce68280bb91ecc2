"""Find a checked file in the data folder, or download it; never leave half a file behind."""

from __future__ import annotations

import gzip
import hashlib
import os
import uuid
import zlib
from pathlib import Path

from relu_optima.config.base import operational
from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.sources import Remote
from relu_optima.errors import DataError

DATA_VARIABLE = "RELU_OPTIMA_DATA"
TIMEOUT_SECONDS = 30.0
MAX_DOWNLOAD = 2**30  # six times the largest file of the table in `sources`


class ExternalConfig(DatasetConfig):
    """Where files that do not come with the package lie."""

    data_dir: str | None = operational(
        None,
        description="Data folder; None: the environment variable RELU_OPTIMA_DATA, or a cache.",
    )
    mirror: str | None = operational(
        None, description="Base URL to download from instead of the recorded one."
    )


def data_folders(config: ExternalConfig) -> list[Path]:
    """List where files are looked for, most specific first."""
    import pooch

    named = config.data_dir or os.environ.get(DATA_VARIABLE)
    cache = Path(pooch.os_cache("relu-optima"))
    return [Path(named), cache] if named else [cache]


def find(config: ExternalConfig, relative: str, digest: str, *, compressed: bool = False) -> Path:
    """Find a file in the data folders and check it."""
    folders = data_folders(config)
    for folder in folders:
        path = folder / relative
        if path.is_file():
            check_digest(path, digest, compressed=compressed)
            return path
    looked = ", ".join(str(f) for f in folders)
    raise DataError(
        f"{relative} is not in {looked}",
        where="dataset.data_dir",
        fix=f"set dataset.data_dir or the environment variable {DATA_VARIABLE} to a folder "
        "that has it",
    )


def check_digest(path: Path, digest: str, *, compressed: bool = False) -> None:
    """Compare a file with its recorded digest."""
    kind, _, expected = digest.partition(":")
    value = hashlib.new(kind, usedforsecurity=False)
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            while block := stream.read(1 << 20):
                value.update(block)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path.name} is damaged or cut off: {error}",
            where="dataset",
            fix="remove the file and get it again",
        ) from error
    if value.hexdigest() != expected:
        raise DataError(
            f"{path.name} has {kind} digest {value.hexdigest()}, not the recorded {expected}",
            where="dataset",
            fix="the file is damaged, cut off or another version: remove it and get it again",
        )


def obtain(config: ExternalConfig, relative: str, remote: Remote) -> Path:
    """Find a file, or download it into the cache and check it."""
    folders = data_folders(config)
    if any((folder / relative).is_file() for folder in folders):
        return find(config, relative, remote.digest, compressed=remote.compressed)
    target = folders[-1] / relative
    url = remote.url
    if config.mirror is not None:
        url = config.mirror.rstrip("/") + "/" + remote.url.rpartition("/")[2]
    temporary = target.with_name(f"{target.name}.part-{uuid.uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(url, temporary)
        check_digest(temporary, remote.digest, compressed=remote.compressed)
        temporary.replace(target)
    except DataError as error:
        raise DataError(
            f"{relative} is in no data folder, and downloading {url} failed: "
            + error.problem.replace(temporary.name, "the download"),
            where="dataset.data_dir",
            fix=f"set dataset.data_dir or the environment variable {DATA_VARIABLE} to a folder "
            "that has the file, or try again with a network connection",
        ) from error
    except OSError as error:
        raise DataError(
            f"{target} cannot be written: {error.strerror}", where="dataset.data_dir"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


class _Meter:
    """What pooch takes for a progress bar: here it ends a download without end."""

    total = 0
    count = 0

    def update(self, count: int) -> None:
        self.count += count
        if self.count > MAX_DOWNLOAD:
            raise DataError(f"the server sent more than {MAX_DOWNLOAD} bytes")

    def reset(self) -> None:
        self.count = 0

    def close(self) -> None:
        pass


def _download(url: str, target: Path) -> None:
    import pooch
    import requests

    fetch = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS, progressbar=_Meter())
    try:
        fetch(url, str(target), None)
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "?"
        raise DataError(f"the server answered {code}") from error
    except (requests.RequestException, ValueError) as error:
        raise DataError(f"no connection, or it broke off ({type(error).__name__})") from error
