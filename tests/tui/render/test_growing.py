"""Text that grows is shown as it will stand once it is whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.tui.glyphs import UNICODE
from octui.tui.render import markdown
from octui.tui.render.growing import LONGEST_TAIL, GrowingAnswer, GrowingText, last_rows
from octui.tui.render.lines import plain
from octui.tui.render.long_text import LONG, LongText, body
from octui.tui.render.markdown import markdown_lines

ANSWER = """I'll start with the **router** and follow one request.

1. `api/router.py` registers the catch-all *first*
2. so `/users/7` never reaches its handler

- a

- b
   more

para one
goes on

> quote

```python
def f():

    return 1
```
after the code

# Heading

| a | b |
|---|---|
| 1 | 2 |

Done. See [x](http://x) now.
"""


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_growing_answer_looks_at_any_moment_like_one_that_is_whole(steps: list[int]) -> None:
    growing = GrowingAnswer(60, UNICODE)
    end = 0
    for step in steps:
        end = min(len(ANSWER), end + step)
        assert growing.block(ANSWER[:end]) == [markdown_lines(ANSWER[:end], 60)]


def test_a_growing_answer_renders_its_last_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[int] = []
    whole = markdown.markdown_lines

    def count(text: str, *args: Any, **more: Any) -> object:
        rendered.append(len(text))
        return whole(text, *args, **more)

    monkeypatch.setattr(markdown, "markdown_lines", count)
    growing = GrowingAnswer(60, UNICODE)
    text = "A paragraph of some words.\n\n" * 1000
    for end in range(0, len(text), 50):
        growing.block(text[:end])
    looks = len(rendered)
    growing.block(text[:end])
    assert len(rendered) == looks, "what has not grown is not rendered again"
    assert max(rendered) < LONGEST_TAIL
    assert sum(rendered) < 4 * len(text)


def test_code_longer_than_is_rendered_at_each_look_keeps_its_lines() -> None:
    code = "Look:\n\n```python\n" + "".join(f"x = foo({n})\n" for n in range(1000)) + "```\nAnd so on.\n\nEnd."
    growing = GrowingAnswer(60, UNICODE)
    for end in range(0, len(code), 97):
        growing.block(code[:end])
    (shown,) = growing.block(code)
    assert [plain(line) for line in shown if plain(line)] == [
        plain(line) for line in markdown_lines(code, 60) if plain(line)
    ]


def test_a_text_that_was_replaced_is_shown_anew() -> None:
    growing = GrowingAnswer(60, UNICODE)
    growing.block("One thing.\n\nAnother.\n\nA third.")
    assert growing.block("Something else.") == [markdown_lines("Something else.", 60)]


def test_a_long_growing_text_is_rendered_where_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"thought {n} of many\n" for n in range(20_000))
    rendered: list[int] = []
    render = LongText._render

    def count(self: LongText, number: int) -> object:
        rendered.append(number)
        return render(self, number)

    growing = GrowingText(60, "muted")
    monkeypatch.setattr(LongText, "_render", count)
    for end in range(LONG + 1, len(text), 1000):
        assert [*growing.block(text[:end])[-1]][-1]
    looks = (len(text) - LONG) // 1000 + 1
    assert len(rendered) <= 2 * looks
    assert [[*part] for part in growing.block(text)] == [[*part] for part in body(text, 60, "muted")]


def test_the_last_rows_of_a_text_are_its_last_lines() -> None:
    text = "".join(f"line {n}\n" for n in range(1000))
    assert [plain(line) for line in last_rows(text, 40, "output", indent="  ", limit=2)] == ["  line 998", "  line 999"]
    assert last_rows(" \n", 40, "output", limit=2) == []
