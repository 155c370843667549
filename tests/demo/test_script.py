from __future__ import annotations

from typing import Any

import pytest

from octui.demo.script import DONE, Failure, Request, Script, ToolCall, Turn, Usage, script_from_prompt
from octui.errors import ConfigError


def _request(*messages: tuple[str, Any], tools: bool = True) -> Request:
    body: dict[str, Any] = {"model": "m1", "messages": [{"role": role, "content": text} for role, text in messages]}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": "bash"}}]
    return Request(body)


def test_a_prompt_without_directives_is_answered_with_done() -> None:
    assert script_from_prompt("Explain this.\nPlease.").turns == (DONE,)


def test_each_tool_line_is_a_turn_of_its_own_and_the_final_text_comes_last() -> None:
    script = script_from_prompt('Do it.\nTOOL:bash:{"command":"echo a:b"}\nTOOL:read:{"filePath":"/x"}\nSAY:All: done')
    assert script.turns == (
        Turn(calls=(ToolCall("bash", {"command": "echo a:b"}),)),
        Turn(calls=(ToolCall("read", {"filePath": "/x"}),)),
        Turn(text="All: done"),
    )


def test_also_adds_a_call_to_the_turn_before() -> None:
    script = script_from_prompt('TOOL:a:{}\nALSO:b:{"n":1}')
    assert script.turns == (Turn(calls=(ToolCall("a", {}), ToolCall("b", {"n": 1}))), DONE)


def test_what_stands_before_a_tool_belongs_to_its_turn() -> None:
    script = script_from_prompt('THINK:why\nSAY:first\nTOOL:a:{}\nSAY:"two\\nlines"')
    assert script.turns == (
        Turn(text="first", reasoning="why", calls=(ToolCall("a", {}),)),
        Turn(text="two\nlines"),
    )


def test_an_empty_say_makes_an_answer_without_text() -> None:
    assert script_from_prompt("SAY:").turns == (Turn(text=""),)


@pytest.mark.parametrize(
    ("directive", "turn"),
    [
        ("FAIL:401", Turn(text="Done.", failure=Failure(401, "scripted failure 401"))),
        ("FAIL:429:2:1", Turn(text="Done.", failure=Failure(429, "scripted failure 429", 2, 1))),
        ("STALL:2.5", Turn(text="Done.", stall_s=2.5)),
        ("SLOW:20:0.1", Turn(text="Done.", pieces=20, pace_s=0.1)),
        ("FINISH:length", Turn(text="Done.", finish="length")),
        ("USAGE:1200:80:30:900", Turn(text="Done.", usage=Usage(1200, 80, 30, 900))),
        ("CUT", Turn(text="Done.", cut=True)),
    ],
)
def test_a_directive_changes_the_answer(directive: str, turn: Turn) -> None:
    assert script_from_prompt(directive).turns == (turn,)


@pytest.mark.parametrize("directive", ["TOOL:bash:{not json", "ALSO:a:{}", "SLOW:3", "FAIL:x", "STALL:soon"])
def test_a_directive_that_makes_no_sense_is_refused_by_name(directive: str) -> None:
    with pytest.raises(ConfigError, match=directive.partition(":")[0]):
        script_from_prompt(directive)


def test_a_word_within_a_line_is_no_directive() -> None:
    assert script_from_prompt("Please FAIL:401 nothing. CUTTING").turns == (DONE,)


def test_the_turn_is_counted_from_the_last_user_message() -> None:
    request = _request(("user", "a"), ("assistant", "1"), ("user", "b"), ("assistant", "2"), ("tool", "out"))
    assert request.prompt == "b"
    assert request.answers_since() == 1
    assert request.answers_since("a") == request.answers == 2
    assert request.tool_results == ["out"]


def test_a_prompt_in_parts_is_read_as_one_text() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "two"}]
    assert _request(("user", parts)).prompt == "one\ntwo"


def test_a_request_without_tools_is_taken_for_one_of_opencodes_own() -> None:
    assert _request(("user", "a"), tools=False).wants_title
    assert not _request(("user", "a")).wants_title


def test_a_script_that_is_over_says_done() -> None:
    script = Script("x", [Turn(text="only")])
    assert script.answer(_request(("user", "x"))).text == "only"
    assert script.answer(_request(("user", "x"), ("assistant", "only"))) is DONE


def test_turns_may_depend_on_what_the_tools_said_and_on_which_there_are() -> None:
    script = Script("x", lambda told: [Turn(text=f"{told.tools} said {told.tool_results}")])
    assert script.answer(_request(("user", "x"), ("tool", "pushed"))).text == "['bash'] said ['pushed']"


LATER = Turn(text="Later.", pieces=4)
TALKATIVE = Script("do it", [Turn(text="One."), Turn(text="Two.")], follow_up=LATER)


def test_what_is_asked_after_the_turns_is_answered_each_time() -> None:
    told = [("user", "do it"), ("assistant", "One."), ("assistant", "Two."), ("user", "and now?")]
    assert TALKATIVE.answer(_request(*told)) is LATER
    assert TALKATIVE.answer(_request(*told, ("assistant", "Later."), ("user", "why?"))) is LATER


def test_what_is_asked_before_the_turns_are_over_is_answered_with_the_last_of_them() -> None:
    told = [("user", "do it"), ("assistant", "One."), ("user", "hurry")]
    assert TALKATIVE.answer(_request(told[0], told[2])).text == "One."
    assert TALKATIVE.answer(_request(*told)).text == "Two.\nLater."


def test_a_script_with_a_follow_up_keeps_its_conversation_and_others_only_their_prompt() -> None:
    request = _request(("user", "do it"), ("assistant", "One."), ("user", "and now?"))
    assert TALKATIVE.is_for(request)
    assert not Script("do it", ()).is_for(request)
    assert Script("m1", ()).is_for(request)


def test_the_pieces_of_a_text_make_up_the_text() -> None:
    assert Turn(text="abcdefg", pieces=3).text_pieces() == ["abc", "def", "g"]
    assert Turn(text="ab", pieces=24).text_pieces() == ["a", "b"]
    assert Turn(text="").text_pieces() == []
