from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.sessions import NOW, START, WORKER, Script, line, record, step_finish, step_start, text, tool

from octui.client.config import RunConfig
from octui.recording.facts import AttemptEnded, AttemptStarted, Attention, RunState, StateChanged
from octui.recording.journal import Journal
from octui.recording.session import Session
from octui.tui.document import RunDocument
from octui.tui.glyphs import UNICODE
from octui.tui.render.blocks import PROMPT_LINES
from octui.tui.render.lines import Line, plain
from octui.tui.render.long_text import LongText
from octui.tui.scroller import Scroller
from octui.tui.search import Search
from octui.tui.view import SessionView


def document(journal: Journal, run: str = "api", *, at: float | None = None) -> RunDocument:
    view = SessionView(Session.open(journal.folder), now=lambda: NOW)
    view.position = at
    return RunDocument(view, run, UNICODE)


def whole(paper: RunDocument, width: int = 60) -> list[str]:
    return [plain(row).rstrip() for item in range(paper.last + 1) for row in paper.lines(item, width)]


def test_a_document_begins_with_the_prompt_and_ends_with_how_it_came_out(tmp_path: Path) -> None:
    lines = whole(document(record(tmp_path, [WORKER]), "worker"))
    assert lines[0].startswith("❯ Explain this service")
    assert "✗ failed: the run ended without a final answer" in lines
    assert any(shown.startswith("◆ opencode rejected by itself") for shown in lines)
    assert lines[-1].endswith("auto-rejecting") or "auto-rejecting" in lines[-1]


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.RETRYING])
def test_an_error_is_told_once(tmp_path: Path, state: RunState) -> None:
    said = "You exceeded your quota."
    script = Script(
        "api",
        [{"type": "error", "error": {"name": "APIError", "data": {"message": said}}}],
        RunState.FAILED,
        f"APIError: {said}",
        [(Attention.PROVIDER_REFUSES, f"the provider refuses the request (APIError: {said})")],
        f"warning: slow disk\nerror: {said}\n",
    )
    journal = record(tmp_path, [script], live=True)
    if state is RunState.RETRYING:
        journal.fact(StateChanged(at=NOW, run="api", state=state, why=f"APIError: {said}"))
    lines = "\n".join(whole(document(journal)))
    assert lines.count(said) == 1
    assert "✗ APIError" in lines
    assert f"{UNICODE.states[state]} {state}" in lines
    assert "◆ the provider refuses the request" in lines
    assert "warning: slow disk" in lines


def test_an_error_that_the_filter_hides_is_told_at_the_end(tmp_path: Path) -> None:
    script = Script(
        "api",
        [{"type": "error", "error": {"name": "APIError", "data": {"message": "You exceeded your quota."}}}],
        RunState.FAILED,
        "APIError: You exceeded your quota.",
    )
    paper = document(record(tmp_path, [script]))
    paper.hidden = frozenset({"error"})
    assert "\n".join(whole(paper)).count("You exceeded your quota.") == 1


def test_a_long_prompt_is_folded_and_opens(tmp_path: Path) -> None:
    prompt = "\n".join(f"wish {n}" for n in range(20))
    paper = document(record(tmp_path, [Script("api", [text("yes")], prompt=prompt)], live=True))
    assert len(paper.lines(0, 60)) == PROMPT_LINES + 1
    paper.toggle(0)
    assert "wish 19" in "\n".join(plain(row) for row in paper.lines(0, 60))


def test_a_run_without_events_says_its_state(tmp_path: Path) -> None:
    paper = document(record(tmp_path, [Script("api", state=RunState.QUEUED)], live=True))
    assert whole(paper)[-1] == "○ queued"


def test_another_attempt_is_marked_where_it_begins(tmp_path: Path) -> None:
    journal = record(tmp_path, [Script("api", raw=b"first words\n")], live=True)
    offset = (journal.folder / "api.jsonl").stat().st_size
    journal.fact(AttemptEnded(at=START + 5, run="api", attempt=1, exit_code=1, retry_in_s=1))
    journal.fact(StateChanged(at=START + 5, run="api", state=RunState.RETRYING, why="the database was not ready"))
    assert "↻ retrying: the database was not ready" in whole(document(journal))
    journal.fact(AttemptStarted(at=START + 6, run="api", attempt=2, of=3, pid=2, stdout_offset=offset))
    journal.fact(StateChanged(at=START + 6, run="api", state=RunState.RUNNING))
    journal.append_stdout("api", line(text("second words"), START + 7))
    lines = [shown for shown in whole(document(journal)) if shown][2:]
    assert lines == ["  first words", "── attempt 2 ──", "second words"]


def test_a_run_started_again_by_a_person_is_marked(tmp_path: Path) -> None:
    journal = record(tmp_path, [Script("api", [text("before")])], live=True)
    offset = (journal.folder / "api.jsonl").stat().st_size
    journal.fact(AttemptStarted(at=START + 6, run="api", attempt=1, of=3, pid=2, life=2, stdout_offset=offset))
    assert any("started again by you" in shown for shown in whole(document(journal)))


