"""Damage to files: bytes, JSON-like trees, members of archives. All of it drawn from one seed."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

NUMBERS = [
    0, -0.0, 1, -1, 2, 0.5, 1e-320, 1e-160, 1e160, 1e308, -1e308, float("nan"), float("inf"),
    2**31, 2**63, 2**64, -(2**63), 10**30, True, False,
]  # fmt: skip
TEXTS = [
    "", " ", "\0", "\n", "\ud800", "é", "\U0001f600", "\u202e", "nan", "inf", "1e999", "0x10",
    "../../../etc/passwd", "/dev/zero", "a" * 5000, "'", '"', "`id`", "$(id)", "; id", "${seed}",
    "${oc.env:HOME}", "${a.b", "???", "null", "true", "on", "1,2", "range(0,3)", "%s", "{x}", "-",
    "__class__", "arr_0", "NaN\r\n", "\ufeff", "٣", "1_000", "=cmd()",
]  # fmt: skip
CHUNKS = [
    b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"PK\3\4",
    b"\x93NUMPY", b"{", b"}", b"[", b"]", b",", b":", b'"', b"&a ", b"*a",
    b"!!python/object:os.system", b"\n", b"\r", b"\t", b"\xef\xbb\xbf", b"\xff\xfe",
    b"nan", b"-", b"1e999", b"|O",
    b"<U9", b"<f8",
]  # fmt: skip


class Mutator:
    """Draws all damage from one generator.

    Parameters
    ----------
    rng : random.Random
        Source of all choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def bytes(self, content: bytes) -> bytes:
        """Flip, cut, double, insert and overwrite bytes."""
        data = bytearray(content)
        for _ in range(self.rng.choice([1, 1, 1, 2, 4, 16])):
            self._once(data)
        return bytes(data)

    def _once(self, data: bytearray) -> None:
        rng, size = self.rng, len(data)
        at = rng.randrange(size + 1)
        end = min(size, at + rng.choice([1, 2, 8, 64, 1024]))
        kind = rng.randrange(7)
        if kind == 0 and size:
            data[min(at, size - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end] * rng.choice([1, 2, 50])
        elif kind == 3:
            data[at:at] = rng.choice(CHUNKS)
        elif kind == 4:
            data[at:end] = rng.choice(CHUNKS)
        elif kind == 5:
            data[at:end] = rng.randbytes(end - at)
        else:
            number = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, rng.randrange(2**32)])
            form = rng.choice(["<Q", ">Q", "<I", ">I", "<H"])
            number %= 2 ** (8 * struct.calcsize(form))
            data[at : at + struct.calcsize(form)] = struct.pack(form, number)

    def scalar(self) -> Any:
        """Draw a number, a text or nothing."""
        return self.rng.choice([*NUMBERS, *TEXTS, None])

    def value(self, depth: int = 0) -> Any:
        """Draw a scalar or a small container; rarely a very deep one."""
        kind = self.rng.randrange(12)
        if kind == 0 and depth < 3:
            return [self.value(depth + 1) for _ in range(self.rng.randrange(4))]
        if kind == 1 and depth < 3:
            return {
                str(self.rng.choice(TEXTS)): self.value(depth + 1)
                for _ in range(self.rng.randrange(4))
            }
        if kind == 2 and depth == 0 and self.rng.random() < 0.1:
            deep: Any = []
            for _ in range(self.rng.choice([50, 200])):
                deep = [deep] if self.rng.random() < 0.5 else {"a": deep}
            return deep
        return self.scalar()

    def tree(self, value: Any) -> Any:
        """Replace, remove, double, rename or swap parts of a JSON-like value."""
        root = {"": copy.deepcopy(value)}
        for _ in range(self.rng.choice([1, 1, 1, 2, 4])):
            places = list(_places(root))
            holder, key = self.rng.choice(places)
            kind = self.rng.randrange(7)
            if kind == 0 and holder is not root:
                del holder[key]
            elif kind == 1 and isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            elif kind == 2 and isinstance(holder, dict) and holder is not root:
                holder[str(self.rng.choice(TEXTS))] = holder.pop(key)
            elif kind == 3:
                other, name = self.rng.choice(places)
                taken = copy.deepcopy(other[name]) if _has(other, name) else None
                holder[key] = taken
            elif kind == 4:
                holder[key] = [holder[key]]
            else:
                holder[key] = self.value()
        return root[""]

    def json(self, content: bytes) -> bytes:
        """Change the tree in a JSON text."""
        text = json.dumps(self.tree(json.loads(content)))
        return text.encode("utf-8", "surrogatepass")

    def table(self, content: bytes) -> bytes:
        """Change cells, rows and columns of a CSV text."""
        rows = [line.split(",") for line in content.decode().splitlines()]
        for _ in range(self.rng.choice([1, 1, 2, 5])):
            row = self.rng.randrange(len(rows))
            kind = self.rng.randrange(8)
            if kind < 4 and rows[row]:
                rows[row][self.rng.randrange(len(rows[row]))] = str(self.scalar())
            elif kind == 4:
                rows[row].insert(0, str(self.scalar()))
            elif kind == 5 and len(rows) > 1:
                del rows[row]
            elif kind == 6:
                column, value = self.rng.randrange(len(rows[0]) + 1), str(self.scalar())
                rows[1:] = [[*r[:column], value, *r[column + 1 :]] for r in rows[1:]]
            else:
                rows[row:row] = [rows[row]] * self.rng.choice([1, 3])
            if not rows:
                rows = [[""]]
        text = "\n".join(",".join(r) for r in rows) + self.rng.choice(["\n", "", "\r\n", "\n\n"])
        return text.encode("utf-8", "surrogatepass")

    def archive(self, content: bytes, member: Callable[[bytes], bytes]) -> bytes:
        """Change the members of a zip archive; checksums and sizes stay right."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
        for _ in range(self.rng.choice([1, 1, 2])):
            if not parts:
                break
            at = self.rng.randrange(len(parts))
            name, data = parts[at]
            kind = self.rng.randrange(6)
            if kind < 3:
                parts[at] = (name, member(data))
            elif kind == 3:
                parts[at] = (self.rng.choice(["../x.npy", "/x", "a/b.npy", "é.npy", ""]), data)
            elif kind == 4:
                parts.append(parts[at])
            else:
                del parts[at]
        stream = io.BytesIO()
        method = self.rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, data in parts:
                archive.writestr(zipfile.ZipInfo(name or "x"), data, method)
        return stream.getvalue()

    def array(self, content: bytes) -> bytes:
        """Change header or entries of an npy array."""
        if self.rng.random() < 0.3:
            return self.bytes(content)
        rank = self.rng.choice([0, 1, 2, 3])
        shape = tuple(self.rng.choice([0, 1, 2, 3, 5]) for _ in range(rank))
        dtype = self.rng.choice(["f8", ">f4", "u1", "?", "c16", "U2", "S1", "M8[s]", "i8", "V3"])
        array = np.zeros(shape, dtype)
        if array.size and self.rng.random() < 0.7:
            array.flat[self.rng.randrange(array.size)] = 1
        stream = io.BytesIO()
        header = np.lib.format.header_data_from_array_1_0(array)
        if self.rng.random() < 0.4:
            key = self.rng.choice(["shape", "descr", "fortran_order"])
            header[key] = self.rng.choice(
                [(2**62, 4), (-1, 2), (10**6, 10**6), "|O", "f8,u1", "<f16", None, True, ()]
            )
        try:
            np.lib.format.write_array_header_1_0(stream, header)
        except ValueError:
            return self.bytes(content)
        return stream.getvalue() + array.tobytes()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)
