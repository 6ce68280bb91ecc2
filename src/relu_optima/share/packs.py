"""Packs of records in a folder or a bucket: what one clone has computed, others take.

``packs/<sha256>.zip`` holds the files of many records as they lie in the store, under the hash of
its own bytes; ``index/<sha256>.json`` lists them and is written last. A push that is killed leaves
a pack that no index names, and the next one makes the same bytes under the same name.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import shutil
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from relu_optima.errors import StoreError, extras_named
from relu_optima.store.records import ARRAYS, MAX_ARRAY_BYTES, RECORD, Store

PACK_RECORDS, PACK_BYTES = 2000, 64 * 2**20
# what zipfile raises for an entry that was damaged or made to mislead
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip
FILES = (RECORD, ARRAYS)
Address = tuple[str, str]


class Place(Protocol):
    """Where packs are read: a place that fsspec reaches, or an archive."""

    def names(self, folder: str, ending: str) -> list[str]:
        """List the names in a folder without their ending."""

    def read(self, name: str) -> bytes:
        """Read a file, or raise `FileNotFoundError`."""


@dataclass(frozen=True)
class Remote:
    """A place that fsspec reaches.

    Attributes
    ----------
    files : fsspec.AbstractFileSystem
        Its file system.
    root : str
        The folder in it.
    """

    files: Any
    root: str

    def names(self, folder: str, ending: str) -> list[str]:
        """List the names in a folder without their ending, hashes only."""
        place = f"{self.root}/{folder}"
        if not self.files.isdir(place):
            return []
        self.files.invalidate_cache(place)
        found = (path.rsplit("/", 1)[-1] for path in self.files.ls(place, detail=False))
        return sorted(name.removesuffix(ending) for name in found if name.endswith(ending))

    def read(self, name: str) -> bytes:
        """Read a file."""
        return bytes(self.files.cat_file(f"{self.root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Write a file; nobody sees a part of it under its name."""
        path = f"{self.root}/{name}"
        self.files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        temporary = f"{path}.{uuid.uuid4().hex}"
        self.files.pipe_file(temporary, content)
        self.files.mv(temporary, path)


@extras_named()
def open_remote(url: str) -> Remote:
    """Open a folder, or an address of another kind that a driver of fsspec is installed for."""
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise StoreError(
            f"it cannot be opened: {error}",
            where=url,
            allowed="a folder, or a URL that fsspec opens",
        ) from None
    return Remote(files, root.rstrip("/"))


def packed(place: Place) -> dict[Address, str]:
    """List what is there: the pack of each record."""
    out: dict[Address, str] = {}
    for name in place.names("index", ".json"):
        try:
            lines = json.loads(place.read(f"index/{name}.json"))["records"]
            out |= {(str(run_id), str(code_key)): name for run_id, code_key in lines}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"the index is damaged: {error}", where=f"index/{name}.json",
                fix="delete this file; the next push writes its records again",
            ) from None  # fmt: skip
    return out


def push(store: Store, remote: Remote) -> int:
    """Pack the records that are not there yet; return how many."""
    known = packed(remote)
    missing = [address for address in store.addresses() if address not in known]
    for name, content in pack_files(store, missing):
        remote.write(name, content)
    return len(missing)


def pack_files(store: Store, addresses: list[Address]) -> Iterator[tuple[str, bytes]]:
    """Write records as files, the index of each pack after the pack."""
    for content, held in _packs(store, addresses):
        name = hashlib.sha256(content).hexdigest()
        yield f"packs/{name}.zip", content
        yield f"index/{name}.json", json.dumps({"records": held}).encode()


def _packs(store: Store, addresses: list[Address]) -> Iterator[tuple[bytes, list[Address]]]:
    """Pack records in order; a damaged one is refused before anybody gets it."""
    held: list[Address] = []
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w")
    for number, address in enumerate(addresses):
        store.load(*address)
        for name in FILES:
            info = zipfile.ZipInfo("/".join((*address, name)), (1980, 1, 1, 0, 0, 0))
            kind = zipfile.ZIP_DEFLATED if name == RECORD else zipfile.ZIP_STORED
            archive.writestr(info, (store.folder(*address) / name).read_bytes(), kind)
        held.append(address)
        full = len(held) == PACK_RECORDS or buffer.tell() > PACK_BYTES
        if full or number == len(addresses) - 1:
            archive.close()
            yield buffer.getvalue(), held
            buffer, held = io.BytesIO(), []
            archive = zipfile.ZipFile(buffer, "w")


@dataclass(frozen=True)
class Pulled:
    """What a pull brought.

    Attributes
    ----------
    records : int
        Records that are in the store now and were not before.
    refused : list of str
        Packs and records that were not taken, and why.
    """

    records: int
    refused: list[str]


def pull(store: Store, place: Place, *, settled: bool = True) -> Pulled:
    """Take every record that the store lacks, after a look at all checksums."""
    wanted: dict[str, list[Address]] = {}
    for address, name in packed(place).items():
        if not store.has(*address):
            wanted.setdefault(name, []).append(address)
    taken, refused = 0, []
    for name, addresses in wanted.items():
        try:
            content = place.read(f"packs/{name}.zip")
        except FileNotFoundError:
            refused.append(f"pack {name}: it is missing")
            continue
        except StoreError as error:
            refused.append(f"pack {name} of {len(addresses)} records: {error.problem}")
            continue
        if hashlib.sha256(content).hexdigest() != name:
            refused.append(f"pack {name}: its bytes are not those it is named after")
            continue
        try:
            archive = zipfile.ZipFile(io.BytesIO(content))
        except UNREADABLE as error:
            refused.append(f"pack {name}: {error}")
            continue
        with archive:
            for address in addresses:
                problem = _take(store, archive, address)
                taken += not problem
                refused += [f"record {'/'.join(address)} in pack {name}: {problem}"] * bool(problem)
        if settled:
            store.settle([address for address in addresses if store.has(*address)])
    return Pulled(taken, refused)


def unlisted(place: Place) -> Iterator[str]:
    """Say what lies in packs and no index names."""
    listed = packed(place)
    for name in place.names("packs", ".zip"):
        wanted = {"/".join((*a, n)) for a, p in listed.items() if p == name for n in FILES}
        try:
            with zipfile.ZipFile(io.BytesIO(place.read(f"packs/{name}.zip"))) as archive:
                there = archive.namelist()
        except (StoreError, *UNREADABLE):
            continue  # `pull` refuses it
        yield from (f"{n!r} in pack {name}: no index names it" for n in there if n not in wanted)


def _take(store: Store, archive: zipfile.ZipFile, address: Address) -> str:
    """Put a record into the store; return why not, if so."""
    temporary = Store(store.root / f".tmp-{uuid.uuid4().hex}")
    try:
        folder, target = temporary.folder(*address), store.folder(*address)
        folder.mkdir(parents=True)
        for name in FILES:
            info = archive.getinfo("/".join((*address, name)))
            if info.file_size > MAX_ARRAY_BYTES:
                return f"{name} is larger than {MAX_ARRAY_BYTES} bytes"
            Path(folder, name).write_bytes(archive.read(info))
        temporary.load(*address)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    except StoreError as error:
        return error.problem
    except (KeyError, *UNREADABLE) as error:
        return f"the pack does not hold it: {error}"
    finally:
        shutil.rmtree(temporary.root, ignore_errors=True)
    return ""
