"""The questions of the dashboard and the launcher, each by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_screen, until
from tests.tui.sessions import API, record
from textual.widgets import OptionList

from octui.tui.app import OctuiApp
from octui.tui.screens.dialogs import AskScreen, Choice, PickScreen

pytestmark = pytest.mark.asyncio

MODELS = [("as-before", "as before"), *((f"m{n}", f"model  acme/model-{n}") for n in range(30))]


class Picking:
    """A picker over a dashboard, and what came of it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.app: OctuiApp = dashboard(record(folder, [API]).folder)
        self.picked: list[str | None] = []
        self.seen: list[str] = []
        self._screen = PickScreen("Model", MODELS, preview=self.seen.append, **options)

    async def open(self, pilot: Any) -> None:
        await self.app.push_screen(self._screen, self.picked.append)
        await until(pilot, lambda: "model-0" in on_screen(self.app))

    @property
    def listed(self) -> list[str]:
        return [str(option.prompt) for option in self._screen.query_one(OptionList).options]


async def test_picker_filters_as_one_types_and_arrows_move(tmp_path: Path) -> None:
    picking = Picking(tmp_path)
    async with picking.app.run_test(size=(80, 24)) as pilot:
        await picking.open(pilot)
        assert len(picking.listed) == len(MODELS)
        await pilot.press(*"acme 2")
        await until(pilot, lambda: len(picking.listed) == 12)
        await pilot.press("down", "down", "up", "enter")
        assert picking.picked == ["m12"]


async def test_picker_finds_what_is_misspelt_and_says_where_nothing_matches(tmp_path: Path) -> None:
    picking = Picking(tmp_path)
    async with picking.app.run_test(size=(80, 24)) as pilot:
        await picking.open(pilot)
        await pilot.press(*"acme mdl7")
        await until(
            pilot, lambda: picking.listed == ["model  acme/model-7", "model  acme/model-17", "model  acme/model-27"]
        )
        await pilot.press(*"zz")
        await until(pilot, lambda: "Nothing matches." in on_screen(picking.app))
        await pilot.press("enter")
        assert picking.picked == []
        await pilot.press("escape")
        assert picking.picked == [None]


async def test_picker_previews_the_first_match_and_comes_back_to_the_current_one(tmp_path: Path) -> None:
    picking = Picking(tmp_path, current="m3")
    async with picking.app.run_test(size=(80, 24)) as pilot:
        await picking.open(pilot)
        await until(pilot, lambda: picking.seen[-1:] == ["m3"])
        await pilot.press("2", "9")
        await until(pilot, lambda: picking.seen[-1] == "m29")
        await pilot.press("backspace", "backspace")
        await until(pilot, lambda: picking.seen[-1] == "m3")
        await pilot.press("enter")
        assert picking.picked == ["m3"]


async def test_picker_takes_a_click(tmp_path: Path) -> None:
    picking = Picking(tmp_path)
    async with picking.app.run_test(size=(80, 24)) as pilot:
        await picking.open(pilot)
        await pilot.press(*"-2")
        await until(pilot, lambda: len(picking.listed) == 11)
        await pilot.click(OptionList, offset=(3, 1))
        await until(pilot, lambda: picking.picked == ["m20"])


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24)])
async def test_dialogs_show_title_answers_and_keys_on_small_screens(tmp_path: Path, size: tuple[int, int]) -> None:
    picking = Picking(tmp_path)
    async with picking.app.run_test(size=size) as pilot:
        await picking.open(pilot)
        shown: tuple[str, ...] = ("Model", "type to filter", "as before", "model-1", "esc cancels")
        await until(pilot, lambda: all(words in on_screen(picking.app) for words in shown))
        await pilot.press("escape")
        choices = [Choice("yes", "quit", "y"), Choice("no", "stay", "n")]
        await picking.app.push_screen(AskScreen("Quit?", "The form is kept as a draft for this folder.", choices, "no"))
        asked = ("Quit?", "y  quit", "n  stay", "esc goes back")
        await until(pilot, lambda: all(words in on_screen(picking.app) for words in asked))
