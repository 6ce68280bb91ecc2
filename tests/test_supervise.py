"""A process that hangs in compiled code, is killed or crashes costs its own run and no other."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, logging, os, re, signal, sys
from pathlib import Path
from relu_optima.errors import ReluOptimaError
from relu_optima.run.supervisor import supervised

logging.basicConfig(format="%(message)s")
folder, fault, together = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["together"]

def compute(run):
    if run == "b":
        if fault == "hang":
            re.match("(a+)+$", "a" * 60 + "b")  # years in compiled code, Python locked out
        if fault == "kill" or (fault == "kill once" and not (folder / "killed").exists()):
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "segfault":
            ctypes.string_at(0)
    (folder / run).write_text(f"{os.getpid()}")

watch = supervised()
todo = [r for r in "abc" if not (folder / r).exists() and r not in {*watch.late, *watch.lost}]
if together and not watch.apart:
    with watch.hold(todo, 1.0):
        for run in todo:
            compute(run)
else:
    for run in todo:
        with watch.hold([run], 1.0):
            compute(run)
(folder / "late").write_text(" ".join(watch.late))
(folder / "lost").write_text(str(watch.lost))
sys.exit(5 if watch.lost else 0)
"""


def start(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [[], ["together"]])
@pytest.mark.parametrize("fault", ["hang", "kill", "segfault"])
def test_only_the_run_at_fault_is_given_up(tmp_path, fault, how):
    process = start(tmp_path, fault, *how)
    _, text = process.communicate(timeout=60)
    assert process.returncode == (0 if fault == "hang" else 5), text
    assert (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "c").exists()
    assert (tmp_path / "late").read_text() == ("b" if fault == "hang" else "")
    if fault == "hang":
        assert "in compute" in text, "the log shows where it hangs"
    else:
        signal_number = {"kill": "9 (out of memory?)", "segfault": "11"}[fault]
        assert f"signal {signal_number}, 2 times" in (tmp_path / "lost").read_text()


def test_a_process_killed_once_is_replaced(tmp_path):
    process = start(tmp_path, "kill once")
    _, text = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert all((tmp_path / run).exists() for run in "abc")


def test_without_a_fault_nothing_is_said(tmp_path):
    process = start(tmp_path, "none")
    _, text = process.communicate(timeout=60)
    assert (process.returncode, text) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_the_child_does_not_outlive_its_supervisor(tmp_path):
    process = start(tmp_path, "hang")
    written = tmp_path / "a"
    while not written.exists() or not written.read_text():  # the file is there before its text
        assert process.poll() is None
    child = int(written.read_text())
    process.kill()
    process.wait()
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return
        # a container without an init process may leave the dead child unreaped
        if state.rpartition(")")[2].split()[0] == "Z":
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(f"process {child} is still alive")
