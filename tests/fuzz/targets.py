"""What is fuzzed: each target damages sound files and feeds them to the real reader.

A target may raise nothing but `ReluOptimaError`; where it returns, the result must make sense.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import pickle
import random
import shutil
import textwrap
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.identity import canonical_json
from relu_optima.errors import DataError
from relu_optima.stage import Record
from relu_optima.store.records import ARRAYS, RECORD, Store
from tests.fuzz.mutate import NUMBERS, TEXTS, Mutator

ROOT = Path(__file__).resolve().parents[2]
MASKS = [np.tril(np.ones((3, 3))), np.triu(np.ones((3, 3)))]


class Target(ABC):
    """One reader of files that somebody else wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpus: list[tuple[str, bytes]] = []

    @abstractmethod
    def damage(self, rng: random.Random, name: str, content: bytes) -> bytes:
        """Return the damaged content of a file."""

    @abstractmethod
    def feed(self, rng: random.Random, path: Path) -> str:
        """Give a file to the reader and return a word for what came out."""

    def may_refuse(self, name: str) -> bool:
        """Tell whether an undamaged file of the corpus may be refused, given odd options."""
        return name.startswith("hostile")

    def named(self, place: str) -> str:
        """Return the name in the corpus of a case's file."""
        return place

    def case(self, rng: random.Random) -> tuple[str, bytes]:
        """Draw a file of the corpus and damage it."""
        name, content = rng.choice(self.corpus)
        if rng.random() < 0.02:
            return name, rng.randbytes(rng.randrange(200))
        try:
            return name, self.damage(rng, name, content)
        except Exception:  # noqa: BLE001
            # an earlier find that its own format cannot parse: its bytes are all there is
            return name, Mutator(rng).bytes(content)


def _npy(array: np.ndarray, *, evil: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=evil)
    return stream.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def _torch(value: Any) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


class _Settings:
    """An object such as Lightning keeps in its checkpoints: not loaded."""


