"""Two clones share records through a folder; whatever is damaged on the way is refused by name."""

import hashlib
import io
import json
import random
import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.errors import StoreError
from relu_optima.share import packs
from relu_optima.stage import Record
from relu_optima.store.records import ARRAYS, RECORD, Store


def filled(root, count, start=0):
    store = Store(root)
    for number in range(start, start + count):
        record = Record(
            run_id=f"{number:012x}", code_key="abcd" * 4, stage="convex",
            config={"groups": {}, "upstream": {}}, status="ok", row={"objective": number / 3},
            series={}, arrays={"w": np.arange(number % 7 + 1.0)}, documents={}, seconds=0.1,
        )  # fmt: skip
        store.save(record, settled=False)
    return store


def contents(store):
    return {
        (*address, name): (store.folder(*address) / name).read_bytes()
        for address in store.addresses()
        for name in (RECORD, ARRAYS)
    }


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A store of 12 records, pushed in packs of five."""
    monkeypatch.setattr(packs, "PACK_RECORDS", 5)
    store = filled(tmp_path / "mine", 12)
    remote = packs.open_remote(str(tmp_path / "shared"))
    assert packs.push(store, remote) == 12
    return store, remote, tmp_path / "shared"


def test_the_other_clone_gets_the_same_bytes(shared, tmp_path):
    store, remote, _ = shared
    other = Store(tmp_path / "other")
    assert packs.pull(other, remote) == packs.Pulled(12, [])
    assert contents(other) == contents(store)
    assert packs.pull(other, remote) == packs.Pulled(0, [])
    assert packs.push(other, remote) == 0
    filled(tmp_path / "other", 3, start=12)
    assert packs.push(other, remote) == 3
    assert packs.pull(store, remote) == packs.Pulled(3, [])
    assert contents(other) == contents(store)


def test_a_bucket_of_another_kind_works_alike(tmp_path):
    """Whatever fsspec opens: here its file system in memory."""
    store, other = filled(tmp_path / "mine", 3), Store(tmp_path / "other")
    remote = packs.open_remote(f"memory://{tmp_path.name}")
    assert packs.push(store, remote) == 3
    assert packs.pull(other, remote).records == 3
    assert contents(other) == contents(store)


@pytest.fixture
def bucket(monkeypatch):
    """Serve a bucket of S3 on this machine alone; the environment names it, as for users."""
    missing = "moto and s3fs are not installed; run: pip install 'relu-optima[test-s3]'"
    server = pytest.importorskip("moto.server", reason=missing).ThreadedMotoServer(port=0)
    s3fs = pytest.importorskip("s3fs", reason=missing)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("shared")
    yield "s3://shared/study"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.slow
def test_two_clones_share_through_s3(bucket, tmp_path, monkeypatch):
    """The same bytes arrive; one that was flipped there is refused; a push that died goes on."""
    monkeypatch.setattr(packs, "PACK_RECORDS", 5)
    store, other = filled(tmp_path / "mine", 12), Store(tmp_path / "other")
    remote = packs.open_remote(bucket)
    for left in range(6):  # three packs and indices, each written and moved
        with monkeypatch.context() as patch:
            _die_after(patch, remote.files, 2 * left, random.Random(left))
            with pytest.raises(Killed):
                packs.push(
                    filled(tmp_path / f"dying{left}", 12), packs.open_remote(f"{bucket}{left}")
                )
        assert packs.push(store, packs.open_remote(f"{bucket}{left}")) == 12 - 5 * (left // 2)
        assert packs.pull(Store(tmp_path / f"o{left}"), packs.open_remote(f"{bucket}{left}")) == (
            packs.Pulled(12, [])
        )
    assert packs.push(store, remote) == 12
    assert packs.pull(other, remote) == packs.Pulled(12, [])
    assert contents(other) == contents(store)
    assert packs.push(other, remote) == 0
    pack = remote.names("packs", ".zip")[0]
    content = bytearray(remote.read(f"packs/{pack}.zip"))
    content[len(content) // 2] ^= 1
    remote.write(f"packs/{pack}.zip", bytes(content))
    pulled = packs.pull(Store(tmp_path / "third"), remote)
    assert pulled.refused == [f"pack {pack}: its bytes are not those it is named after"]
    assert 0 < pulled.records < 12


class Killed(BaseException):
    pass


def _die_after(patch, files, left, rng):
    """Have a file system die at an operation, in the middle of what it writes then."""

    def dying(operation):
        def call(*arguments, **options):
            nonlocal left
            left -= 1
            if left < 0:
                if len(arguments) > 1 and isinstance(arguments[1], bytes):
                    operation(arguments[0], arguments[1][: rng.randrange(len(arguments[1]))])
                raise Killed
            return operation(*arguments, **options)

        return call

    for name in ("pipe_file", "mv"):
        patch.setattr(files, name, dying(getattr(files, name)))


@pytest.mark.parametrize("seed", range(20))
def test_a_push_that_is_killed_loses_nothing(seed, tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "PACK_RECORDS", 3)
    store = filled(tmp_path / "mine", 8)
    remote = packs.open_remote(str(tmp_path / "shared"))
    rng = random.Random(seed)
    with monkeypatch.context() as patch:
        _die_after(patch, remote.files, rng.randrange(12), rng)  # of three packs and indices
        with pytest.raises(Killed):
            packs.push(store, remote)
    packs.push(store, remote)
    other = Store(tmp_path / "other")
    assert packs.pull(other, remote) == packs.Pulled(8, [])
    assert contents(other) == contents(store)


def test_a_flipped_byte_is_refused_by_name(shared, tmp_path):
    _, remote, folder = shared
    pack = sorted((folder / "packs").iterdir())[1]
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)
    pulled = packs.pull(Store(tmp_path / "other"), remote)
    assert pulled.refused == [f"pack {pack.stem}: its bytes are not those it is named after"]
    assert 0 < pulled.records < 12


def test_a_missing_pack_and_a_damaged_index_are_named(shared, tmp_path):
    _, remote, folder = shared
    pack = min((folder / "packs").iterdir())
    pack.unlink()
    pulled = packs.pull(Store(tmp_path / "other"), remote)
    assert pulled.refused == [f"pack {pack.stem}: it is missing"]
    index = folder / "index" / f"{pack.stem}.json"
    index.write_text("[")
    with pytest.raises(StoreError, match=r"(?s)the index is damaged.*delete this file"):
        packs.packed(remote)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda files: files.update({RECORD: files[RECORD].replace(b"convex", b"pruned")}),
         "does not match its checksum"),
        (lambda files: files.update({ARRAYS: files[ARRAYS] + b"x"}), "does not match its checksum"),
        (lambda files: files.pop(ARRAYS), "the pack does not hold it"),
    ],
)  # fmt: skip
def test_a_damaged_record_in_a_sound_pack_is_named(tmp_path, edit, why):
    store = filled(tmp_path / "mine", 1)
    (address,) = store.addresses()
    files = {name: (store.folder(*address) / name).read_bytes() for name in (RECORD, ARRAYS)}
    edit(files)
    _forge(tmp_path / "shared", address, files)
    pulled = packs.pull(Store(tmp_path / "other"), packs.open_remote(str(tmp_path / "shared")))
    assert pulled.records == 0
    assert pulled.refused[0].startswith(f"record {'/'.join(address)} in pack ")
    assert why in pulled.refused[0]
    assert list((tmp_path / "other").iterdir()) == []


def _forge(folder, address, files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr("/".join((*address, name)), content)
    name = hashlib.sha256(buffer.getvalue()).hexdigest()
    for place, content in (("packs", buffer.getvalue()), ("index", None)):
        (folder / place).mkdir(parents=True)
        ending = "zip" if content else "json"
        content = content or json.dumps({"records": [address]}).encode()
        (folder / place / f"{name}.{ending}").write_bytes(content)


@pytest.mark.parametrize("address", [("..", "abcd"), ("abcd", "../../x"), ("ABCD", "abcd")])
def test_an_address_that_leaves_the_store_is_refused(tmp_path, address):
    _forge(tmp_path / "shared", address, {RECORD: b"x", ARRAYS: b"y"})
    remote = packs.open_remote(str(tmp_path / "shared"))
    with pytest.raises(StoreError, match="no address of a record"):
        packs.pull(Store(tmp_path / "other"), remote)
    assert not (tmp_path / "other").exists()


def test_a_place_that_nothing_opens_is_one_error():
    with pytest.raises(StoreError, match=r"(?s)cannot be opened.*allowed: a folder"):
        packs.open_remote("nonesuch://place")


def test_the_verbs_push_and_pull(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled(tmp_path / "results" / "store", 2)
    done = CliRunner().invoke(app, ["push", "shared"])
    assert done.output == "2 records pushed to shared\n", done.output
    (tmp_path / "results").rename(tmp_path / "before")
    done = CliRunner().invoke(app, ["pull", "shared"])
    assert done.output == "2 records pulled from shared, 0 refused\n"
    assert contents(Store(tmp_path / "results" / "store")) == contents(
        Store(tmp_path / "before" / "store")
    )
    pack = next((tmp_path / "shared" / "packs").iterdir())
    pack.write_bytes(b"x")
    (tmp_path / "results").rename(tmp_path / "again")
    done = CliRunner().invoke(app, ["pull", "shared"])
    assert done.exit_code == 1
    assert f"REFUSED: pack {pack.stem}" in done.output
