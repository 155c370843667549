"""How waiting, answering, asking more and changes look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_dashboard, steady
from tests.tui.talking import EDIT, PUSH, TWO, Controls, served, write_changes
from textual.pilot import Pilot

from octui.client.serve.events import Permission
from octui.recording.facts import SessionOpened
from octui.tui import hands
from octui.tui.requests import Request

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
STEPS = "\n".join(
    f"docker compose run --rm api python -m tools.migrate --step {number} --url postgres://octo:hunter22@db/app"
    for number in range(30)
)
LONG = Permission(
    id="per_long",
    permission="bash",
    patterns=(STEPS,),
    always=("docker compose *",),
    metadata={"command": STEPS},
)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests press keys at once."""
    monkeypatch.setattr(hands, "TOO_SOON_S", 0.0)
    monkeypatch.setattr(hands, "HELD_S", 0.0)


def shown(
    snap_compare: Any, folder: Path, size: tuple[int, int], waiting: Sequence[tuple[str, Request]], *keys: str
) -> bool:
    """Compare a dashboard whose runs wait for so much, after some keys."""
    journal = served(folder / "sessions", waiting)
    work = folder / "work"
    (work / "src").mkdir(parents=True)
    for name in ("app.py", "router.py", "routes of old.py"):
        (work / "src" / name).write_text("x")
    journal.fact(SessionOpened(at=1.8e9, run="api", session_id="ses_api", directory=str(work)))
    write_changes(journal.folder, "api")
    app = dashboard(journal.folder)

    async def press(pilot: Pilot[Any]) -> None:
        on_dashboard(app).controls = Controls()  # type: ignore[assignment]  # a stand-in
        await steady(pilot)
        on_dashboard(app).show_all()
        for key in keys:
            await pilot.press(key)
            await steady(pilot, looks=1)
        await steady(pilot)

    return bool(snap_compare(app, terminal_size=size, run_before=press))


@SIZES
def test_cards(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("api", PUSH), ("gateway", EDIT)])


@SIZES
def test_long_command(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("api", LONG), ("gateway", EDIT)], "a")


@SIZES
def test_diff_to_be_allowed(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("gateway", EDIT)], "a")


@SIZES
def test_rejection_with_words(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("api", PUSH)], "a", "m", "W", "a", "i", "t")


@SIZES
def test_several_answers(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("api", TWO)], "a", "1", "3")


@SIZES
def test_own_words(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [("api", TWO)], "a", "1", "up", "D", "o", "c", "s")


@SIZES
def test_prompt_line(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [], "i", "S", "e", "e", "ctrl+j", "@", "r", "o")


@SIZES
def test_prompt_line_to_all(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [], "I", *"Now write the tests.")


@SIZES
def test_changes(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, [], "D", "j")
