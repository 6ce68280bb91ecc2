"""The override grammar is Hydra's, and its pinned version behaves as this project needs."""

import pytest

from relu_optima.config.compose import (
    ComposeError,
    compose_preset,
    has_interpolation,
    load_yaml,
    parse_axis,
    parse_override,
    resolve,
    study_defaults,
)


@pytest.fixture
def conf(tmp_path):
    (tmp_path / "thing").mkdir()
    (tmp_path / "config.yaml").write_text("defaults:\n  - thing: a\n  - _self_\nseed: 3\n")
    (tmp_path / "thing" / "a.yaml").write_text("x: 1\ny: ${seed}\n")
    (tmp_path / "thing" / "ab.yaml").write_text("defaults: [a, _self_]\nx: 2\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,3", [1, 2, 3]),
        ("range(0,5)", [0, 1, 2, 3, 4]),
        ("range(0,1,0.25)", [0.0, 0.25, 0.5, 0.75]),
        ("choice(a,'b c; $(rm)')", ["a", "b c; $(rm)"]),
        ("1e-3,1e-2", [0.001, 0.01]),
        ("sort(3,1,2)", [1, 2, 3]),
        ("[1,2],[3]", [[1, 2], [3]]),
        ("0.1", [0.1]),
        ("null", [None]),
        ("true,false", [True, False]),
        ("'1,2'", ["1,2"]),
    ],
)
def test_axis_values(conf, text, values):
    parsed = parse_axis("convex.lam", text, conf, "file")
    assert parsed == values
    assert [type(v) for v in parsed] == [type(v) for v in values]


def test_glob_selects_presets(conf):
    assert parse_axis("thing", "glob(a*)", conf, "file") == ["a", "ab"]


@pytest.mark.parametrize("value", [[1, "b c"], ["$(rm -rf)", "é;"], []])
def test_yaml_lists_are_literal(conf, value):
    assert parse_axis("k.x", value, conf, "file") == value


@pytest.mark.parametrize(
    "text",
    ["novalue", "a b=1", "a=$(ls)", "a=x;y", "a=interval(0,1)", "+a=1", "~a", "a@b=1", "../a=1"],
)
def test_anything_else_is_refused_with_its_place(conf, text):
    with pytest.raises(ComposeError, match="here"):
        parse_override(text, conf, "here")


def test_presets_may_extend_each_other(conf):
    assert compose_preset(conf, "thing", "ab") == {"x": 2, "y": "${seed}"}


def test_interpolation_between_groups():
    values = {"seed": 4, "thing": {"x": "${seed}", "z": "${thing.x}"}}
    assert has_interpolation(values)
    assert resolve(values) == {"seed": 4, "thing": {"x": 4, "z": 4}}


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "${oc.decode:x}", "${a b}", "${nowhere.x}"])
def test_resolvers_and_unknown_keys_are_refused(text):
    with pytest.raises(ComposeError):
        resolve({"thing": {"x": text}})


@pytest.mark.parametrize(
    "content", ["a: [", "- 1\n- 2\n", "1: x\n", "\x00", "a: !!python/object:os.system {}"]
)
def test_files_that_are_no_mapping_are_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(ComposeError, match=r"x\.yaml"):
        load_yaml(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed=range(0,1000000000)", "more than 100000 values"),
        ("convex.lam=range(0,1,1e-12)", "more than 100000 values"),
        ("seed=range(1,2,0)", "no list of values"),
        ("seed=shuffle(range(0,4))", "another order each time"),
        ("seed=shuffle(1,2,3)", "another order each time"),
        ("seed=" + "[" * 400 + "]" * 400, "too deep"),
        ("seed=interval(0,1)", "no finite list|not a finite list"),
    ],
)
def test_lists_without_end_or_order_are_refused(conf, text, message):
    with pytest.raises(ComposeError, match=message):
        parse_override(text, conf, "command line")


@pytest.mark.parametrize("defaults", ["5", "null", "thing", "{thing: a}"])
def test_defaults_that_are_no_list_are_one_message(conf, defaults):
    (conf / "config.yaml").write_text(f"defaults: {defaults}\n")
    with pytest.raises(ComposeError, match=r"defaults must be a list"):
        study_defaults(conf)


@pytest.mark.parametrize(
    "defaults", ["5", "thing", "{thing: a}", "[5]", "[[a]]", "[{thing: {a: b}}]", "[nothing]"]
)
def test_a_preset_whose_defaults_hydra_cannot_read(conf, defaults):
    (conf / "thing" / "bad.yaml").write_text(f"defaults: {defaults}\nx: 2\n")
    with pytest.raises(ComposeError, match=r"bad\.yaml"):
        compose_preset(conf, "thing", "bad")
