from __future__ import annotations

import pytest

from octui.recording.facts import ChangesCounted, Checked, SettingUp
from octui.recording.status import RunStatus
from octui.tui.glyphs import UNICODE
from octui.tui.render.lines import plain
from octui.tui.render.worktree import short_work_spans, work_spans

CHANGED = ChangesCounted(at=1, run="a", files=3, added=120, removed=4)


def told(status: RunStatus) -> str:
    return plain(work_spans(status, UNICODE))


def test_a_run_that_nothing_is_known_of_takes_no_room() -> None:
    assert told(RunStatus("a")) == ""
    assert told(RunStatus("a", changes=ChangesCounted(at=1, run="a", files=0, added=0, removed=0))) == ""


def test_a_command_that_sets_up_is_told_before_anything_else() -> None:
    status = RunStatus(
        "a", changes=CHANGED, setting_up=SettingUp(at=1, run="a", command="npm ci\x1b[2J", number=2, of=3)
    )
    assert told(status) == "set-up 2/3: npm ci"


@pytest.mark.parametrize(("code", "words"), [(0, "✓ check"), (2, "✗ check 2"), (None, "✗ check ended")])
def test_changes_are_followed_by_what_the_check_came_to(code: int | None, words: str) -> None:
    status = RunStatus("a", changes=CHANGED, checked=Checked(at=2, run="a", exit_code=code))
    assert told(status) == f"3 files +120 −4  {words}"


def test_a_check_that_is_under_way_is_told_as_such() -> None:
    assert told(RunStatus("a", checking="make", checked=Checked(at=2, run="a", exit_code=1))) == "checking"


def test_with_little_room_the_same_is_told_in_signs() -> None:
    def short(status: RunStatus) -> str:
        return plain(short_work_spans(status, UNICODE))

    assert short(RunStatus("a", changes=CHANGED, checked=Checked(at=2, run="a", exit_code=1))) == "+120 −4 ✗"
    assert short(RunStatus("a", checked=Checked(at=2, run="a", exit_code=0))) == "✓"
    assert short(RunStatus("a", setting_up=SettingUp(at=1, run="a", command="npm ci"))) == "set-up"
    assert short(RunStatus("a")) == ""
