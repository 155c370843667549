"""What a tool call comes to in a line."""

from __future__ import annotations

from typing import Any

import pytest

from octui.client.events import ToolUse
from octui.tui.render.tools import title_of

WHICH = {"question": "Which of these\nshall be covered?", "header": "Tests", "options": [{"label": "Router"}]}


def call(tool: str, given: Any, title: str = "") -> ToolUse:
    return ToolUse(tool, "pending", title, given, "", "", {}, None, None)


@pytest.mark.parametrize("title", ["", "Asked 1 question"])
def test_a_question_is_told_in_its_words(title: str) -> None:
    assert title_of(call("question", {"questions": [WHICH]}, title)) == "Which of these shall be covered?"


def test_of_several_questions_the_first_is_told_and_how_many_more_there_are() -> None:
    told = title_of(call("question", {"questions": [WHICH, WHICH, WHICH]}))
    assert told == "Which of these shall be covered? (and 2 more)"


@pytest.mark.parametrize("given", [{"questions": []}, {"questions": "Why?"}, {"questions": [7]}, {"questions": [{}]}])
def test_a_question_of_another_shape_is_shown_as_it_was_given(given: Any) -> None:
    assert title_of(call("question", given)).startswith('{"questions":')
