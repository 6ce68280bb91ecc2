"""A bundle is proved without solving anything; whatever was falsified in it is refused by name."""

import dataclasses
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import warnings
import zipfile

import pytest
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.config.identity import canonical_json
from relu_optima.config.plugins import plugin_names
from relu_optima.datasets.credits import MADE_HERE, UNKNOWN, credit_of
from relu_optima.errors import EXTRAS, ReluOptimaError, StoreError
from relu_optima.plan.model import sealed
from relu_optima.run import batch, rebuild
from relu_optima.run.provenance import commit_date
from relu_optima.run.rebuild import rebuild as remake
from relu_optima.run.report.page import report_page
from relu_optima.run.runner import Workshop
from relu_optima.share import packs, recheck
from relu_optima.share.bundle import bundle
from relu_optima.share.contents import CHECKSUMS
from relu_optima.share.verification import main, verify_bundle
from relu_optima.store.layout import batch_file
from relu_optima.store.plans import read_plan
from relu_optima.store.records import RECORD, Store
from tests.share.finished import (
    DAY,
    contents,
    finish,
    mended,
    repacked,
    with_changes,
    with_records,
)

TABLE = "tables/tiny_certificates.csv"
SWEEP = "sweeps/tiny.parquet"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a project whose study is finished."""
    folder = tmp_path_factory.mktemp("finished")
    finish(folder)
    return folder


@pytest.fixture(scope="module")
def sound(root):
    """Return the bundle of its study."""
    return bundle("tiny", root / "tiny.zip", DAY, report_page, root).target


@pytest.fixture(scope="module")
def plan(root):
    return read_plan(root / "results", "tiny")


@pytest.fixture
def store(root, tmp_path):
    """Return a copy of the store, to falsify."""
    shutil.copytree(root / "results/store", tmp_path / "store")
    return Store(tmp_path / "store")


@pytest.fixture
def address(plan):
    """Return the address of a run of a stage."""
    return lambda stage: min((r.id, r.code_key) for r in plan.runs.values() if r.stage == stage)


def refused(path):
    """Verify what was falsified; return what is said of it."""
    refusals = verify_bundle(path, remake).refused
    assert refusals
    return refusals


def test_a_bundle_is_proved_from_its_records_alone(root, sound, monkeypatch):
    """By the commands: what they write is what `sound` holds."""
    monkeypatch.chdir(root)
    done = CliRunner().invoke(app, ["bundle", "tiny", "--to", "b.zip", "--date", DAY])
    assert done.output.startswith("4 runs in b.zip; its checksums hash to "), done.output
    assert (root / "b.zip").read_bytes() == sound.read_bytes()
    done = CliRunner().invoke(app, ["verify", "b.zip"])
    assert done.exit_code == 0, done.output
    made = sum(n.startswith(("sweeps", "tables", "figures", "report")) for n in contents(sound))
    assert done.output.splitlines() == [
        f"b.zip: {len(contents(sound))} files have their checksums",
        "b.zip: 4 of 4 runs have a record of the planned code whose certificate holds",
        f"b.zip: {made} published files, made again from the records, are the same",
    ]


def test_the_other_clone_computes_nothing_and_writes_the_same_bundle(
    root, sound, tmp_path, monkeypatch
):
    """One clone pushes, another pulls, publishes and bundles."""
    remote = packs.open_remote(str(tmp_path / "shared"))
    assert packs.push(Store(root / "results/store"), remote) == 4
    other = tmp_path / "other"
    assert packs.pull(Store(other / "results/store"), remote) == packs.Pulled(4, [])

    def compute(self, run):
        raise AssertionError(f"run {run.id} is computed")

    monkeypatch.setattr(Workshop, "compute", compute)
    finish(other)
    again = bundle("tiny", other / "tiny.zip", DAY, report_page, other).target
    assert again.read_bytes() == sound.read_bytes()


def test_a_bundle_is_a_place_to_pull_from(sound, root, tmp_path):
    with zipfile.ZipFile(sound) as file:
        file.extractall(tmp_path)
    # as the guide in the archive says
    subprocess.run(["sha256sum", "-c", "--quiet", CHECKSUMS], cwd=tmp_path, check=True)
    remote, mine = packs.open_remote(str(tmp_path / "records")), Store(tmp_path / "store")
    assert packs.pull(mine, remote) == packs.Pulled(4, [])
    assert mine.addresses() == Store(root / "results/store").addresses()


# --- what was falsified ------------------------------------------------------------------------


def test_a_flipped_byte_names_its_file(sound, tmp_path):
    content = bytearray(sound.read_bytes())
    with zipfile.ZipFile(sound) as file:
        entries = {entry.filename: entry for entry in file.infolist()}
    pack = next(name for name in entries if "/packs/" in name)
    for name, why in ((pack, "Bad CRC-32"), ("tables/tiny_certificates.html", "it cannot be read")):
        entry = entries[name]
        place = entry.header_offset + 30 + len(name) + entry.compress_size // 2
        flipped = bytearray(content)
        flipped[place] ^= 1
        (tmp_path / "flipped.zip").write_bytes(flipped)
        lines = refused(tmp_path / "flipped.zip")
        assert any(line.startswith(f"{name}: ") and why in line for line in lines), lines
    # a byte that was changed by somebody who wrote the archive anew, without the checksums
    with zipfile.ZipFile(tmp_path / "anew.zip", "w") as file:
        for name, old in {**contents(sound), TABLE: b"x"}.items():
            file.writestr(name, old)
        with zipfile.ZipFile(sound) as whole:
            file.writestr(CHECKSUMS, whole.read(CHECKSUMS))
    lines = refused(tmp_path / "anew.zip")
    assert f"{TABLE}: its bytes are not those that {CHECKSUMS} lists" in lines


def test_a_flipped_byte_of_a_record_names_its_run(sound, address, tmp_path):
    run, key = address("convex")

    def flip(files):
        name = f"{run}/{key}/{RECORD}"
        files[name] = files[name].replace(b'"status":"ok"', b'"status":"oj"')

    lines = refused(with_changes(sound, tmp_path / "b.zip", repacked(sound, flip)))
    assert len(lines) == 1
    assert lines[0].startswith(f"record {run}/{key} in pack ")
    assert "does not match its checksum" in lines[0]


def test_a_wrong_certificate_with_mended_checksums_names_its_run(sound, store, address, tmp_path):
    run, key = address("convex")
    row = store.load(run, key).row
    mended(store, (run, key), row={**row, "objective": row["objective"] * 0.99})
    (line,) = refused(with_records(sound, tmp_path / "b.zip", store))
    assert line.startswith(f"record {run}/{key} (convex): objective is ")


def test_a_wrong_proof_with_mended_checksums_names_its_run(sound, store, address, tmp_path):
    run, key = address("existence")
    documents = json.loads(json.dumps(store.load(run, key).documents))
    documents["certificate"]["product"]["answer"] = "closed"
    mended(store, (run, key), documents=documents)
    lines = refused(with_records(sound, tmp_path / "b.zip", store))
    assert lines
    assert all(line.startswith(f"record {run}/{key} (existence): ") for line in lines)


def test_a_record_that_its_checker_cannot_follow_is_refused(sound, store, address, tmp_path):
    run, key = address("convex")
    mended(store, (run, key), row={})
    (line,) = refused(with_records(sound, tmp_path / "b.zip", store))
    assert line.startswith(f"record {run}/{key} (convex): cannot be re-checked: ")


def test_a_record_of_other_code_is_refused(sound, store, address, tmp_path):
    """Under another key, or under the planned key with another origin."""
    run, key = address("convex")
    record = store.load(run, key)
    origin = {**record.origin, "code": "0" * 16}
    mended(store, (run, key), origin=origin)
    (line,) = refused(with_records(sound, tmp_path / "origin.zip", store))
    assert line == (
        f"record {run}/{key} (convex): it is of other code ({'0' * 16}) than the plan "
        f"({record.origin['code']})"
    )
    other = "f" * 16
    (store.root / run / key).rename(store.root / run / other)
    mended_address(store, (run, other))
    lines = refused(with_records(sound, tmp_path / "key.zip", store))
    assert lines == [
        f"run {run} (convex): there is no record {run}/{key}: it was left out",
        f"record {run}/{other} (convex): it is of other code than the plan, "
        f"which names {run}/{key}",
    ]


def mended_address(store, address):
    """Have a record that was moved say so."""
    path = store.folder(*address) / RECORD
    payload = json.loads(path.read_text())["payload"]
    payload["run_id"], payload["code_key"] = address
    text = canonical_json(payload)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(canonical_json({"sha256": sha256, "payload": payload}))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"config": {"seed": 0, "groups": {}, "upstream": {}}}, "its configuration is not the"),
        ({"stage": "training"}, "it is of stage 'training'"),
        ({"origin": {}}, "it was built on other records"),
    ],
)
def test_a_record_that_is_not_of_its_run_is_refused(sound, store, address, tmp_path, values, why):
    run, key = address("convex")
    mended(store, (run, key), **values)
    lines = refused(with_records(sound, tmp_path / "b.zip", store))
    assert any(why in line for line in lines), lines
    assert all(line.startswith(f"record {run}/{key} (convex): ") for line in lines)


def test_numbers_edited_in_a_table_or_a_sweep_are_refused(sound, tmp_path, capsys):
    """With their checksums mended; the records make others."""
    text = contents(sound)[TABLE].decode()
    digit = max(i for i, c in enumerate(text) if c.isdigit())
    edited = text[:digit] + str(9 - int(text[digit])) + text[digit + 1 :]
    changes = {TABLE: edited.encode(), SWEEP: contents(sound)["sweeps/patterns.parquet"]}
    path = with_changes(sound, tmp_path / "b.zip", changes)
    assert main([str(path)], remake) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "REFUSED" in line]
    why = "its bytes are not those that its records give"
    assert lines == [f"{path}: REFUSED: {name}: {why}" for name in (SWEEP, TABLE)]


def test_a_picture_that_is_drawn_otherwise_here_is_not_proved(sound, tmp_path, capsys):
    """Fonts and systems may differ, so it is no proof of a falsification either."""
    name = "figures/tiny_objective.png"
    files = contents(sound)
    path = with_changes(sound, tmp_path / "b.zip", {name: files[name] + b"x"})
    assert main([str(path)], remake) == 3
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "PROVED" in line)
    assert line == f"{path}: NOT PROVED: {name}: other bytes are made from its records here"


def test_runs_left_out_and_runs_too_many_are_named(sound, store, plan, address, tmp_path):
    run, key = address("convex")
    rest = [a for a in store.addresses() if a != (run, key)]
    assert refused(with_records(sound, tmp_path / "fewer.zip", store, rest)) == [
        f"run {run} (convex): there is no record {run}/{key}: it was left out"
    ]
    record = store.load(run, key)
    store.save(dataclasses.replace(record, run_id="abcdef012345"))
    assert refused(with_records(sound, tmp_path / "more.zip", store)) == [
        f"record abcdef012345/{key}: the plan has no such run"
    ]


@pytest.mark.parametrize(
    "name", ["../evil", "tables/../../evil", "/evil", "a\\evil", ".evil", "d/"]
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_read(sound, tmp_path, name):
    path = with_changes(sound, tmp_path / "b.zip", {name: b"x"})
    assert refused(path) == [f"{name!r}: no name that a bundle has"]
    assert not (tmp_path.parent / "evil").exists()


def test_links_and_names_that_are_there_twice_are_refused(sound, tmp_path):
    for name, mode, why in (
        ("tables/more.csv", stat.S_IFLNK, "it is a link"), (TABLE, 0, "it is there 2 times")
    ):  # fmt: skip
        path = tmp_path / "b.zip"
        shutil.copy(sound, path)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
            warnings.simplefilter("ignore")  # zipfile warns of a name that is there twice
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o777) << 16
            file.writestr(info, "x")
        assert refused(path) == [f"{name}: {why}"]


def test_files_that_no_plan_makes_are_refused(sound, tmp_path):
    changes = {"tables/more.csv": b"x", "more.txt": b"x", "figures/tiny_objective.csv": None}
    assert refused(with_changes(sound, tmp_path / "b.zip", changes)) == [
        "figures/tiny_objective.csv: the plan makes it, and it was left out",
        "more.txt: the plan makes no such file",
        "tables/more.csv: the plan makes no such file",
    ]
    changes = repacked(sound, lambda files: files.update({"../evil": b"x"}))
    (line,) = refused(with_changes(sound, tmp_path / "pack.zip", changes))
    assert line.startswith("'../evil' in pack ")
    assert line.endswith("no index names it")


def test_a_changed_plan_is_refused(sound, plan, address, tmp_path):
    text = contents(sound)["plan.json"].decode()
    changed = with_changes(
        sound, tmp_path / "a.zip", {"plan.json": text.replace("Tiny", "Tidy").encode()}
    )
    assert refused(changed) == ["plan.json: damaged plan: it does not match its checksum"]

    def resealed(change):
        body = json.loads(text)
        del body["sha256"]
        change(body["runs"])
        new = sealed(json.dumps(body, sort_keys=True, ensure_ascii=False))
        return with_changes(sound, tmp_path / "b.zip", {"plan.json": new.encode()})

    run = address("convex")[0]
    lines = refused(resealed(lambda runs: runs[run]["scientific"]["convex"].update(lam=0.9)))
    assert lines == [f"plan.json: run {run}: its configuration is not the one it is named after"]
    lines = refused(resealed(lambda runs: runs[run].update(code="0" * 16)))
    assert lines == [f"plan.json: run {run}: its code key is not made of its code and libraries"]
    lines = refused(resealed(lambda runs: runs.pop(run)))
    assert len(lines) == 1
    assert "holds runs that are not planned" in lines[0]
    lines = refused(resealed(lambda runs: runs[run].update(scientific=3)))
    assert lines[0].startswith("plan.json: ")


def test_a_list_of_checksums_that_is_none_is_refused(sound, tmp_path):
    for name, text, why in (
        ("none.zip", None, "it is missing"), ("odd.zip", "x\n", "line 1 is no checksum and name")
    ):  # fmt: skip
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for entry, content in contents(sound).items():
                file.writestr(entry, content)
            if text is not None:
                file.writestr(CHECKSUMS, text)
        assert f"{CHECKSUMS}: {why}" in refused(tmp_path / name)


def test_what_is_no_bundle_is_one_error(tmp_path, capsys):
    (tmp_path / "x.zip").write_bytes(b"no zip")
    assert main([str(tmp_path / "x.zip")], remake) == 2
    assert main([str(tmp_path / "none.zip")], remake) == 2
    assert main([], remake) == 2
    assert main(["--help"], remake) == 0
    said = capsys.readouterr().err
    assert "it is no zip archive" in said
    assert "there is no such file" in said


# --- other code and fewer libraries than those that made it ------------------------------------


def test_files_that_other_code_makes_alike_are_proved_and_others_are_not(
    sound, tmp_path, monkeypatch
):
    for module in (batch, rebuild):
        monkeypatch.setattr(module, "rows_key", lambda: "another")
    text = contents(sound)[TABLE]
    verdict = verify_bundle(with_changes(sound, tmp_path / "b.zip", {TABLE: text + b"\n"}), remake)
    assert verdict.refused == []
    assert verdict.unproved == [
        f"{TABLE}: other bytes are made from its records here, by other code or libraries than "
        "planned"
    ]
    assert any(" published files, made again from the records, are" in s for s in verdict.proved)


def test_records_of_other_code_are_checked_and_said_to_be_so(
    sound, store, address, tmp_path, monkeypatch
):
    """Only where the installed checker cannot follow one does it stay unproved."""
    monkeypatch.setattr(recheck, "_is_installed", lambda plan, run: False)
    verdict = verify_bundle(sound, lambda plan, results: iter(()))
    assert verdict.refused == verdict.unproved == []
    assert "; 4 were computed by other code than is installed here" in "".join(verdict.proved)
    run, key = address("convex")
    mended(store, (run, key), row={})
    verdict = verify_bundle(with_records(sound, tmp_path / "b.zip", store), remake)
    assert any(
        line.startswith(f"record {run}/{key} (convex): computed by other code than is installed; ")
        for line in verdict.unproved
    )


def test_the_code_that_is_installed_is_known(plan):
    assert [recheck._is_installed(plan, run) for run in plan.runs.values()] == [True] * 4


CORE = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
from relu_optima.__main__ import main
sys.argv[1:] = ["verify", PATH]
main()
"""


