from __future__ import annotations

from octui.client.serve.asked import Asked
from octui.client.serve.events import PartChanged, PartKind


def part(message: str, part_id: str = "", text: str = "x") -> PartChanged:
    return PartChanged(
        session_id="ses_1",
        at_ms=1,
        message_id=message,
        part_id=part_id or f"prt_{message}",
        kind=PartKind.TEXT,
        text=text,
        body=b"{}",
    )


def test_an_answer_is_one_to_all_prompts_up_to_the_one_it_names() -> None:
    asked = Asked()
    parts = [part(name) for name in ("msg_1", "msg_2", "msg_3")]
    assert all(map(asked.add, parts))
    assert asked.answer("msg_2") == parts[:2]
    assert [*asked.parts.values()] == parts[2:]
    assert asked.answer("msg_1") == [], "it is told again"
    assert asked.answer("") == parts[2:]


def test_a_prompt_whose_answer_has_begun_already_does_not_wait() -> None:
    asked = Asked()
    asked.answer("msg_2")
    assert not asked.add(part("msg_1"))
    assert not asked.add(part("msg_2"))
    assert asked.add(part("msg_3"))
    assert asked.parts.keys() == {"prt_msg_3"}


def test_a_part_that_changes_waits_once_in_its_place() -> None:
    asked = Asked()
    for each in (part("msg_1", text="a"), part("msg_2"), part("msg_1", text="b")):
        asked.add(each)
    assert [each.text for each in asked.parts.values()] == ["b", "x"]
