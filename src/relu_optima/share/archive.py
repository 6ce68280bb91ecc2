"""The file of a bundle: a zip archive with a list of its checksums, read as if a stranger made it.

The list has the form that ``sha256sum -c`` reads, so that nobody needs this package for it.
"""

from __future__ import annotations

import hashlib
import re
import stat
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from relu_optima.errors import StoreError
from relu_optima.share.contents import CHECKSUMS
from relu_optima.share.packs import UNREADABLE

MAX_BYTES = 4 * 2**30
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write_archive(target: Path, members: Iterable[tuple[str, bytes]]) -> str:
    """Write files in the order given, then their checksums; return the hash of these."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in members:
                lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
                _add(archive, name, content)
            checksums = "".join(sorted(lines, key=lambda line: line[66:])).encode()
            _add(archive, CHECKSUMS, checksums)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return hashlib.sha256(checksums).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file without a word about when, where and by whom."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o644 << 16
    # what is packed already becomes no smaller
    packed = name.endswith((".zip", ".png", ".pdf", ".parquet"))
    archive.writestr(info, content, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Archive:
    """An archive that is open for reading; nothing of it is ever written under its own names.

    Attributes
    ----------
    file : zipfile.ZipFile
        The archive.
    below : str
        Folder in it that `names` and `read` are about, with a slash at its end.
    """

    file: zipfile.ZipFile
    below: str = ""

    def names(self, folder: str, ending: str) -> list[str]:
        """List the names in a folder without their ending."""
        start = f"{self.below}{folder}/"
        found = (n.removeprefix(start) for n in self.file.namelist() if n.startswith(start))
        return sorted(n.removesuffix(ending) for n in found if n.endswith(ending) and "/" not in n)

    def read(self, name: str) -> bytes:
        """Read a file, or raise `FileNotFoundError`; one that cannot be read is a `StoreError`."""
        try:
            return self.file.read(self.below + name)
        except KeyError:
            raise FileNotFoundError(name) from None
        except UNREADABLE as error:
            raise StoreError(f"it cannot be read: {error}", where=self.below + name) from None

    def strange_names(self) -> list[str]:
        """Say which entries no bundle has: links, names twice, names that lead elsewhere."""
        entries = self.file.infolist()
        total = sum(entry.file_size for entry in entries)
        if total > MAX_BYTES:
            return [f"it unpacks to {total} bytes, more than {MAX_BYTES}"]
        wrong = []
        for entry in entries:
            if not _NAME.fullmatch(entry.orig_filename):
                wrong.append(f"{entry.orig_filename!r}: no name that a bundle has")
            elif stat.S_ISLNK(entry.external_attr >> 16):
                wrong.append(f"{entry.filename}: it is a link")
        often = Counter(entry.filename for entry in entries)
        return wrong + [f"{name}: it is there {n} times" for name, n in often.items() if n > 1]

    def changed_files(self) -> list[str]:
        """Say which files are not those that the list of checksums names."""
        try:
            lines = self.read(CHECKSUMS).decode().splitlines()
        except FileNotFoundError:
            return [f"{CHECKSUMS}: it is missing"]
        except (StoreError, UnicodeDecodeError) as error:
            return [f"{CHECKSUMS}: {error}"]
        matches = [_LINE.fullmatch(line) for line in lines]
        if not all(matches):
            return [f"{CHECKSUMS}: line {matches.index(None) + 1} is no checksum and name"]
        listed = {match[2]: match[1] for match in matches if match}
        there = [name for name in self.file.namelist() if name != CHECKSUMS]
        wrong = [f"{name}: {CHECKSUMS} does not list it" for name in there if name not in listed]
        for name, sha256 in listed.items():
            try:
                if hashlib.sha256(self.read(name)).hexdigest() != sha256:
                    wrong.append(f"{name}: its bytes are not those that {CHECKSUMS} lists")
            except FileNotFoundError:
                wrong.append(f"{name}: {CHECKSUMS} lists it, and it is missing")
            except StoreError as error:
                wrong.append(f"{name}: {error.problem}")
        return wrong


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip archive."""
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise StoreError("there is no such file", where=str(path)) from None
    except UNREADABLE as error:
        raise StoreError(
            f"it is no zip archive: {error}",
            where=str(path),
            allowed="what relu-optima bundle writes",
        ) from None
