from __future__ import annotations

from octui.kept import Kept


def test_what_was_used_last_stays_when_there_is_no_room_for_all() -> None:
    kept: Kept[str, int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_a_thing_put_again_weighs_what_it_weighs_now() -> None:
    kept: Kept[str, int] = Kept(10)
    for weight in (9, 1, 1):
        kept.put("a", weight, weight)
    kept.put("b", 9, 9)
    assert (kept.get("a"), kept.get("b")) == (1, 9)


def test_the_newest_thing_is_kept_however_much_it_weighs() -> None:
    kept: Kept[str, int] = Kept(10)
    kept.put("a", 1)
    assert kept.put("b", 2, 100) == 2
    assert (kept.get("a"), kept.get("b")) == (None, 2)


def test_a_thing_that_is_forgotten_makes_room() -> None:
    kept: Kept[str, int] = Kept(10)
    kept.put("a", 1, 6)
    kept.put("b", 2, 4)
    kept.forget("a")
    kept.forget("never kept")
    kept.put("c", 3, 6)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (None, 2, 3)


def test_keys_are_told_in_the_order_of_use() -> None:
    kept: Kept[str, int] = Kept(10)
    for key in "abc":
        kept.put(key, 0)
    kept.get("a")
    kept.forget("b")
    assert [*kept] == ["c", "a"]


def test_nothing_is_kept_after_clearing() -> None:
    kept: Kept[str, int] = Kept(10)
    kept.put("a", 1, 9)
    kept.clear()
    kept.put("b", 2, 9)
    assert (kept.get("a"), kept.get("b")) == (None, 2)
