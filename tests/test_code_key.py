"""A code key changes with code that a run reaches, and with nothing else."""

import pytest

from relu_optima.plan import source_facts
from relu_optima.plan.code_key import SourceTree
from relu_optima.plan.source_facts import Imported

FILES = {
    "__init__.py": '"""Package."""\n',
    "a/__init__.py": '"""Lazy."""\n',
    "a/stage.py": (
        "from relu_optima.a.core import f\n"
        "def run():\n    from relu_optima import late\n    return f()\n"
    ),
    "a/core.py": 'def f():\n    """Doc."""\n    return 1  # why\n',
    "late.py": "import os\nX = 1\n",
    "b/__init__.py": "",
    "b/stage.py": "from relu_optima.a import core\nfrom . import extra\n",
    "b/extra.py": "Y = 2\n",
    "c/__init__.py": "",
    "c/stage.py": "from relu_optima.a import f\n",
}


@pytest.fixture
def package(tmp_path):
    root = tmp_path / "relu_optima"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def keys(root):
    tree = SourceTree(root)
    return {s: tree.key([f"relu_optima.{s}.stage"]) for s in "abc"}


def edit(root, name, old, new):
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def changed(root, name, old, new):
    before = keys(root)
    edit(root, name, old, new)
    after = keys(root)
    return {s for s in before if before[s] != after[s]}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a/core.py", "# why", "# because"),
        ("a/core.py", '"""Doc."""', '"""Another text,\n    on two lines."""'),
        ("a/core.py", "def f", "\n\n# moved down\n\ndef f"),
        ("__init__.py", '"""Package."""', '"""Changed."""'),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(package, name, old, new):
    assert changed(package, name, old, new) == set()


def test_code_changes_every_stage_that_reaches_it(package):
    assert changed(package, "a/core.py", "return 1", "return 2") == {"a", "b", "c"}


def test_function_local_imports_count(package):
    assert changed(package, "late.py", "X = 1", "X = 2") == {"a", "c"}


def test_relative_imports_count(package):
    assert changed(package, "b/extra.py", "Y = 2", "Y = 3") == {"b"}


def test_a_name_from_a_lazy_package_may_come_from_any_of_its_modules(package):
    tree = SourceTree(package)
    assert "relu_optima.a.core" in tree.closure(["relu_optima.c.stage"])


def test_plugins_count_only_where_named(package):
    (package / "plugin.py").write_text("Z = 1\n")
    first = SourceTree(package)
    with_plugin = first.key(["relu_optima.b.stage", "relu_optima.plugin"])
    without = first.key(["relu_optima.b.stage"])
    edit(package, "plugin.py", "Z = 1", "Z = 2")
    second = SourceTree(package)
    assert second.key(["relu_optima.b.stage", "relu_optima.plugin"]) != with_plugin
    assert second.key(["relu_optima.b.stage"]) == without


TEXT = b"import numpy as np\nfrom .x import y\n\n\ndef f():\n    'Say.'\n    return 1\n"


def facts_in(tmp_path, monkeypatch):
    """Let the facts of texts lie in a folder of their own; forget what this process knows."""
    monkeypatch.setattr(source_facts, "FILE", tmp_path / "source_facts.json")
    for remembered in (source_facts._known, source_facts._save_at_exit):
        remembered.cache_clear()


def test_facts_are_found_once_and_read_by_the_next_process(tmp_path, monkeypatch):
    facts_in(tmp_path, monkeypatch)
    found = source_facts.facts_of(TEXT, "text")
    assert found.imports == [Imported(None, "numpy", [], False), Imported(1, "x", ["y"], False)]
    assert found.defines == ["f"]
    source_facts._save({})
    source_facts._known.cache_clear()
    monkeypatch.setattr(source_facts, "_found_in", lambda tree: pytest.fail("found again"))
    assert source_facts.facts_of(TEXT, "text") == found


def test_facts_follow_the_text_and_a_damaged_file_says_nothing(tmp_path, monkeypatch):
    facts_in(tmp_path, monkeypatch)
    found = source_facts.facts_of(TEXT, "text")
    assert source_facts.facts_of(TEXT.replace(b"Say.", b"Tell."), "text") == found
    assert source_facts.facts_of(TEXT.replace(b"return 1", b"return 2"), "text") != found
    source_facts._save({})
    file = tmp_path / "source_facts.json"
    whole = file.read_bytes()
    place = whole.index(found.digest.encode())
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    source_facts._known.cache_clear()
    assert source_facts._known() == {}
    assert source_facts.facts_of(TEXT, "text") == found
