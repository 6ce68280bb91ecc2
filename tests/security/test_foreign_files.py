"""Files and values from elsewhere: no waiting, no escape, no command, no address."""

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

from relu_optima.config.validate import validate_group
from relu_optima.datasets import files
from relu_optima.datasets.files import ExternalConfig, obtain
from relu_optima.datasets.loaders import csv
from relu_optima.datasets.sources import Remote
from relu_optima.errors import DataError, ReluOptimaError, StoreError
from relu_optima.files import file_digest, open_regular
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import read_manifest, sealed
from relu_optima.run.solve_file import solve_file
from relu_optima.store.records import Store
from tests.workflow.conftest import REPOSITORY

ODD = ["pipe", "folder", "device", "dangling"]


def make(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nothing")
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ODD)
def test_only_regular_files_are_opened(tmp_path, kind):
    path = make(kind, tmp_path / "a.csv")
    with pytest.raises(OSError, match=r"regular|No such|directory"):
        open_regular(path)
    with pytest.raises(DataError, match=r"a\.csv"):
        solve_file(path, tmp_path / "out.npz", dataset={"target": "y"}, convex={})
    with pytest.raises(DataError, match=r"a\.csv"):
        csv.load(csv.Config(loader="csv", path=str(path), target="y"))
    with pytest.raises(OSError, match=r"regular|No such|directory"):
        file_digest(path)  # what planning does with the files a run reads


def test_a_link_to_a_regular_file_is_fine(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    with open_regular(tmp_path / "b") as stream:
        assert stream.read() == b"x"


@pytest.mark.parametrize("name", ["https://localhost:9/a.csv", "file:///etc/passwd", "s3://b/a"])
def test_a_path_is_never_taken_for_an_address(name):
    with pytest.raises(DataError, match="cannot be read"):
        csv.load(csv.Config(loader="csv", path=name, target="y"))


def test_a_table_is_never_unpacked_by_its_name(tmp_path):
    import gzip

    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,y\n1,2\n"))
    with pytest.raises(DataError, match="no table"):
        csv.load(csv.Config(loader="csv", path=str(path), target="y"))


@pytest.mark.parametrize(
    "address", [("../../etc", "1" * 16), ("0" * 12, "../.."), ("", ""), ("0" * 12, "1" * 15 + "/")]
)
def test_no_address_leads_out_of_the_store(tmp_path, address):
    victim = tmp_path / "etc"
    victim.mkdir()
    store = Store(tmp_path / "results" / "store")
    for act in (store.folder, store.has, store.load, store.discard):
        with pytest.raises(StoreError, match="no address"):
            act(*address)
    assert victim.is_dir()


@pytest.fixture(scope="module")
def plan():
    return json.loads(make_plan("smoke", [], REPOSITORY).to_json())


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a\nb", "$(id)", "a b", ""])
def test_a_plan_names_no_path(tmp_path, plan, name):
    path = tmp_path / "plan.json"
    for key in ("study", "figures", "tables", "sweeps", "batches"):
        hostile = dict(plan)
        if key == "study":
            hostile[key] = name
        else:
            hostile[key] = {name: next(iter(plan[key].values()))}
        del hostile["sha256"]
        path.write_text(sealed(json.dumps(hostile)))
        with pytest.raises(StoreError, match="is no name"):
            read_manifest(path)


COMMAND = "$(touch owned)`touch owned`;touch owned|touch owned&touch owned\ntouch owned'\""


@pytest.mark.parametrize("variable", ["STUDY", "SET", "DATA", "PROFILE"])
def test_make_hands_on_what_a_user_types_without_running_it(tmp_path, variable):
    text = (REPOSITORY / "Makefile").read_text()
    (tmp_path / "Makefile").write_text(text)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "requirements.lock").write_text("")
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "python").write_text(f"#!{sys.executable}\nimport os\nprint(dict(os.environ))\n")
    (fake / "python").chmod(0o755)
    command = ["make", "-o", ".venv/.installed", "BIN=bin", "INSTALLED=pyproject.toml", "study"]
    value = COMMAND.replace("\n", " ")
    done = subprocess.run(
        [*command, f"{variable}={value}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"'RELU_OPTIMA_{variable}': {value!r}" in done.stdout
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("key", ["study", "sweep"])
def test_names_in_a_config_reach_no_shell(tmp_path, key):
    with pytest.raises(ReluOptimaError):
        make_plan(COMMAND, [], REPOSITORY)
    with pytest.raises(ReluOptimaError):
        make_plan("smoke", [f"{COMMAND}:seed=1"], REPOSITORY)


class Server(http.server.BaseHTTPRequestHandler):
    content = b""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(64):
                self.wfile.write(self.content)
        except OSError:
            pass  # the client had enough

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def remote_config(tmp_path, mirror, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(files.DATA_VARIABLE, raising=False)
    return ExternalConfig(loader="mnist", mirror=mirror)


def test_a_download_with_another_digest_is_refused_and_leaves_nothing(
    tmp_path, mirror, monkeypatch
):
    config = remote_config(tmp_path, mirror, monkeypatch)
    monkeypatch.setattr(Server, "content", b"other")
    with pytest.raises(DataError, match="digest"):
        obtain(config, "a/b.gz", Remote("https://example.org/b.gz", "sha256:" + "0" * 64))
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_download_without_end_is_ended(tmp_path, mirror, monkeypatch):
    config = remote_config(tmp_path, mirror, monkeypatch)
    monkeypatch.setattr(Server, "content", bytes(100_000))
    monkeypatch.setattr(files, "MAX_DOWNLOAD", 1_000_000)
    with pytest.raises(DataError, match="sent more than"):
        obtain(config, "a/b.gz", Remote("https://example.org/b.gz", "sha256:" + "0" * 64))
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_plugin_name_is_never_a_module_path():
    for name in ("os", "..raw", "csv.os", "__main__", "_private"):
        with pytest.raises(ReluOptimaError):
            validate_group("dataset", {"loader": name})
