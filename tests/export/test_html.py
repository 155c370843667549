"""A transcript as HTML, read back by an HTML parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.export.test_markdown import ATTACKS
from tests.tui.sessions import API, GATEWAY, PROMPT, WORKER, Script, record, text, tool
from tests.tui.test_hostile import hostile_session
from tests.tui.worktrees import compared

from octui.export import html
from octui.export.transcript import Transcript
from octui.recording.facts import RunState, StateChanged
from octui.recording.session import Session
from octui.tui.text import clean
from octui.tui.theming import load_themes, theme_folders

EMPTY = {"meta", "br", "hr"}
CLOSED_BY_THEMSELVES = {"td", "th", "tr", "li"}


class Page(HTMLParser):
    """What a browser would make of a page: its tags, addresses and words; tags that are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in EMPTY | CLOSED_BY_THEMSELVES:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY | CLOSED_BY_THEMSELVES:
            return
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def written(folder: Path, theme: str = "octui-dark") -> str:
    both = html.themes(load_themes(theme_folders()).themes, theme)
    return "".join(html.write(Transcript(Session.open(folder)), *both))


def test_it_has_what_was_said_and_done_and_is_well_formed(tmp_path: Path) -> None:
    page = Page(written(record(tmp_path, [API, WORKER, GATEWAY]).folder))
    assert page.wrong == []
    for words in (PROMPT, "I'll start with the router", "pytest -q tests/api", "+    return 100", "41.1k", "$0.15"):
        assert words in page.words
    assert page.words.count("✗ failed") == 2 + 1, "in the table, in its head, and when it came to be"
    assert "details" in page.tags


def test_states_that_an_event_shows_already_are_not_listed_among_the_events(tmp_path: Path) -> None:
    folder = record(tmp_path, [API, WORKER, GATEWAY]).folder
    states = [fact.state for fact in Session.open(folder).facts if isinstance(fact, StateChanged)]
    assert RunState.RUNNING in states
    source = written(folder)
    events = source[source.index("<section") :]
    assert "◔ starting" not in events
    assert "<p class='entry note faint'>● running" not in events
    assert "<p class='entry note faint'>✗ failed" in events


def test_worktrees_and_checks_have_columns_of_their_own_where_there_are_any(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    head, _, _ = written(journal.folder).partition("<section")
    assert "check" not in written(record(tmp_path / "plain", [API]).folder).partition("<section")[0]
    words = Page(head.partition("<body>")[2]).words
    assert "timechangedcheck" in words
    assert "3 files +8 −4good" in words
    assert "1 file +1 −1exit code 1" in words


def test_a_diff_says_once_which_file_it_is_of() -> None:
    patch = "diff --git a/x b/x\nnew file mode 100755\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n--- old\n+++ new\n"
    rows = Page(html.diff(patch)).words
    assert rows == "new file mode 100755@@ -1 +1,2 @@--- old+++ new"
    assert "Binary files a/x and b/x differ" in html.diff("Binary files a/x and b/x differ\n")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_a_part_of_the_page(attack: str, tmp_path: Path) -> None:
    events = [
        text(attack),
        {"type": "reasoning", "part": {"text": attack}},
        tool(attack, attack, input={attack: attack}, output=attack),
        tool("edit", "x", input={"filePath": attack}, metadata={"diff": f"-{attack}\n"}),
        {"type": "error", "error": {"name": attack, "data": {"message": attack}}},
    ]
    page = Page(written(record(tmp_path, [Script("a", events, prompt=attack)], name=attack).folder))
    assert page.wrong == []
    assert not {"script", "img", "iframe", "object", "link", "form", "base", "svg"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style", "srcset")]
    links = [value for name, value in page.attributes if name == "href"]
    assert [link for link in links if not re.match(r"#run-\d+$|https?://", link)] == []


def test_hostile_text_is_cleaned_and_nothing_runs_or_is_fetched(tmp_path: Path) -> None:
    source = written(hostile_session(tmp_path))
    page = Page(source)
    assert page.wrong == []
    assert source == clean(source)
    assert clean(page.words) == page.words, "entities have become no control character either"
    assert ("content", html.POLICY) in page.attributes
    assert "url(" not in source
    assert "@import" not in source


def test_it_is_light_or_dark_as_the_reader_is_with_the_chosen_theme_on_its_own_side(tmp_path: Path) -> None:
    themes = load_themes(theme_folders()).themes
    source = written(record(tmp_path, [API]).folder, "octui-ember")
    light, dark = source.split("@media (prefers-color-scheme:dark)")
    assert f"--background:{themes['octui-light'].background};" in light
    assert f"--background:{themes['octui-ember'].background};" in dark
    assert [each.name for each in html.themes(themes, "octui-light")] == ["octui-dark", "octui-light"]
    assert [each.name for each in html.themes(themes, "of mine")] == ["octui-dark", "octui-light"]


def test_the_state_of_a_run_stands_beside_its_name_and_not_behind_its_answer(tmp_path: Path) -> None:
    journal = record(tmp_path / "s", [GATEWAY])
    journal.fact(StateChanged(at=2e9, run="gateway", state=RunState.RUNNING))
    page = written(journal.folder)
    body = page[page.index("<section") :]
    assert '<h2>gateway</h2><span class="running">● running</span>' in body
    assert body.count("● running") == 1
    assert "✓ succeeded" in body, "how it ended before it went on is told"