class Evil:
    """Writes a file if somebody unpickles it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


# names of parameters, of layers and of checkpoints: all that a state dict is read by
PARTS = [
    "weight", "bias", "weight_orig", "weight_mask", "bias_orig", "bias_mask", "weight_u", "mask",
    "parametrizations.weight.original", "parametrizations.weight.0.mask", "running_mean",
    "parametrizations.weight.original0", "in_proj_weight", "lora_A.weight", "weight_ih_l0",
]  # fmt: skip
LAYERS = [
    "", "0", "2", "02", "10", "fc1", "fc2", "encoder", "decoder", "model.0", "model.2", "a.0.b",
    "module.net.0", "0.0", "0.2", "1.0", "².1", "٣", "x" * 300, ".".join("ab" * 200), "9" * 5000,
]  # fmt: skip
HOLDERS = ["state_dict", "model_state_dict", "model", "net", "ema", "masks", "epoch", "optimizer"]
CHOICES: list[tuple[str, ...]] = [
    (), ("0", "2"), ("2", "0"), ("0",), ("0.weight",), ("", "0"), ("b", "a"), ("a", "a"),
]  # fmt: skip


def _pruned(prefix: str = "") -> dict[str, Any]:
    """Return the state dict of a network that torch.nn.utils.prune has pruned."""
    import torch

    state = {}
    for k, mask in zip((0, 2), MASKS, strict=True):
        state[f"{prefix}{k}.bias"] = torch.zeros(3)
        state[f"{prefix}{k}.weight_orig"] = torch.ones(3, 3)
        state[f"{prefix}{k}.weight_mask"] = torch.tensor(mask)
    return state


class Check(Target):
    """`relu-optima check FILE...`: masks in every format that is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import safetensors.torch
        import torch

        self.trap = folder / "unpickled"
        evil = Evil(str(self.trap))
        state = {f"{k}.weight": torch.tensor(m) for k, m in enumerate(MASKS)}
        state |= {f"{k}.bias": torch.zeros(3) for k in range(2)}
        ao = {
            key.replace("weight_orig", "parametrizations.weight.original").replace(
                "weight_mask", "parametrizations.weight.0.mask"
            ): tensor
            for key, tensor in _pruned().items()
        }
        lightning = {
            "state_dict": _pruned("model."), "epoch": 3, "hyper_parameters": {"lr": 0.1},
            "optimizer_states": [{"state": {}, "param_groups": [{"lr": 0.1}]}],
        }  # fmt: skip
        old = io.BytesIO()
        torch.save(state, old, _use_new_zipfile_serialization=False)
        objects = np.array([[evil]], dtype=object)
        masks = [m.tolist() for m in MASKS]
        self.corpus = [
            ("a.npy", _npy(MASKS[0])),
            ("hostile.npy", _npy(objects, evil=True)),
            ("a.npz", _npz(a=MASKS[0], b=MASKS[1])),
            ("one_output.npz", _npz(arr_0=MASKS[0].astype(np.uint8), arr_1=np.ones((1, 3), bool))),
            ("a.json", json.dumps(masks).encode()),
            ("b.json", json.dumps({"masks": masks}).encode()),
            ("a.csv", b"1,0,0\n1,1,0\n1,1,1\n"),
            ("a.pt", _torch(state)),
            ("b.pth", _torch({"state_dict": state, "epoch": 3})),
            ("pruned.pt", _torch(_pruned())),
            ("ao.pt", _torch(ao)),
            ("lightning.ckpt", _torch(lightning)),
            ("old.bin", old.getvalue()),
            ("hostile.pt", pickle.dumps({"weight": evil})),
            ("hostile.ckpt", _torch({"state_dict": state, "hyper_parameters": _Settings()})),
            ("a.safetensors", safetensors.torch.save(state)),
            ("pruned.safetensors", safetensors.torch.save(_pruned())),
        ]

    def damage(self, rng: random.Random, name: str, content: bytes) -> bytes:
        """Change the structure of the format, or its bytes."""
        mutator = Mutator(rng)
        suffix = Path(name).suffix
        if rng.random() < 0.25:
            return mutator.bytes(content)
        if suffix in (".pt", ".ckpt", ".safetensors") and rng.random() < 0.5:
            return self.renamed(rng, suffix)
        if suffix == ".npy":
            return mutator.array(content)
        if suffix == ".npz":
            return mutator.archive(content, mutator.array)
        if suffix == ".json":
            return mutator.json(content)
        if suffix == ".csv":
            return mutator.table(content)
        if zipfile.is_zipfile(io.BytesIO(content)):
            return mutator.archive(content, mutator.bytes)
        if suffix == ".safetensors":
            size = int.from_bytes(content[:8], "little")
            header = mutator.json(content[8 : 8 + size])
            claimed = len(header) if rng.random() < 0.9 else rng.choice([0, 2**40, 2**63])
            return claimed.to_bytes(8, "little") + header + content[8 + size :]
        return mutator.bytes(content)

    def renamed(self, rng: random.Random, suffix: str) -> bytes:
        """Write tensors of odd types and shapes under names that mean something."""
        import safetensors.torch
        import torch

        state = rng.choice([_pruned, dict])()
        for _ in range(rng.choice([1, 2, 4, 8])):
            key = ".".join(filter(None, [rng.choice(LAYERS), rng.choice(PARTS)]))
            if state and rng.random() < 0.4:
                del state[rng.choice(list(state))]
            else:
                shape = rng.choice([(3, 3), (3, 3), (3,), (), (0, 3), (2, 3), (1, 2, 3)])
                kind = rng.choice(
                    [torch.float32, torch.bool, torch.int64, torch.bfloat16, torch.complex64,
                     torch.float8_e4m3fn, torch.uint16]
                )  # fmt: skip
                state[key] = torch.ones(shape).to(kind)
        if suffix == ".safetensors":
            return safetensors.torch.save(state)
        if "weight" not in state and rng.random() < 0.1:
            state["weight"] = torch.zeros(1).expand(10**6, 10**6)
        value: Any = state
        while rng.random() < 0.3:
            value = {rng.choice(HOLDERS): value, rng.choice(HOLDERS): rng.choice([3, state, {}])}
        return _torch(value)

    def feed(self, rng: random.Random, path: Path) -> str:
        """Judge the masks; a verdict must carry a certificate that verifies."""
        from relu_optima.existence.check import check_files
        from relu_optima.patterns.reading import read_layers

        question = rng.choice(["product", "function", "finite"])
        layers = rng.choice(CHOICES)
        if layers:
            with contextlib.suppress(DataError):
                assert len(read_layers([path], layers=layers)) == len(layers)
        report = check_files([path], question, 0.05)
        assert report.verified, "an answer without a certificate"
        assert report.exit_code in (0, 1, 3)
        json.loads(report.to_json(explain=True))
        report.to_text(explain=True).encode()
        assert not self.trap.exists(), "a pickle was executed"
        return " ".join(report.answers.values())


