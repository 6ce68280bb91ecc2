"""A small project whose results are written by hand: sound files without computing anything."""

import json
import shutil
from pathlib import Path

import pandas as pd

from relu_optima.config import compose
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import Batch, Manifest
from relu_optima.run.collect import collect_sweep
from relu_optima.run.ready import save_plan
from relu_optima.stage import Record
from relu_optima.store.layout import batch_file, product_files
from relu_optima.store.parquet import DIGEST, parquet_bytes
from relu_optima.store.records import Store
from relu_optima.store.soundness import read_sweep, write_mark
from tests.workflow.conftest import FILES

REPOSITORY = Path(__file__).resolve().parents[1]


def project(root: Path) -> Path:
    """Make a project folder with the presets and the study ``tiny``."""
    shutil.copytree(REPOSITORY / "conf", root / "conf", dirs_exist_ok=True)
    for name, text in FILES.items():
        (root / "conf" / f"{name}.yaml").write_text(text)
    forget()
    return root


def forget() -> None:
    """Have presets read again, since they are remembered by their folder."""
    compose.compose_preset.cache_clear()
    compose.study_defaults.cache_clear()


def batch_bytes(plan: Manifest, batch: Batch, **metadata: object) -> bytes:
    """Write a batch's Parquet file; each row's number is its run id."""
    rows = [
        {
            "run_id": e.run, "code_key": plan.runs[e.run].code_key, "sweep": batch.sweep,
            "stage": batch.stage, "status": "ok",
            ("d" if batch.stage == "dataset" else "objective"): float(int(e.run, 16)),
        }
        for e in batch.entries
    ]  # fmt: skip
    seconds = {e.run: 0.5 for e in batch.entries}
    head = {"batch": batch.id, "digest": batch.digest, "incomplete": 0, "seconds": seconds}
    head["origins"] = []
    return parquet_bytes(pd.DataFrame(rows), {**head, **metadata})


def results_of(root: Path, *overrides: str, study: str = "tiny") -> Manifest:
    """Plan a study and write everything it makes, with the records in the store."""
    plan = make_plan(study, overrides, root)
    results = root / "results"
    save_plan(plan, results)
    store = Store(results / "store")
    for run in plan.runs.values():
        config = {"seed": run.seed, "groups": run.scientific, "upstream": run.upstream}
        record = Record(run.id, run.code_key, run.stage, config, "ok", {}, {}, {}, {}, 0.5)
        store.save(record, settled=False)
    for batch in plan.batches.values():
        path = batch_file(results, plan.study, batch.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(batch_bytes(plan, batch))
    for sweep in plan.sweeps:
        collect_sweep(plan, sweep, results)
    for kind, products in (("figure", plan.figures), ("table", plan.tables)):
        for product in products.values():
            for path in product_files(results, plan.study, kind, product.name):
                path.parent.mkdir(exist_ok=True)
                path.write_text(json.dumps([product.config, path.suffix]))
            digests = {s: read_sweep(plan, s, results)[1][DIGEST] for s in product.sweeps}
            write_mark(results, plan.study, kind, product, digests)
    return plan
