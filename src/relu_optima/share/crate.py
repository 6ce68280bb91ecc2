"""Describe a bundle to people and to machines: a guide, and RO-Crate 1.1 metadata.

RO-Crate (https://w3id.org/ro/crate/1.1) is JSON-LD with one entity for each thing; what it asks of
the root is a name, a description, a date of publication and a licence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relu_optima.datasets.credits import Credit
from relu_optima.plan.model import Manifest
from relu_optima.share.contents import CHECKSUMS, CRATE, GUIDE, RECORDS, VERSIONS

TYPES = {
    "csv": "text/csv", "html": "text/html", "json": "application/json", "md": "text/markdown",
    "pdf": "application/pdf", "png": "image/png", "tex": "text/x-tex", "txt": "text/plain",
    "parquet": "application/vnd.apache.parquet", "cff": "text/yaml", "lock": "text/plain",
}  # fmt: skip


@dataclass(frozen=True)
class Description:
    """What is said of a bundle.

    Attributes
    ----------
    plan : Manifest
        The study.
    credits : list of Credit
        The data sets it uses.
    version : str
        Version of this package.
    date : str
        Day of publication, ``YYYY-MM-DD``.
    """

    plan: Manifest
    credits: Sequence[Credit]
    version: str
    date: str

    @property
    def text(self) -> str:
        """One sentence on the whole."""
        plan = self.plan
        return (
            f"Study {plan.study} of relu-optima {self.version}: {len(plan.runs)} runs with their "
            f"certificates, {len(plan.tables)} tables, {len(plan.figures)} figures."
        )

    def guide(self) -> str:
        """Write the page that people read first."""
        words = " ".join([f"relu-optima study {self.plan.base}", *self.plan.overrides])
        lines = [f"# {self.plan.title}", "", self.text, f"Made by `{words}`.", "", _GUIDE]
        for credit in self.credits:
            source = f" <{credit.url}>" if credit.url else ""
            lines.append(
                f"* {credit.title}. Licence: {credit.licence}. Cite: {credit.citation}.{source}"
                if credit.licence
                else f"* {credit.title}: synthetic"
            )
        return "\n".join([*lines, ""])

    def crate(self, sizes: Mapping[str, int]) -> str:
        """Write the metadata of files of these sizes."""
        files = [_file(name, size, self.plan) for name, size in sorted(sizes.items())]
        folder = {
            "@id": f"{RECORDS}/",
            "@type": "Dataset",
            "name": "Records of all runs",
            "description": "Packs of records, each under the hash of its own bytes, with an index.",
        }
        real = [_data(credit) for credit in self.credits if credit.licence]
        software = {
            "@id": "#relu-optima",
            "@type": "SoftwareApplication",
            "name": "relu-optima",
            "version": self.version,
        }
        root: dict[str, Any] = {
            "@id": "./",
            "@type": "Dataset",
            "name": self.plan.title,
            "description": self.text,
            "datePublished": self.date,
            "license": {"@id": "LICENSE"} if "LICENSE" in sizes else "unknown",
            "hasPart": [{"@id": entity["@id"]} for entity in (*files, folder)],
            "mentions": [{"@id": entity["@id"]} for entity in (software, *real)],
        }
        descriptor = {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        }
        graph = [descriptor, root, *files, folder, software, *real]
        document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _file(name: str, size: int, plan: Manifest) -> dict[str, Any]:
    folder, _, last = name.rpartition("/")
    stem = last.split(".")[0]
    products = {"tables": plan.tables, "figures": plan.figures}.get(folder, {})
    entity: dict[str, Any] = {"@id": name, "@type": "File", "name": _NAMES.get(name, name)}
    if stem in products:
        entity["name"] = f"{products[stem].config['title']} ({last.removeprefix(stem + '.')})"
        entity["description"] = " ".join(products[stem].config["caption"].split())
    elif folder == "sweeps":
        entity |= {"name": f"Runs of sweep {stem}", "description": plan.sweeps[stem].why}
    kind = TYPES.get(name.rpartition(".")[2])
    return {**entity, "contentSize": str(size), **({"encodingFormat": kind} if kind else {})}


def _data(credit: Credit) -> dict[str, Any]:
    """Describe a data set that the runs were computed on."""
    slug = re.sub("[^a-z0-9]+", "-", credit.title.lower()).strip("-")
    return {
        "@id": f"#data-{slug}",
        "@type": "Dataset",
        "name": credit.title,
        "license": credit.licence,
        "citation": credit.citation,
        **({"url": credit.url} if credit.url else {}),
    }


_NAMES = {
    GUIDE: "What this is and how to verify it",
    VERSIONS: "Versions, settings and commits that computed the runs",
    "plan.json": "Every run with its configuration, code key and libraries",
    "report.html": "Report",
    "LICENSE": "Licence of the project",
    "CITATION.cff": "How to cite",
    "requirements.lock": "Hash-locked environment",
}
_GUIDE = f"""\
## Verify

`sha256sum -c {CHECKSUMS}` checks the files after unpacking. `relu-optima verify FILE.zip` also
re-checks every certificate and, with the extra `study`, makes the tables, figures and report again
from the records and compares them byte by byte; nothing is solved.

`relu-optima pull FOLDER/{RECORDS}` takes the runs of the unpacked bundle into a store of one's own.

## Data

The records of the data sets hold the prepared data themselves. A licence that is unknown here may
forbid passing them on.
"""
