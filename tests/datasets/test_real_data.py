"""Loaders of downloaded data: small fixtures of the same format, behind a local HTTP server."""

import gzip
import hashlib
import http.server
import io
import os
import struct
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import validate_group
from relu_optima.datasets.loaders import cifar_pair
from relu_optima.datasets.sources import CIFAR_SUBSETS, MNIST, UCI, Remote, UciSource
from relu_optima.datasets.stage import run
from relu_optima.errors import DataError
from relu_optima.stage import Task

CONF = Path(__file__).resolve().parents[2] / "conf" / "dataset"
DAT = b"\tf1\tf2\tclase\n1\t0.5\t-1.25\t0\n2\t1.5\t2e-3\t1\n3\t0\t1\t1\n4\t2\t3\t0\n"
CSV = b"f1,f2,target\n0.5,-1.25,-1\n1.5,2e-3,1\n0,1,1\n2,3,-1\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RELU_OPTIMA_DATA", raising=False)


@pytest.fixture
def server(tmp_path):
    """Serve files of a folder; names that contain ``cut`` are sent only half."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = folder / self.path.strip("/")
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = (folder / "cut").exists()
            self.wfile.write(content[: len(content) // 2] if half else content)

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def load(config):
    group = validate_group("dataset", config)
    return load_plugin("dataset", config["loader"]).load(group)


def left_over(tmp_path):
    return [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


@pytest.fixture
def uci(monkeypatch):
    hashes = (hashlib.sha256(c).hexdigest() for c in (CSV, DAT))
    monkeypatch.setitem(UCI, "blood", UciSource("blood/blood_R.dat", *hashes))
    return {"loader": "uci", "name": "blood"}


def test_uci_is_downloaded_once_checked_and_kept(uci, server, tmp_path):
    folder, url = server
    (folder / "blood_R.dat").write_bytes(DAT)
    raw = load({**uci, "mirror": url})
    assert raw.X.tolist() == [[0.5, -1.25], [1.5, 0.002], [0, 1], [2, 3]]
    assert raw.y.tolist() == [-1, 1, 1, -1]
    assert [p.name for p in left_over(tmp_path)] == ["blood_R.dat"]
    (folder / "blood_R.dat").unlink()
    assert load({**uci, "mirror": url}).digest() == raw.digest()


def test_uci_from_a_data_folder_gives_the_same_arrays(uci, server, tmp_path, monkeypatch):
    folder, url = server
    (folder / "blood_R.dat").write_bytes(DAT)
    downloaded = load({**uci, "mirror": url})
    (tmp_path / "data" / "uci").mkdir(parents=True)
    (tmp_path / "data" / "uci" / "blood.csv").write_bytes(CSV)
    assert load({**uci, "data_dir": str(tmp_path / "data")}).digest() == downloaded.digest()
    monkeypatch.setenv("RELU_OPTIMA_DATA", str(tmp_path / "data"))
    raw = load(uci)
    assert raw.digest() == downloaded.digest()
    assert raw.name == "blood_uci"


def test_where_the_data_lie_does_not_change_the_runs_identity(uci):
    here = validate_group("dataset", {**uci, "data_dir": "a", "mirror": "http://b"})
    assert here.scientific() == validate_group("dataset", uci).scientific()


@pytest.mark.parametrize("fault", ["wrong", "cut", "404", "network"])
def test_every_fault_gives_one_clear_error_and_leaves_nothing(uci, server, tmp_path, fault):
    folder, url = server
    content = DAT if fault == "cut" else DAT.replace(b"0.5", b"0.6")
    if fault != "404":
        (folder / "blood_R.dat").write_bytes(content)
    if fault == "cut":
        (folder / "cut").touch()
    if fault == "network":
        url = "http://127.0.0.1:9"
    with pytest.raises(DataError) as caught:
        load({**uci, "mirror": url})
    message = str(caught.value)
    expected = {
        "wrong": "not the recorded",
        "cut": "broke off",
        "404": "404",
        "network": "no connection",
    }[fault]
    assert expected in message or (fault == "cut" and "not the recorded" in message)
    assert "dataset.data_dir" in message
    assert "RELU_OPTIMA_DATA" in message
    assert not left_over(tmp_path)


def test_a_damaged_file_in_the_data_folder_is_refused(uci, tmp_path):
    (tmp_path / "uci").mkdir()
    (tmp_path / "uci" / "blood.csv").write_bytes(CSV[:-3])
    with pytest.raises(DataError, match="not the recorded"):
        load({**uci, "data_dir": str(tmp_path)})


def idx(array: np.ndarray) -> bytes:
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(monkeypatch, server):
    folder, url = server
    generator = np.random.default_rng(0)
    arrays = {}
    for prefix, count in (("train", 20), ("t10k", 12)):
        arrays[f"{prefix}-images-idx3-ubyte.gz"] = generator.integers(0, 256, (count, 4, 4))
        arrays[f"{prefix}-labels-idx1-ubyte.gz"] = np.arange(count) % 4
    for name, array in arrays.items():
        content = idx(array)
        (folder / name).write_bytes(gzip.compress(content))
        digest = f"md5:{hashlib.md5(content).hexdigest()}"
        monkeypatch.setitem(MNIST, name, Remote(f"http://nowhere/{name}", digest, compressed=True))
    return arrays, {"loader": "mnist", "classes": [3, 1], "mirror": url}


def test_mnist_pixels_labels_and_official_split(mnist):
    arrays, config = mnist
    raw = load(config)
    labels = arrays["train-labels-idx1-ubyte.gz"]
    images = arrays["train-images-idx3-ubyte.gz"][np.isin(labels, (1, 3))]
    assert np.allclose(raw.X, (images.reshape(10, 16) / 255 - 0.1307) / 0.3081)
    assert raw.y.tolist() == [1 if v == 1 else -1 for v in labels if v in (1, 3)]
    assert raw.X_test.shape == (6, 16)
    assert raw.name == "mnist_3v1"
    group = validate_group("dataset", {**config, "max_rows": 6})
    outcome = run(Task("dataset", "r", {"dataset": group}, 0, {}))
    assert (outcome.row["n_train"], outcome.row["n_test"]) == (6, 6)


def test_all_digits_of_mnist_have_one_output_each(mnist):
    arrays, config = mnist
    raw = load({**config, "one_hot": True})
    assert (raw.X.shape, raw.y.shape, raw.y_test.shape) == ((20, 16), (20, 10), (12, 10))
    assert np.array_equal(raw.y.argmax(axis=1), arrays["train-labels-idx1-ubyte.gz"])
    assert (raw.y.sum(axis=1) == 1).all()


def test_mnist_digest_is_that_of_the_content(mnist, server, tmp_path):
    folder, _ = server
    arrays, config = mnist
    name = "train-labels-idx1-ubyte.gz"
    again = gzip.compress(idx(arrays[name]), compresslevel=1, mtime=5)
    assert again != (folder / name).read_bytes()
    (folder / name).write_bytes(again)
    assert load(config).X.shape == (10, 16)


def test_a_cut_archive_is_refused(mnist, server, tmp_path):
    folder, _ = server
    _, config = mnist
    name = "t10k-images-idx3-ubyte.gz"
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged or cut off"):
        load(config)
    assert name not in [p.name for p in left_over(tmp_path)]


def images(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_cifar_subset_is_flattened_colour_first(tmp_path, monkeypatch):
    x_train, x_test = images(6, 0), images(4, 1)
    y = np.array([-1, -1, -1, 1, 1, 1], np.int8)
    buffer = io.BytesIO()
    np.savez(buffer, x_train=x_train, y_train=y, x_test=x_test, y_test=y[1:5])
    name = "cifar10_3vs5_500_200.npz"
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / name).write_bytes(buffer.getvalue())
    monkeypatch.setitem(CIFAR_SUBSETS, name, hashlib.sha256(buffer.getvalue()).hexdigest())
    raw = load({"loader": "cifar_pair", "classes": [3, 5], "data_dir": str(tmp_path)})
    red = (x_train[0, :, :, 0] / 255 - 0.4914) / 0.2023
    assert np.allclose(raw.X[0, :1024], red.ravel())
    assert raw.X.shape == (6, 3072)
    assert raw.y.tolist() == y.tolist()
    assert raw.name == "cifar10_3v5_subset"
    with pytest.raises(DataError, match=r"dataset\.classes"):
        load({"loader": "cifar_pair", "classes": [3, 4], "data_dir": str(tmp_path)})


def test_cifar_classes_are_put_together_from_the_pairs(tmp_path, monkeypatch):
    (tmp_path / "cifar10").mkdir()
    pairs = {}
    for k, (a, b) in enumerate([(0, 2), (1, 8), (3, 5)]):
        x_train, x_test = images(6, 2 * k), images(4, 2 * k + 1)
        y = np.array([-1, 1, -1, 1, -1, 1], np.int8)
        buffer = io.BytesIO()
        np.savez(buffer, x_train=x_train, y_train=y, x_test=x_test, y_test=y[:4])
        name = f"cifar10_{a}vs{b}_500_200.npz"
        (tmp_path / "cifar10" / name).write_bytes(buffer.getvalue())
        monkeypatch.setitem(CIFAR_SUBSETS, name, hashlib.sha256(buffer.getvalue()).hexdigest())
        pairs[a], pairs[b] = (x_train[::2], x_test[0:4:2]), (x_train[1::2], x_test[1:4:2])
    config = {"loader": "cifar_classes", "data_dir": str(tmp_path), "per_class": 2}
    raw = load({**config, "classes": [8, 0, 3]})
    assert raw.task == "classes"
    assert raw.y.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]
    assert raw.y_test.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]
    for row, (c, k) in enumerate([(8, 0), (8, 1), (0, 0), (0, 1), (3, 0), (3, 1)]):
        red = (pairs[c][0][k, :, :, 0] / 255 - 0.4914) / 0.2023
        assert np.allclose(raw.X[row, :1024], red.ravel())
    assert np.array_equal(raw.X_test[0, :5], load({**config, "classes": [8, 0]}).X_test[0, :5])
    for wrong in ([4, 0], [0, 0]):
        with pytest.raises(DataError, match=r"dataset\.classes"):
            load({**config, "classes": wrong})


def test_cifar_archive_is_read_without_unpacking(server, monkeypatch):
    folder, url = server
    path = folder / "cifar-10-binary.tar.gz"
    rows = {}
    with tarfile.open(path, "w:gz") as archive:
        for k, name in enumerate([f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]):
            pictures = images(4, k).transpose(0, 3, 1, 2).reshape(4, -1)
            rows[name] = np.hstack([np.array([[0], [2], [7], [2]], np.uint8), pictures])
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = rows[name].nbytes
            archive.addfile(info, io.BytesIO(rows[name].tobytes()))
    remote = Remote(
        "http://nowhere/cifar-10-binary.tar.gz",
        f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
    )
    monkeypatch.setattr(cifar_pair, "CIFAR_ARCHIVE", remote)
    config = {"loader": "cifar_pair", "classes": [2, 0], "images": "full", "mirror": url}
    raw = load(config)
    assert raw.y.tolist() == [1, -1, -1] * 5
    assert raw.X_test.shape == (3, 3072)
    first = (rows["data_batch_1.bin"][0, 1:1025] / 255 - 0.4914) / 0.2023
    assert np.allclose(raw.X[0, :1024], first)


def test_missing_subset_says_where_it_looked(tmp_path):
    with pytest.raises(DataError, match="RELU_OPTIMA_DATA"):
        load({"loader": "cifar_pair", "classes": [3, 5], "data_dir": str(tmp_path)})


real = [
    p.stem
    for p in sorted(CONF.glob("*.yaml"))
    if yaml.safe_load(p.read_text())["loader"] in ("uci", "mnist", "cifar_pair", "cifar_classes")
]


@pytest.mark.parametrize("preset", real)
def test_presets_of_real_data_are_valid_and_say_what_they_need(preset):
    text = (CONF / f"{preset}.yaml").read_text()
    validate_group("dataset", yaml.safe_load(text))
    assert "needs a data folder" in text.splitlines()[0]


# sizes as published: rows, features, positive labels
SIZES = {
    "blood_uci": (748, 4, 178),
    "breast_cancer_uci": (286, 9, 85),
    "hill_valley_uci": (606, 100, 299),
    "spectf_uci": (80, 44, 40),
    "mnist_2v6": (11876, 784, 5918),
    "mnist_one_hot": (60000, 784, 60000),
    "cifar10_3v5_subset": (1000, 3072, 500),
    "cifar10_whitened": (1200, 3072, 1200),
}


@pytest.mark.skipif("RELU_OPTIMA_DATA" not in os.environ, reason="RELU_OPTIMA_DATA is not set")
@pytest.mark.parametrize("preset", SIZES)
def test_real_files_have_the_published_sizes(preset, monkeypatch):
    monkeypatch.setenv("RELU_OPTIMA_DATA", DATA)
    raw = load(yaml.safe_load((CONF / f"{preset}.yaml").read_text()))
    assert (*raw.X.shape, int((raw.y > 0).sum())) == SIZES[preset]


DATA = os.environ.get("RELU_OPTIMA_DATA", "")
