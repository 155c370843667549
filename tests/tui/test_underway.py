"""What is under way: shown as it comes, once, in its place, live and in a replay alike."""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, until
from tests.tui.streams import CAPTURED, CHILD, ROOT, Told, captured, root_of

from octui.client.serve.v1_events import time_of_line
from octui.recording.facts import RunState, SessionOpened
from octui.recording.replay import ReplayClock, Timeline
from octui.recording.session import Session
from octui.tui.document import RunDocument
from octui.tui.glyphs import UNICODE
from octui.tui.render.lines import plain
from octui.tui.screens.replay import ReplayScreen
from octui.tui.scroller import Scroller
from octui.tui.view import RunView, SessionView

NAMES = sorted(path.stem for path in CAPTURED.glob("*.stream"))
NEAR_MS = 1_795_431_000_000


def watch(told: Told, *, at: float | None = None) -> RunDocument:
    """The document of the first run, now, with the clock of what was told."""
    view = SessionView(Session.open(told.folder), now=lambda: told.at_ms / 1000)
    view.position = at
    return RunDocument(view, "api", UNICODE)


def look(document: RunDocument, width: int = 70) -> list[str]:
    """All rows but the prompt's, as they are now."""
    document.view.refresh()
    document.refresh()
    rows = [plain(line).rstrip() for item in range(1, document.last + 1) for line in document.lines(item, width)]
    return [row for row in rows if row]


def now(document: RunDocument) -> str:
    return document.view.run("api", UNICODE).now


@pytest.mark.parametrize("name", NAMES)
def test_every_moment_of_a_replay_equals_what_was_shown_live(tmp_path: Path, name: str) -> None:
    lines = captured(name)
    start = time_of_line(lines[0], NEAR_MS)
    assert start is not None
    told = Told(tmp_path, session_id=root_of(lines), at=start / 1000)
    paper = watch(told)
    live: dict[int, tuple[list[str], RunView]] = {}
    for line in lines:
        told.hear(line)
        live[told.at_ms] = copy.deepcopy((look(paper), paper.view.run("api", UNICODE)))
    told.end()
    replay = watch(told, at=start / 1000)
    for at in sorted(live, key=lambda at: at * 7919 % 101):
        replay.view.position = at / 1000
        assert (look(replay), replay.view.run("api", UNICODE)) == live[at]


def test_an_answer_is_shown_word_by_word_and_in_the_frame(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "")
    told.grow("p1", "I look at ")
    assert look(paper) == ["I look at▌"]
    told.grow("p1", "the **router**")
    assert look(paper) == ["I look at the router▌"]
    assert now(paper) == "I look at the **router"


