"""The keys that answer what is asked, as the dialog tells them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.binding import ActiveBinding
from textual.content import Content

from octui.tui.choosing import Choosing
from octui.tui.glyphs import Glyphs
from octui.tui.widgets.bars import keys_by_id


def keys_of_question(choosing: Sequence[Choosing], at: int) -> list[tuple[str, str]]:
    """Name the keys of one question of several, by their bindings' ids, and say what they do."""
    told = [("answer.go_on", "send" if at + 1 == len(choosing) else "next question")]
    told += [("answer.tick", "tick")] if choosing[at].item.multiple else []
    told += [("answer.question_before", "question before")] if at else []
    return [*told, ("answer.dismiss", "dismiss"), ("dialog.cancel", "later")]


def keys_of_permission(*, can_be_always: bool) -> list[tuple[str, str]]:
    """Name the keys of a permission in the same way."""
    told = [("answer.once", "allow once")]
    told += [("answer.always", "always")] if can_be_always else []
    return [*told, ("answer.reject", "reject"), ("answer.message", "reject and say why"), ("dialog.cancel", "later")]


def keys_line(told: Iterable[tuple[str, str]], bindings: Iterable[ActiveBinding], glyphs: Glyphs) -> Content:
    """Tell keys as they are bound now; those that are not are left out."""
    bound = keys_by_id([active.binding for active in bindings])
    space = " " if glyphs.bullet.isascii() else "\N{NO-BREAK SPACE}"
    spans: list[str | tuple[str, str]] = []
    for name, words in told:
        if name not in bound and name != "answer.go_on":
            continue  # What is typed goes into the field.
        key = bound.get(name, ["enter"])[0]
        spans += [(f"{key}{space}", "bold"), words.replace(" ", space), "   "]
    return Content.assemble(*spans[:-1])