def test_records_are_verified_with_the_core_alone(sound):
    """Without pandas the tables are not made again, which is said in a line."""
    missing = {*EXTRAS, "fcntl", "resource", "joblib"}
    code = f"MISSING = {missing!r}\nPATH = {str(sound)!r}\n{CORE}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "4 of 4 runs have a record" in done.stdout
    told = "is not installed; run: pip install 'relu-optima[study]'"
    (line,) = (line for line in done.stdout.splitlines() if "NOT PROVED" in line)
    assert "tables, figures and report: not made again: " in line
    assert line.endswith(told)


# --- what is written ---------------------------------------------------------------------------


def test_a_study_that_is_not_finished_is_not_bundled(root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    first = next(iter(read_plan(copy / "results", "tiny").batches))
    batch_file(copy / "results", "tiny", first).unlink()
    with pytest.raises(StoreError, match=r"(?s)not finished.*fix: relu-optima study tiny"):
        bundle("tiny", copy / "c.zip", DAY, report_page, copy)
    assert not (copy / "c.zip").exists()


def test_the_day_is_given_or_that_of_the_commit(root, tmp_path):
    for day in ("tomorrow", None):
        with pytest.raises(ReluOptimaError, match=r"(?s)--date: .*allowed: a day"):
            bundle("tiny", tmp_path / "b.zip", day, report_page, root)
    assert commit_date(tmp_path) is None  # no repository
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        day = {"GIT_COMMITTER_DATE": "2026-02-03T12:00:00Z"}
        subprocess.run([*git, *words], check=True, env={**os.environ, **day})
    assert commit_date(tmp_path) == "2026-02-03"


def test_the_metadata_are_a_valid_crate(sound):
    """RO-Crate 1.1: descriptor, root, one entity for each file, no reference to nothing."""
    files = contents(sound)
    document = json.loads(files["ro-crate-metadata.json"])
    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    descriptor, rooted = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    assert rooted["@type"] == "Dataset"
    assert rooted["datePublished"] == DAY
    assert rooted["name"]
    assert rooted["description"]
    assert rooted["license"] == {"@id": "LICENSE"}

    def references(value):
        if isinstance(value, dict):
            if set(value) == {"@id"}:
                yield value["@id"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    known = {*entities, "https://w3id.org/ro/crate/1.1"}
    assert set(references(document["@graph"])) <= known
    parts = {part["@id"] for part in rooted["hasPart"]}
    described = {n for n in files if not n.startswith("records/")} - {"ro-crate-metadata.json"}
    assert parts == described | {"records/"}
    for name in described:
        assert entities[name]["@type"] == "File"
        assert entities[name]["contentSize"] == str(len(files[name]))
        assert entities[name]["name"]


def test_every_loader_is_credited_or_unknown():
    values = {"name": "iris", "source": "iris"}
    for loader in plugin_names("dataset"):
        credit = credit_of({"loader": loader, **values})
        assert credit.title
        assert bool(credit.licence) == (loader not in MADE_HERE)
        assert bool(credit.citation) == (loader not in MADE_HERE)
    assert set(plugin_names("dataset")) > MADE_HERE
    mine = credit_of({"loader": "csv", "path": "mine.csv"})
    assert (mine.citation, mine.licence) == (UNKNOWN, UNKNOWN)
