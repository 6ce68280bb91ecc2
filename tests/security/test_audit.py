"""The audit never takes silence for safety."""

import pytest

from tests.security.audit import CLEAN, SKIPPED, VULNERABLE, audit

BAD = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2"]}


def database(lock, canary=True, answers=None):
    """Imitate a database that knows the canary or not, and what it says of the lock."""

    def ask(requirements, service):
        if requirements == lock:
            return answers
        return [{"name": "jinja2", "version": "2.4.1", "vulns": [BAD] if canary else []}]

    return ask


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text("a==1\nb==2\n")
    return path


def entry(name, **more):
    return {"name": name, "version": "1", "vulns": [], **more}


def test_a_database_that_answers_for_all_pins_means_clean(lock):
    code, lines = audit(lock, database(lock, answers=[entry("a"), entry("b")]))
    assert code == CLEAN
    assert "2 of 2" in lines[-1]


def test_a_known_vulnerability_fails_and_is_named(lock):
    code, lines = audit(lock, database(lock, answers=[entry("a", vulns=[BAD]), entry("b")]))
    assert code == VULNERABLE
    assert "PYSEC-1" in lines[0]


@pytest.mark.parametrize(
    "answers", [None, [entry("a")], [entry("a"), {"name": "b", "skip_reason": "unknown"}]]
)
def test_missing_answers_are_not_clean(lock, answers):
    code, lines = audit(lock, database(lock, answers=answers))
    assert code == SKIPPED
    assert "SKIPPED" in lines[-1]


def test_a_mirror_without_vulnerability_data_is_not_a_database(lock):
    ask = database(lock, canary=False, answers=[entry("a"), entry("b")])
    assert audit(lock, ask)[0] == SKIPPED


def test_a_vulnerability_counts_although_other_pins_are_unknown(lock):
    answers = [entry("a", vulns=[BAD]), {"name": "b", "skip_reason": "unknown"}]
    assert audit(lock, database(lock, answers=answers))[0] == VULNERABLE