def test_a_document_at_a_moment_holds_what_there_was(tmp_path: Path) -> None:
    journal = record(tmp_path, [WORKER])
    assert document(journal, "worker", at=START).last == 1
    assert document(journal, "worker", at=START + 5.0).last == 3
    assert not any("failed" in shown for shown in whole(document(journal, "worker", at=START + 5.0)))


def test_the_filter_hides_by_kind_and_never_the_prompt(tmp_path: Path) -> None:
    events = [step_start(), text("words"), tool("read", "a.py"), step_finish(), {"type": "new"}]
    paper = document(record(tmp_path, [Script("api", events, raw=b"no event\n")], live=True))
    paper.hidden = frozenset({"tool_use", "diagnostic", "other", "step_finish"})
    assert [shown for shown in whole(paper)[2:] if shown] == ["words"]
    assert "Explain" in whole(paper)[0]


def test_all_events_open_and_close_together(tmp_path: Path) -> None:
    events = [tool("read", "a", output="one"), tool("read", "b", output="two")]
    paper = document(record(tmp_path, [Script("api", events)], live=True))
    paper.toggle(1)
    assert "one" in " ".join(whole(paper))
    assert paper.toggle_all()
    assert {"    one", "    two"} <= set(whole(paper))
    assert not paper.toggle_all()
    assert not {"    one", "    two"} & set(whole(paper))


def test_what_is_copied_is_clean(tmp_path: Path) -> None:
    paper = document(record(tmp_path, [Script("api", [text("a\x1b]52;c;eA==\x07b")])], live=True))
    assert paper.text(1) == "ab"
    assert paper.text(0).startswith("Explain")


def test_the_raw_line_is_what_was_printed(tmp_path: Path) -> None:
    journal = record(tmp_path, [Script("api", [text("x")], config=RunConfig())], live=True)
    printed = (journal.folder / "api.jsonl").read_bytes().rstrip(b"\n")
    assert document(journal).raw(1) == printed
    assert document(journal).raw(0) is None


HUGE = "".join(f"line {number} of the output\n" for number in range(200_000))


def test_a_tool_output_of_megabytes_is_shown_whole_and_rendered_where_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[int] = []
    render = LongText._render

    def count(self: LongText, number: int) -> list[Line]:
        rendered.append(number)
        return render(self, number)

    monkeypatch.setattr(LongText, "_render", count)
    paper = document(record(tmp_path, [Script("api", [tool("bash", "make", output=HUGE)])]))
    paper.toggle(1)
    scroller = Scroller(paper)
    scroller.resize(60, 20)
    assert any("line 199999 of the output" in plain(row.line) for row in scroller.rows())
    scroller.scroll(-30)
    scroller.home()
    assert plain(scroller.rows()[-1].line).strip().startswith("line ")
    assert 1 <= len(set(rendered)) <= 4


def test_words_are_found_in_a_huge_output_at_the_line_that_shows_them(tmp_path: Path) -> None:
    paper = document(record(tmp_path, [Script("api", [tool("bash", "make", output=HUGE)])]))
    assert paper.find(1, 60, "line 123456 ") is None
    paper.toggle(1)
    found = paper.find(1, 60, "LINE 123456 ")
    assert found is not None
    part, at = found
    assert plain(paper.block(1, 60)[part][at]).strip() == "line 123456 of the output"


def test_walking_passes_over_what_shows_nothing_and_stops_at_an_attempt(tmp_path: Path) -> None:
    journal = record(tmp_path, [Script("api", [step_start()] * 50 + [text("said")])], live=True)
    offset = journal.stdout_path("api").read_bytes().find(b"\n", 0) + 1
    paper = document(journal)
    assert (paper.beside(1, 1), paper.beside(51, -1)) == (51, 0)
    journal.fact(AttemptStarted(at=START + 6, run="api", attempt=2, of=3, pid=2, stdout_offset=offset))
    paper = document(journal)
    assert (paper.beside(0, 1), paper.beside(51, -1), paper.beside(2, 1)) == (2, 2, 51)


def test_a_further_prompt_can_be_filtered_searched_and_copied(tmp_path: Path) -> None:
    further = {"type": "prompt", "part": {"type": "text", "text": "And the tests?"}}
    paper = document(record(tmp_path, [Script("api", [text("said"), further, text("done")])], live=True))
    assert [shown for shown in whole(paper)[2:] if shown] == ["said", "❯ And the tests?", "done"]
    assert paper.text(2) == "And the tests?"
    search = Search(paper, "the TESTS")
    search.advance()
    assert search.hits == [2]
    paper.hidden = frozenset({"prompt"})
    assert [shown for shown in whole(paper)[2:] if shown] == ["said", "done"]
    assert "Explain" in whole(paper)[0]
