"""A killed job goes on from its last checkpoint and ends with the same bits; progress is told."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from relu_optima.training import engine
from relu_optima.training.engine import Loop, train

from .cases import problem, same

ROOT = Path(__file__).resolve().parents[2]
ORIGINAL_EPOCH = Loop._one_epoch


class Killed(Exception):
    """Ends training between two epochs."""


def epochs_of(monkeypatch, killed_at=None):
    """Record the epochs that are computed from now on; stop before one of them."""
    started, step = [], ORIGINAL_EPOCH

    def recorded(self):
        if self.epoch == killed_at:
            raise Killed
        started.append((self.epoch, len(self.problems)))
        return step(self)

    monkeypatch.setattr(Loop, "_one_epoch", recorded)
    return started


def test_a_killed_stack_resumes_bit_identically(tmp_path, monkeypatch):
    options = {"optimizer": "adam", "epochs": 9, "checkpoint_every": 2}
    cases = [problem(seed=k, lam=0.1, **options) for k in range(3)]
    whole = train(cases)
    epochs_of(monkeypatch, killed_at=5)
    with pytest.raises(Killed):
        train(cases, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    started = epochs_of(monkeypatch)
    again = train(cases, tmp_path)
    assert started[0] == (4, 3)
    assert all(same(a, b) for a, b in zip(whole, again, strict=True))


def test_networks_resume_with_other_neighbours(tmp_path, monkeypatch):
    options = {"momentum": 0.9, "epochs": 8, "checkpoint_every": 2}
    cases = [problem(seed=k, **options) for k in range(4)]
    whole = train(cases)
    for chosen, killed_at in ((cases[:2], 5), (cases[2:3], 3)):
        epochs_of(monkeypatch, killed_at)
        with pytest.raises(Killed):
            train(chosen, tmp_path)
    started = epochs_of(monkeypatch)
    again = train(cases, tmp_path)
    assert all(same(a, b) for a, b in zip(whole, again, strict=True))
    # two from epoch 4, one from epoch 2, one from the start
    assert sum(networks for _, networks in started) == 2 * 4 + 6 + 8


def test_a_finished_network_is_not_trained_again(tmp_path, monkeypatch):
    wild = {"learning_rate": 1e3, "epochs": 30}
    cases = [problem(epochs=30), problem(seed=5, **wild)]
    whole = train(cases, tmp_path)
    assert [r.status for r in whole] == ["ok", "diverged"]
    started = epochs_of(monkeypatch)
    again = train(cases, tmp_path)
    assert not started
    assert all(same(a, b) for a, b in zip(whole, again, strict=True))


def test_a_process_killed_by_the_system_loses_less_than_one_interval(tmp_path, monkeypatch):
    code = (
        "import sys; from pathlib import Path; from relu_optima.training.engine import train\n"
        "from tests.training.test_checkpoints import long_cases\n"
        "train(long_cases(), Path(sys.argv[1]))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("*.npz"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert len(list(tmp_path.glob("*.npz"))) == 2, "no checkpoint was written"
    started = epochs_of(monkeypatch)
    again = train(long_cases(), tmp_path)
    monkeypatch.undo()
    first = started[0][0] if started else 300
    assert first > 0
    assert first % 5 == 0
    assert all(same(a, b) for a, b in zip(train(long_cases()), again, strict=True))


def long_cases():
    return [problem(seed=k, rows=80, epochs=300, checkpoint_every=5) for k in range(2)]


def test_progress_tells_loss_and_norm_of_the_networks_alive(monkeypatch, caplog):
    monkeypatch.setattr(engine, "PROGRESS_SECONDS", 0.0)
    cases = [
        problem(epochs=3, log_every=3),
        problem(seed=5, epochs=3, log_every=3, learning_rate=1e6),
    ]
    with caplog.at_level("INFO", logger="relu_optima"):
        out = train(cases)
    assert out[1].status == "diverged"
    lines = [r.getMessage() for r in caplog.records]
    assert "epoch 3 of 3, 1 networks" in lines[-1]
    norm = float(lines[-1].split()[-1])
    assert norm == pytest.approx(out[0].series["weight_norm"][-1], rel=1e-3)


def test_a_damaged_checkpoint_is_ignored(tmp_path):
    case = problem(checkpoint_every=1)
    loop = Loop([case], tmp_path)
    tmp_path.mkdir(exist_ok=True)
    loop.checkpoints[0].path.write_bytes(b"PK\x03\x04 cut off")
    assert same(train([case], tmp_path)[0], train([case])[0])
