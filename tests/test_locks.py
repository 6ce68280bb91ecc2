"""One study at a time; the kernel frees a dead study's lock."""

import os
import signal
import subprocess
import sys

import pytest

from relu_optima.errors import BusyError
from relu_optima.locks import study_lock, worker_lock

HOLD = """
import sys, time
from pathlib import Path
from relu_optima.locks import {name}
with {name}(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder, name):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(name=name), str(folder)], stdout=subprocess.PIPE
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
