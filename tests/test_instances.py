"""The runner of solved instances tells right answers from wrong ones."""

import json

from tests.instances.__main__ import differences, main

A1 = {"X": [[-1.0], [0.0], [1.0]], "y": [1.0, 0.0, 1.0]}


def write(path, *instances):
    path.write_text(json.dumps({"instances": list(instances)}))
    return str(path)


def test_a_right_value_passes_and_a_wrong_one_is_named(tmp_path, capsys):
    # |x| by two neurons of weight b each: (1 - b)^2 + 2 lam b is least at b = 1 - lam
    data = {**A1, "beta": 0.1, "bias_column": False}
    right = {"objective": 0.1**2 + 2 * 0.1 * 0.9, "patterns": 2}
    good = {"id": "a", "kind": "scalar_program", "data": data, "value": right}
    bad = {**good, "id": "b", "value": {"objective": 0.19001, "patterns": 3}}
    odd = {**good, "id": "c", "kind": "riddle"}
    broken = {**good, "id": "d", "data": {**data, "beta": -1}}
    assert main([write(tmp_path / "good.json", good)]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n"
    assert main([write(tmp_path / "all.json", good, bad, odd, broken)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("b (scalar_program): objective is 0.19")
    assert "patterns is 2, not 3" in lines[0]
    assert lines[1] == "c (riddle): there is no kind 'riddle'"
    assert "SolveInputError" in lines[2]
    assert lines[-1] == "1 passed, 3 failed"


def test_counts_and_truth_values_are_exact_and_relaxations_looser():
    assert not differences({"a": 1.0}, {"a": 1.0 + 9e-9})
    assert differences({"a": 1.0}, {"a": 1.0 + 2e-8})
    assert not differences({"relaxation": 1.0}, {"relaxation": 1.0 + 9e-7})
    assert differences({"n": 3}, {"n": 4})
    assert differences({"b": True}, {"b": 1})
    assert differences({"b": True}, {})
    assert differences({"l": [1.0, 2.0]}, {"l": [1.0]})
