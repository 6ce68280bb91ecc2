"""One study at a time; the kernel frees a dead study's lock."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from relu_optima.errors import BusyError
from relu_optima.store.locks import study_lock, worker_lock

HOLD = """
import errno, fcntl, os, sys, time
from pathlib import Path
number = int(sys.argv[2])
if number:
    def flock(*arguments):
        raise OSError(number, os.strerror(number))
    fcntl.flock = flock
from relu_optima.store.locks import {name}
with {name}(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder, name, number=0):
    code = HOLD.format(name=name)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(number)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    return process


def test_second_study_is_refused_and_a_dead_one_is_not_waited_for(tmp_path):
    process = holder(tmp_path, "study_lock")
    with pytest.raises(BusyError, match="another study"), study_lock(tmp_path):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with study_lock(tmp_path):
        pass


def test_workers_share_and_a_study_waits_for_them(tmp_path):
    process = holder(tmp_path, "worker_lock")
    with worker_lock(tmp_path):
        pass
    with pytest.raises(BusyError, match="workers"), study_lock(tmp_path, patience=0.3):
        pass
    process.kill()
    process.wait()
    with study_lock(tmp_path, patience=0.3):
        pass


def test_workers_may_start_while_a_study_holds_its_lock(tmp_path):
    with study_lock(tmp_path), worker_lock(tmp_path):
        pass


NUMBERS = [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS, errno.EIO]


def failing(number):
    def call(*arguments):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_without_flock_a_study_runs_and_says_what_is_not_protected(
    tmp_path, monkeypatch, caplog, number
):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    monkeypatch.setattr(fcntl, "fcntl", failing(errno.EINVAL))
    with study_lock(tmp_path), worker_lock(tmp_path):
        pass
    assert f"has no locks ({os.strerror(number)})" in caplog.text
    assert "nothing keeps a second study out" in caplog.text
    with pytest.raises(BusyError, match="no file locks"), study_lock(tmp_path, certain=True):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has locks of open files")
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_without_flock_locks_of_open_files_do_the_same(tmp_path, monkeypatch, caplog, number):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    process = holder(tmp_path, "study_lock", number)
    with pytest.raises(BusyError, match="another study"), study_lock(tmp_path):
        pass
    process.kill()
    process.wait()
    process = holder(tmp_path, "worker_lock", number)
    with worker_lock(tmp_path):
        pass
    with pytest.raises(BusyError, match="workers"), study_lock(tmp_path, patience=0.3):
        pass
    process.kill()
    process.wait()
    with study_lock(tmp_path, certain=True), worker_lock(tmp_path):
        pass
    assert caplog.text == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has locks of open files")
def test_without_flock_the_lock_outlives_the_study_in_snakemake(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with study_lock(tmp_path) as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with pytest.raises(BusyError, match="another study"), study_lock(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
