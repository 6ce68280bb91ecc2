"""Read one finished run back: its network, its certificate, its configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.convex.network import TwoLayerNetwork, network_from_blocks
from relu_optima.convex.shallow import ShallowNetwork
from relu_optima.errors import StoreError
from relu_optima.stage import Record
from relu_optima.store.records import Store

CERTIFIED = ("objective", "dual_objective", "gap", "kkt_residual", "violation")


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    Attributes
    ----------
    record : Record
        All that the store holds of it.
    """

    record: Record

    def __repr__(self) -> str:
        return f"<run {self.record.run_id} of stage {self.record.stage}: {self.record.status}>"

    @property
    def config(self) -> dict[str, Any]:
        """Resolved configuration, by config group."""
        groups: dict[str, Any] = self.record.config["groups"]
        return groups

    @property
    def certificate(self) -> dict[str, Any]:
        """What certifies the answer: documents of proofs, bounds and gap."""
        row = {k: self.record.row[k] for k in CERTIFIED if k in self.record.row}
        return {**row, **self.record.documents}

    @property
    def network(self) -> TwoLayerNetwork | ShallowNetwork:
        """Network of a convex run, or of a trained run with two layers; it takes the raw inputs.

        Raises
        ------
        StoreError
            If the run has none.
        """
        arrays = self.record.arrays
        if "U" in arrays:
            biased = bool(arrays.get("biased", False))
            return ShallowNetwork(arrays["U"], arrays["V"], arrays.get("neuron_gates"), biased)
        bias = float(np.asarray(arrays.get("b2", 0.0)).item())
        if "w2" in arrays and self.record.row["formulation"] == "gated":
            gated = network_from_blocks(arrays["v"], arrays["w"], gates=arrays["gates"])
            return replace(gated, b2=bias)
        if "w2" in arrays:
            return TwoLayerNetwork(arrays["W1"], arrays["w2"], b2=bias)
        linear = self.record.row.get("activation") == "linear"
        if "W1" in arrays and "W2" not in arrays and "W0" in arrays and not linear:
            if "b0" in arrays:
                layers = (arrays[name] for name in ("W0", "b0", "W1", "b1"))
                return ShallowNetwork.of_layers(*layers)
            return ShallowNetwork(arrays["W0"], arrays["W1"].T)
        raise StoreError(
            f"a run of stage {self.record.stage} keeps no shallow ReLU network",
            where=self.record.run_id,
            allowed="runs of stage convex, and of training with two layers",
        )


def load(run_id: str, root: str | Path = "results") -> Run:
    """Read a finished run from the store.

    Parameters
    ----------
    run_id : str
        Its id, twelve hexadecimal digits, e.g. from a table.
    root : str or Path, default "results"
        Folder of all results.

    Returns
    -------
    Run
        The newest record of this id.

    Raises
    ------
    StoreError
        If there is none, or it is damaged.
    """
    store = Store(Path(root) / "store")
    found = store.records_of(run_id)
    if not found:
        raise StoreError(
            f"there is no record of run {run_id!r}",
            where=str(store.root),
            fix="run ids are in the first column of every run table",
        )
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name))
    return Run(store.load(run_id, newest.parent.name))