class Solve(Target):
    """`relu-optima solve FILE --target ...`: tables with hostile cells and options."""

    def may_refuse(self, name: str) -> bool:
        """Its options are hostile too."""
        return True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        rng = np.random.default_rng(0)
        rows = np.round(rng.normal(size=(8, 3)), 3)
        text = "a,b,y\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"
        quoted = '"a","b ""c""",y\n"1","2",3\n4,5,6\n-1,0,1\n'
        self.corpus = [("a.csv", text.encode()), ("b.csv", quoted.encode())]

    def damage(self, rng: random.Random, name: str, content: bytes) -> bytes:
        """Change cells, or bytes."""
        mutator = Mutator(rng)
        return mutator.bytes(content) if rng.random() < 0.3 else mutator.table(content)

    def feed(self, rng: random.Random, path: Path) -> str:
        """Solve with options that may be hostile too; `optimal` must mean a small gap."""
        from relu_optima.run.solve_file import solve_file

        odd = rng.random() < 0.3
        out = self.folder / rng.choice(["out.npz", "nowhere/out.npz"])
        tol = rng.choice([1e-6, 0.5, 1e-300, 0.0, 2.0, math.nan]) if odd else 1e-4
        row = solve_file(
            path,
            out,
            dataset={
                "target": rng.choice(["y", "y", "y", "a", *TEXTS[:3]]),
                "standardise": rng.random() < 0.5,
                "bias": rng.random() < 0.5,
                "test_fraction": rng.choice([0.0, 0.3, 0.9, math.nan]) if odd else 0.2,
            },
            convex={
                "lam": float(rng.choice(NUMBERS)) if odd else 0.1,
                "lam_scale": rng.choice(["lambda_max", "data_norm", "absolute", "per_sample"]),
                "formulation": rng.choice(["relu", "gated"]),
                "gates": {"count": rng.choice([1, 3, 6])},
                "tol": tol,
                "time_limit": rng.choice([0.2, None, -1.0, math.nan, math.inf]) if odd else 0.2,
            },
            seed=rng.choice([0, 1, 2**70]),
        )
        assert isinstance(row["objective"], float)
        assert math.isfinite(row["objective"]), "an objective that is no number"
        if row["status"] == "optimal":
            assert isinstance(row["gap"], float)
            assert row["gap"] <= tol * 1.01, "optimal without a certificate"
        with np.load(out, allow_pickle=False) as archive:
            assert all(np.isfinite(archive[k]).all() for k in ("v", "w"))
        return str(row["status"])


