from __future__ import annotations

from pathlib import Path

from tests.tui.sessions import GATEWAY, START, Script, record, step_start, tool

from octui.recording.session import Session
from octui.tui.digest import Digest
from octui.tui.view import SessionView


def digest(folder: Path, script: Script, *, at: float | None = None) -> Digest:
    view = SessionView(Session.open(record(folder, [script]).folder))
    view.position = at
    return Digest(view, script.name)


def test_a_digest_has_the_steps_the_todos_and_the_files(tmp_path: Path) -> None:
    made = digest(tmp_path, GATEWAY)
    assert made.advance(1)
    assert not made.advance(1)
    assert [(step.tokens, step.cost, step.tools, step.reason) for step in made.steps] == [
        (20_100, 0.07, 2, "tool-calls"),
        (21_000, 0.08, 0, "stop"),
    ]
    assert made.todos == [("completed", "raise the limit"), ("in_progress", "test it")]
    assert made.files == {"src/limits.py": (1, 1)}


def test_slices_come_to_the_same(tmp_path: Path) -> None:
    whole, sliced = digest(tmp_path / "a", GATEWAY), digest(tmp_path / "b", GATEWAY)
    whole.advance(1)
    while sliced.advance(budget_s=0):
        pass
    assert (sliced.steps, sliced.todos, sliced.files) == (whole.steps, whole.todos, whole.files)


def test_a_step_back_in_a_replay_begins_anew(tmp_path: Path) -> None:
    made = digest(tmp_path, GATEWAY)
    made.advance(1)
    made.view.position = START + 3
    made.advance(1)
    assert (len(made.steps), made.todos, made.files) == (1, [], {})


def test_changes_of_a_file_add_up_and_refused_ones_do_not_count(tmp_path: Path) -> None:
    edit = tool("edit", "a", input={"filePath": "a", "oldString": "x", "newString": "y\nz"})
    refused = tool("edit", "a", input={"filePath": "b"}, status="error", error="The user rejected permission")
    made = digest(tmp_path, Script("api", [step_start(), edit, edit, refused]))
    made.advance(1)
    assert made.files == {"a": (4, 2)}