def test_a_prompt_that_waits_for_its_answer_stands_last_until_it_stands_where_that_begins(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.message("m0", "user")
    told.part("m0-words", "text", message="m0", text="The run's own.")
    told.message("m1", parentID="m0")
    told.part("m1-step", "step-start", message="m1")
    told.text("p1", "")
    told.grow("p1", "I look")
    told.message("m2", "user")
    told.part("m2-words", "text", message="m2", text="And then\nthis \x1b[31m.")
    assert look(paper) == ["I look▌", "❯ And then this .  queued"]
    assert paper.text(paper.last - 1) == "And then\nthis ."
    told.message("m3", parentID="m2")
    assert look(paper) == ["❯ And then", "  this .", "I look▌"]


def test_a_part_that_becomes_whole_is_shown_once_and_never_not_at_all(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "")
    told.grow("p1", "Said.")
    assert look(paper) == ["Said.▌"]
    logged = told.write(
        told.event(
            "message.part.updated",
            {
                "sessionID": ROOT,
                "part": {
                    "id": "p1",
                    "messageID": "m1",
                    "type": "text",
                    "text": "Said.",
                    "time": {"start": 1, "end": 2},
                },
            },
        )
    )
    assert look(paper) == ["Said.▌"], "whole in the stream, not yet in the log"
    told.journal.append_stdout("api", logged)
    assert look(paper) == ["Said."]


def test_a_part_whose_line_is_read_before_its_end_in_the_stream_is_shown_once(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "")
    told.grow("p1", "Said.")
    look(paper)
    told.text("p1", "Said.", whole=True)
    paper.view.session.refresh()
    paper.refresh()
    shown = [plain(line) for item in range(1, paper.last + 1) for line in paper.lines(item, 70)]
    assert shown.count("Said.") + shown.count("Said.▌") == 1
    assert look(paper) == ["Said."]


def test_a_running_command_shows_its_time_and_the_end_of_its_output(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.tool("t1", "bash", "pending", input={})
    assert look(paper) == ["○ bash" + " " * 57 + "pending"]
    output = "".join(f"test {n}\n" for n in range(9))
    given = {"command": "pytest -q"}
    started = told.at_ms
    told.tool("t1", "bash", "running", input=given, metadata={"output": output}, time={"start": started}, after_ms=5000)
    rows = look(paper)
    assert rows[0].startswith("● bash   pytest -q")
    assert rows[0].endswith("00:05")
    assert [row.strip() for row in rows[1:]] == ["test 6", "test 7", "test 8"]
    assert now(paper) == "bash pytest -q"
    paper.toggle(paper.events + 1)
    assert [row.strip() for row in look(paper)[1:]] == [f"test {n}" for n in range(9)]


def test_reasoning_shows_its_last_lines_and_opens(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("r1", "", kind="reasoning")
    told.grow("r1", "\n".join(f"thought {n}" for n in range(6)))
    assert [row.strip() for row in look(paper)] == ["thought 3", "thought 4", "thought 5"]
    assert now(paper) == "thinking"
    paper.toggle(paper.events + 1)
    assert len(look(paper)) == 6


def test_a_provider_that_is_waited_for_counts_down(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.status("retry", attempt=2, message="scripted failure 503", next=told.at_ms + 3000)
    assert look(paper) == ["↻ provider: scripted failure 503 · attempt 2, again in 3 s"]
    told.at_ms += 2000
    assert look(paper) == ["↻ provider: scripted failure 503 · attempt 2, again in 1 s"]
    assert now(paper) == "↻ provider again in 1 s · attempt 2 · scripted failure 503"
    told.at_ms += 2000
    assert look(paper) == ["↻ provider: scripted failure 503 · attempt 2, asked again"]
    told.status("busy")
    assert look(paper) == ["● running"]


def test_a_compaction_is_told(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.status("busy")
    told.message("m2", agent="compaction")
    assert look(paper) == ["◔ summing up what was said so far, to make room"]
    told.tell("session.compacted", {"sessionID": ROOT})
    assert look(paper) == ["● running"]


def _with_subagent(folder: Path) -> Told:
    told = Told(folder)
    told.step()
    told.subagent("find callers (@explore subagent)", "explore")
    given = {"description": "find callers", "prompt": "find", "subagent_type": "explore"}
    state: dict[str, Any] = {
        "input": given,
        "title": "find callers",
        "metadata": {"sessionId": CHILD},
        "time": {"start": told.at_ms},
    }
    told.tool("t1", "task", "running", **state)
    told.part(
        "g0",
        "tool",
        tool="read",
        state={
            "status": "completed",
            "input": {"filePath": "src/a.py"},
            "title": "src/a.py",
            "output": "",
            "time": {"start": told.at_ms, "end": told.at_ms + 3},
        },
        session=CHILD,
        message="c1",
    )
    told.tool("g1", "grep", "running", session=CHILD, input={"pattern": "def f"}, time={"start": told.at_ms})
    return told


def test_a_subagent_stands_below_its_call_and_opens(tmp_path: Path) -> None:
    told = _with_subagent(tmp_path)
    paper = watch(told)
    rows = look(paper)
    assert rows[0].startswith("● task   find callers")
    assert rows[1].startswith("    • find callers (@explore subagent)")
    assert rows[1].endswith("1 call")
    assert rows[2:] == ["      grep def f"]
    assert now(paper) == "task find callers · grep def f"
    paper.toggle(paper.events + 1)
    rows = look(paper)
    assert any(row.startswith("      ● grep   def f") for row in rows)
    assert any("prompt: find" in row for row in rows)


def test_a_whole_call_of_a_subagent_opens_to_what_it_did(tmp_path: Path) -> None:
    told = _with_subagent(tmp_path)
    told.text("a1", "Three callers.", whole=True, session=CHILD)
    given = {"description": "find callers", "prompt": "find", "subagent_type": "explore"}
    times = {"start": told.at_ms - 60, "end": told.at_ms + 10}
    told.tool(
        "t1",
        "task",
        "completed",
        input=given,
        title="find callers",
        output="<task>Three callers.</task>",
        metadata={"sessionId": CHILD},
        time=times,
    )
    paper = watch(told)
    assert len(look(paper)) == 1
    paper.toggle(paper.events)
    rows = look(paper)
    assert any(row.startswith("    ▸ read   src/a.py") for row in rows)
    assert rows[-1] == "    Three callers."


def test_an_opened_part_stays_open_and_scrolled_text_stays_when_it_becomes_an_event(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    given = {"command": "make"}
    told.tool("t1", "bash", "running", input=given, metadata={"output": "one"}, time={"start": told.at_ms})
    told.text("p1", "")
    told.grow("p1", "\n\n".join(f"paragraph {n}" for n in range(40)))
    look(paper)
    paper.toggle(2)
    scroller = Scroller(paper)
    scroller.resize(60, 10)
    scroller.rows()
    scroller.scroll(-40)
    before = [plain(row.line) for row in scroller.rows()]
    told.text("p1", "\n\n".join(f"paragraph {n}" for n in range(40)), whole=True)
    look(paper)
    scroller.follow_moved(paper.moved)
    assert paper.moved == {3: 2, 2: 3}
    assert [plain(row.line) for row in scroller.rows()] == before
    assert not scroller.following
    assert paper.is_open(3)


def test_what_was_cut_off_stays_in_sight_and_says_so(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.text("p1", "")
    told.grow("p1", "Half a sen")
    told.tool("t1", "bash", "running", input={"command": "make"}, time={"start": told.at_ms})
    told.end(state=RunState.FAILED)
    rows = look(watch(told))
    assert rows[0] == "Half a sen"
    assert rows[1].startswith("■ bash   make")
    assert rows[1].endswith("did not end")


def test_the_filter_hides_what_is_under_way_by_kind(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "words")
    told.tool("t1", "bash", "running", input={"command": "make"}, time={"start": told.at_ms})
    paper.hidden = frozenset({"text"})
    assert len(look(paper)) == 1
    paper.hidden = frozenset({"tool_use"})
    assert look(paper) == ["words▌"]


def test_what_is_under_way_is_copied_clean(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "a\x1b]52;c;eA==\x07b")
    look(paper)
    assert paper.text(paper.events + 1) == "ab"


def test_the_model_and_agent_in_force_are_those_the_server_tells(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.message("m1", agent="plan", modelID="claude-opus-4-5")
    run = watch(told).view.run("api", UNICODE)
    assert (run.model, run.agent) == ("claude-opus-4-5", "plan")


def test_silence_is_told_from_the_last_event_of_the_server(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.text("p1", "")
    told.at_ms += 20_000
    told.grow("p1", "late")
    paper = watch(told)
    assert now(paper) == "late"
    told.at_ms += 7_000
    assert now(paper) == "quiet 00:07 · late"


def test_playing_goes_on_while_words_come_and_shortens_real_silence(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.text("p1", "")
    for _ in range(40):
        told.at_ms += 240
        told.grow("p1", "word ")
    told.at_ms += 60_000
    told.text("p1", "word " * 40, whole=True)
    told.end()
    timeline = Timeline(Session.open(told.folder))
    clock = ReplayClock(timeline, gap_s=2.0)
    clock.play()
    for _ in range(90):
        clock.tick(0.1)
    assert 8.9 < clock.position - clock.start < 9.2, "ten seconds of words are played as they came"
    for _ in range(60):
        clock.tick(0.1)
    assert clock.position == clock.end, "a minute of silence is shortened"


def test_a_step_of_a_replay_goes_to_whole_events(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.text("p1", "")
    for _ in range(5):
        told.grow("p1", "word ")
    told.text("p1", "word", whole=True)
    told.end()
    session = Session.open(told.folder)
    clock = ReplayClock(Timeline(session))
    clock.step(1)
    clock.step(1)
    assert clock.position == session.log("api").time(1)


def test_a_call_that_waits_for_others_does_not_hide_what_runs(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.tool("t1", "bash", "running", input={"command": "make"}, time={"start": told.at_ms})
    told.tool("t2", "read", "pending", input={})
    assert now(watch(told)) == "bash make"


def test_a_run_that_goes_on_in_a_fork_shows_the_fork(tmp_path: Path) -> None:
    told = Told(tmp_path)
    paper = watch(told)
    told.step()
    told.text("p1", "before")
    assert look(paper) == ["before▌"]
    told.journal.fact(SessionOpened(at=told.at_ms / 1000, run="api", session_id="ses_fork", directory="/srv/api"))
    told.step(message="m2", session="ses_fork")
    told.text("p1", "after", session="ses_fork")
    assert look(paper) == ["after▌"]


@pytest.mark.asyncio
async def test_the_panes_show_words_as_they_come_and_open_what_runs(tmp_path: Path) -> None:
    told = Told(tmp_path)
    app = dashboard(told.folder, now=lambda: told.at_ms / 1000)
    async with app.run_test(size=(100, 30)) as pilot:
        told.step()
        told.text("p1", "")
        told.grow("p1", "one ")
        await until(pilot, lambda: "one" in on_screen(app))
        told.grow("p1", "two")
        await until(pilot, lambda: "one two▌" in on_screen(app))
        output = "".join(f"line {n}\n" for n in range(9))
        told.tool("t1", "bash", "running", input={"command": "make"}, metadata={"output": output})
        await until(pilot, lambda: "line 8" in on_screen(app))
        assert "line 5" not in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: "line 0" in on_screen(app))
        told.text("p1", "one two", whole=True)
        await until(pilot, lambda: "one two▌" not in on_screen(app) and "one two" in on_screen(app))
        assert "line 0" in on_screen(app), "what was opened stays open when another item comes to its end"


@pytest.mark.asyncio
async def test_a_replay_plays_words_between_events(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.step()
    told.text("p1", "")
    for number in range(10):
        told.at_ms += 1000
        told.grow("p1", f"w{number} ")
    told.at_ms += 1000
    told.text("p1", "whole", whole=True)
    told.end()
    app = replay(told.folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "claude" in on_screen(app))
        screen = on_dashboard(app)
        assert isinstance(screen, ReplayScreen)
        screen._seek(screen.clock.start + 5.5)
        await until(pilot, lambda: "w4▌" in on_screen(app))
        screen._seek(screen.clock.start + 3.5)
        await until(pilot, lambda: "w2▌" in on_screen(app))
        assert "w3" not in on_screen(app)


PARTS = ("p1", "p2", "p3")
DOINGS = st.lists(
    st.one_of(
        st.builds(lambda m: ("step", m), st.sampled_from(["m1", "m2", "m3"])),
        st.builds(lambda p, whole: ("text", p, whole), st.sampled_from(PARTS), st.booleans()),
        st.builds(
            lambda p, words: ("grow", p, words), st.sampled_from(PARTS), st.sampled_from(["a ", "b\n\n", "- c\n"])
        ),
        st.builds(
            lambda p, status: ("tool", p, status),
            st.sampled_from(["t1", "t2"]),
            st.sampled_from(["pending", "running", "completed"]),
        ),
        st.builds(lambda kind: ("status", kind), st.sampled_from(["busy", "idle", "retry"])),
        st.sampled_from([("subagent",), ("child",), ("compact",), ("compacted",), ("prompt",), ("wait",)]),
    ),
    min_size=1,
    max_size=40,
)


def _do(told: Told, doing: tuple[Any, ...], number: int, step: int) -> None:
    """Tell something; parts have names of their own in each step, as a part that is whole stays so."""
    given: dict[str, Any] = {"input": {"command": "make"}, "metadata": {"sessionId": CHILD, "output": f"{number}\n"}}
    match doing:
        case ("step", message):
            told.step(message=message)
        case ("text", part, whole):
            told.text(f"{part}-{step}", f"words {number}", whole=whole)
        case ("grow", part, words):
            told.grow(f"{part}-{step}", words)
        case ("tool", part, status):
            times = {"start": told.at_ms, "end": told.at_ms}
            told.tool(f"{part}-{step}", "task", status, output="made", time=times, **given)
        case ("status", kind):
            told.status(kind, attempt=1, message="busy", next=told.at_ms + 2500)
        case ("subagent",):
            told.subagent("look", "explore")
        case ("child",):
            told.tool(f"c{number}", "grep", "running", session=CHILD, input={"pattern": "x"})
        case ("compact",):
            told.message("m9", agent="compaction")
        case ("compacted",):
            told.tell("session.compacted", {"sessionID": ROOT})
        case ("prompt",):
            told.message(f"u{number}", "user")
            told.part(f"u{number}-text", "text", message=f"u{number}", text="And now?")
        case _:
            told.at_ms += 1700


@settings(max_examples=60, deadline=None)
@given(DOINGS)
def test_whatever_a_server_tells_a_replay_shows_what_was_shown_live(doings: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        told = Told(Path(folder))
        told.step(message="m0")
        paper = watch(told)
        live: dict[int, tuple[list[str], RunView]] = {}
        for number, doing in enumerate(doings):
            _do(told, doing, number, sum(before[0] == "step" for before in doings[:number]))
            live[told.at_ms] = copy.deepcopy((look(paper), paper.view.run("api", UNICODE)))
        told.end()
        replay = watch(told, at=told.at_ms / 1000)
        for at in sorted(live, key=lambda at: at * 7919 % 101):
            replay.view.position = at / 1000
            assert (look(replay), replay.view.run("api", UNICODE)) == live[at]