class Config(Target):
    """The config loader: every YAML file that a study reads, and its overrides."""

    def may_refuse(self, name: str) -> bool:
        """Its overrides are hostile too."""
        return True

    STUDY = (
        "title: T\nshare:\n  atlas: {sweeps: [atlas_r1]}\n"
        "  default: {sweeps: [existence_random], tables: [existence_density]}\n"
        "override:\n  one: {seed: [0]}\n"
    )
    ONE = (
        "why: w\nstage: convex\nfixed: {dataset: d, convex: gated, convex.gates.count: 6}\n"
        "grid:\n  convex.lam: 0.5,0.2\n  seed: range(0,2)\nbatch_by: [convex.lam]\nmax_runs: 3\n"
    )
    TWO = "why: w\nstage: pruning\non: [one]\nwhere:\n  one.convex.lam: [0.5]\n"
    DATASET = "loader: planted_relu\nn: 24\nd: 3\nnoise: ${seed}\n"
    FIGURE = (
        "plot: line\nsweeps: [one]\ntitle: T\ncaption: C\ncategory: G\n"
        "x: convex.lam\ny: objective\n"
    )
    TABLE = (
        "table: certificates\nsweeps: [one]\ntitle: T\ncaption: C\ncategory: G\n"
        "by: [convex.lam, seed]\n"
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.conf = folder / "project" / "conf"
        shutil.copytree(ROOT / "conf", self.conf)
        texts = {
            "study/s/study.yaml": self.STUDY,
            "study/s/one.yaml": "sweeps:\n  one:\n" + textwrap.indent(self.ONE, "    "),
            "study/s/two.yaml": "sweeps:\n  two:\n" + textwrap.indent(self.TWO, "    "),
            "study/s/f.yaml": "figures:\n  f:\n" + textwrap.indent(self.FIGURE, "    "),
            "study/s/t.yaml": "tables:\n  t:\n" + textwrap.indent(self.TABLE, "    "),
            "dataset/d.yaml": self.DATASET,
            "config.yaml": (self.conf / "config.yaml").read_text(),
            "convex/gated.yaml": (self.conf / "convex/gated.yaml").read_text(),
        }  # fmt: skip
        self.stale = False
        self.sound = {name: text.encode() for name, text in texts.items()}
        self.corpus = list(self.sound.items())
        (self.conf / "study/s").mkdir()

    def damage(self, rng: random.Random, name: str, content: bytes) -> bytes:
        """Change the tree, or the text."""
        import yaml

        mutator = Mutator(rng)
        if rng.random() < 0.35:
            return mutator.bytes(content)
        tree = mutator.tree(yaml.safe_load(content))
        text = yaml.safe_dump(tree, allow_unicode=rng.random() < 0.5, sort_keys=False)
        return text.encode("utf-8", "surrogatepass")

    def case(self, rng: random.Random) -> tuple[str, bytes]:
        """Name the file by its place in ``conf``."""
        name, content = super().case(rng)
        return name.replace("/", "__"), content

    def named(self, place: str) -> str:
        """Undo `case`."""
        return place.replace("__", "/")

    def feed(self, rng: random.Random, path: Path) -> str:
        """Plan the study; the plan must survive being written and read."""
        from relu_optima.config.compose import compose_preset, study_defaults
        from relu_optima.plan.make import make_plan
        from relu_optima.plan.model import read_manifest, write_manifest

        for name, content in self.sound.items():
            (self.conf / name).write_bytes(content)
        damaged = self.conf / path.name.replace("__", "/")
        damaged.write_bytes(path.read_bytes())
        # composing a preset takes most of the time: forget only what was or is damaged
        is_preset = path.name.startswith(("dataset", "convex", "config"))
        if is_preset or self.stale:
            compose_preset.cache_clear()
            study_defaults.cache_clear()
        self.stale = is_preset
        overrides = []
        if rng.random() < 0.3:
            key = rng.choice(["convex.lam", "seed", "dataset", "one:seed", "convex", "", "a..b"])
            odd = ["range(0,2)", "glob(*)", "[1,2]", "{a:1}"]
            value = rng.choice([*map(str, NUMBERS), *TEXTS, *odd])
            overrides = [f"{key}={value}"]
        plan = make_plan("s", overrides, self.conf.parent)
        file = self.folder / "plan.json"
        write_manifest(plan, file)
        assert read_manifest(file) == plan
        return f"{len(plan.runs)} runs"


class Stored(Target):
    """The store reader: records, batch files and plans whose checksums are right."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import pandas as pd

        from relu_optima.store.parquet import parquet_bytes

        self.store = Store(folder / "store")
        self.record = Record(
            run_id="0" * 12, code_key="1" * 16, stage="convex",
            config={"seed": 0, "groups": {"convex": {"lam": 0.1}}, "upstream": {}}, status="ok",
            row={"gap": 1e-9, "n": 3, "message": "m", "none": None, "inf": math.inf},
            series={"epoch": np.arange(3), "loss": np.array([1.0, math.nan, 0.5])},
            arrays={"W": np.eye(2), "mask": np.ones((2, 2), bool)},
            documents={"certificate": {"rule": "r", "rows": [1, 2]}}, seconds=0.5,
        )  # fmt: skip
        self.store.save(self.record)
        self.place = self.store.folder(self.record.run_id, self.record.code_key)
        frame = pd.DataFrame({"run_id": ["0" * 12], "x": [0.5], "series.l": [[1.0, 2.0]]})
        self.sound = {name: (self.place / name).read_bytes() for name in (RECORD, ARRAYS)}
        batch = parquet_bytes(frame, {"digest": "d", "incomplete": 0})
        self.corpus = [*self.sound.items(), ("batch.parquet", batch)]

    def damage(self, rng: random.Random, name: str, content: bytes) -> bytes:
        """Change content and mend the checksums, as a hostile writer would."""
        mutator = Mutator(rng)
        if name == ARRAYS:
            if rng.random() < 0.3:
                return mutator.bytes(content)
            return mutator.archive(content, mutator.array)
        if name == RECORD and rng.random() < 0.8:
            payload = mutator.tree(json.loads(content)["payload"])
            try:
                text = canonical_json(payload)
            except ValueError:
                return json.dumps({"payload": payload, "sha256": ""}).encode()
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
            whole = json.dumps({"payload": payload, "sha256": digest})
            return whole.encode("utf-8", "surrogatepass")
        return mutator.bytes(content)

    def feed(self, rng: random.Random, path: Path) -> str:
        """Read it; what is read must be a record again."""
        from relu_optima.store.parquet import read_metadata, read_table

        contents = dict(self.sound)
        if path.name == "batch.parquet":
            read_metadata(path)
            frame, _ = read_table(path, "f")
            return f"{frame.shape}"
        contents[path.name] = path.read_bytes()
        if path.name == ARRAYS:
            payload = json.loads(contents[RECORD])["payload"]
            payload["arrays_sha256"] = hashlib.sha256(contents[ARRAYS]).hexdigest()
            digest = hashlib.sha256(canonical_json(payload).encode()).hexdigest()
            contents[RECORD] = json.dumps({"payload": payload, "sha256": digest}).encode()
        for name, content in contents.items():
            (self.place / name).write_bytes(content)
        record = self.store.load(self.record.run_id, self.record.code_key)
        assert not [k for k, a in record.arrays.items() if a.dtype.hasobject]
        assert isinstance(record.status, str)
        assert all(isinstance(v, str | bool | int | float | None) for v in record.row.values())
        return f"{len(record.arrays)} arrays"


TARGETS: dict[str, type[Target]] = {
    "check": Check, "solve": Solve, "config": Config, "store": Stored,
}  # fmt: skip
