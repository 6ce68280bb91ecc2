"""Pairs of CIFAR-10 classes: a subset from a data folder, or all images of the authors' archive."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.files import ExternalConfig, find, obtain
from relu_optima.datasets.raw import RawData, binary_labels
from relu_optima.datasets.sources import CIFAR_ARCHIVE, CIFAR_SUBSETS
from relu_optima.errors import DataError
from relu_optima.npz import read_npz

# constants of the published code, one per colour
MEAN = np.array([0.4914, 0.4822, 0.4465])
DEVIATION = np.array([0.2023, 0.1994, 0.2010])
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MAX_SUBSET_BYTES = 100_000_000
RECORD = 3073  # bytes of an image in the archive: label, then 1024 of each colour


class Config(ExternalConfig):
    """Which two classes, and how many images of each."""

    classes: list[int] = Field(
        default=[0, 2], min_length=2, max_length=2, description="Class coded -1, class coded +1."
    )
    images: Literal["subset", "full"] = Field(
        default="subset",
        description="subset: 500 + 200 per class, levels not comparable with published ones; "
        "full: 5000 + 1000 per class.",
    )
    standardise: bool = Field(default=False, description="Centre and scale each pixel as well.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.max_rows is not None


def load(config: Config) -> RawData:
    """Read ``cifar10/cifar10_<a>vs<b>_500_200.npz``, or the archive, downloaded if need be."""
    a, b = config.classes
    name = f"cifar10_{a}v{b}" + ("_subset" if config.images == "subset" else "")
    if config.images == "subset":
        file = f"cifar10_{a}vs{b}_500_200.npz"
        if file not in CIFAR_SUBSETS:
            raise DataError(
                f"there is no subset of classes {a} and {b}",
                where="dataset.classes",
                allowed=", ".join(sorted(CIFAR_SUBSETS)),
                fix="set dataset.images=full",
            )
        path = find(config, f"cifar10/{file}", f"sha256:{CIFAR_SUBSETS[file]}")
        arrays = read_npz(path, MAX_SUBSET_BYTES)  # its digest is right
        train, test = (
            (arrays[f"x_{p}"].transpose(0, 3, 1, 2), arrays[f"y_{p}"].astype(float))
            for p in ("train", "test")
        )
    else:
        path = obtain(config, "cifar10/cifar-10-binary.tar.gz", CIFAR_ARCHIVE)
        train, test = _archive(path, config.classes)
    (X, y), (X_test, y_test) = train, test
    coding = f"-1 = {CLASSES[a]}, +1 = {CLASSES[b]}"
    return RawData(name, pixels(X), y, "binary", coding, pixels(X_test), y_test)


def pixels(images: np.ndarray) -> np.ndarray:
    """Normalise and flatten images of shape (n, 3, 32, 32)."""
    scaled = (images / 255 - MEAN[:, None, None]) / DEVIATION[:, None, None]
    return np.ascontiguousarray(scaled.reshape(images.shape[0], -1))


def _archive(path: Path, classes: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read training and test images of two classes, in the archive's order."""
    parts = [[f"data_batch_{k}.bin" for k in range(1, 6)], ["test_batch.bin"]]
    out = []
    with tarfile.open(path, "r:gz") as archive:
        members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
        for names in parts:
            content = b""
            for name in names:
                stream = archive.extractfile(members[name]) if name in members else None
                if stream is None:
                    raise DataError(f"{path.name} lacks {name}", where="dataset")
                content += stream.read()
            records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
            y = binary_labels(records[:, 0], classes, "dataset.classes")
            images = records[y != 0, 1:].reshape(-1, 3, 32, 32)
            out.append((images, y[y != 0]))
    return out
