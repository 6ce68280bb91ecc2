"""The structure of the code: no circles, no arrow back up, few rooms, and a page that tells it."""

import itertools

from tests.rooms import BEGIN, END, PAGE, SOURCE, arrows, block, circles, floors


def test_no_room_imports_itself_by_a_detour():
    assert circles(arrows()) == []


def test_every_arrow_goes_down():
    imports = arrows()
    level = floors(imports)
    assert all(level[a] > level[b] for a, targets in imports.items() for b in targets)
    # the pipeline points one way
    order = ["cli", "audit", "run", "store", "plan", "publish", "config"]
    for upper, lower in itertools.pairwise(order):
        assert upper not in imports[lower], (lower, upper)


def test_the_house_stays_small():
    imports = arrows()
    assert len(imports) <= 25
    assert max(floors(imports).values()) <= 9
    assert sum(map(len, imports.values())) <= 110
    assert len(list(SOURCE.glob("*.py"))) <= 8


def test_the_page_shows_the_code():
    text = PAGE.read_text(encoding="utf-8")
    shown = text.split(BEGIN)[1].split(END)[0].strip()
    assert shown == block(), "run: python -m tests.rooms"
