from __future__ import annotations

from itertools import chain

from tests.tui.talking import EDIT, ONE, PUSH, TWO

from octui.client.serve.events import Option, Permission, Question, QuestionItem
from octui.tui.glyphs import ASCII, UNICODE
from octui.tui.render.lines import plain, width_of
from octui.tui.render.requests import always_words, card, permission_block
from octui.tui.requests import Request, Waiting

HIDDEN = "git push\u202e origin\u200b main"


def card_of(*requests: Request, width: int = 60, key: str = "a") -> str:
    lines = card([Waiting("api", request, 1) for request in requests], width, UNICODE, key)
    assert all(width_of(line) <= width for line in lines)
    return "\n".join(map(plain, lines))


def block_of(request: Permission, width: int = 60) -> str:
    return "\n".join(map(plain, chain.from_iterable(permission_block(request, width))))


def test_a_card_says_what_is_asked_and_which_key_answers() -> None:
    assert card_of(PUSH) == "\n▌ ◆ wants to run a command\n▌ git push origin main\n▌ \n▌  a  answer"


def test_a_card_shows_the_diff_of_an_edit() -> None:
    shown = card_of(EDIT)
    for words in ("/srv/gateway/src/limits.py", "-     return 10", "+     return 100"):
        assert words in shown


def test_a_card_of_a_question_shows_its_options_and_what_is_asked_after_it() -> None:
    assert "• PostgreSQL  What the other services use" in card_of(ONE)
    assert "then: What is the release called?" in card_of(TWO)


def test_a_card_counts_what_else_waits_and_where_nobody_can_answer_it_names_no_key() -> None:
    assert "answer  and 1 more request after it" in card_of(PUSH, EDIT)
    assert "answer" not in card_of(PUSH, key="")


def test_a_long_command_is_cut_on_the_card_and_whole_in_the_dialog() -> None:
    command = "\n".join(f"step {number}" for number in range(40))
    request = Permission(id="p", permission="bash", metadata={"command": command})
    assert "step 39" not in card_of(request)
    assert "more line" in card_of(request)
    assert "step 39" in block_of(request)


def test_a_card_of_many_options_says_how_many_are_left_out() -> None:
    options = tuple(Option(label=f"option {number}") for number in range(9))
    shown = card_of(Question(id="q", questions=(QuestionItem(question="Which?", options=options),)))
    assert "… 4 more options" in shown


def test_a_card_is_drawn_in_ascii_where_there_is_nothing_else() -> None:
    lines = card([Waiting("api", PUSH, 1)], 60, ASCII, "a")
    assert "".join(map(plain, lines)).isascii()


def test_the_dialog_says_where_a_command_holds_what_is_not_seen() -> None:
    hidden = Permission(id="p", permission="bash", metadata={"command": HIDDEN})
    assert "git push origin main" in block_of(hidden)
    assert "not shown" in block_of(hidden)
    for command in ("ls\t-l\r\ncat a", "echo ✔️ done"):
        assert "not shown" not in block_of(Permission(id="p", permission="bash", metadata={"command": command}))


def test_the_dialog_shows_what_a_command_was_taken_apart_into() -> None:
    metadata = {"command": "cd a && git push"}
    shown = block_of(Permission(id="p", permission="bash", patterns=("cd a", "git push"), metadata=metadata))
    assert "asked for as git push" in shown


def test_secrets_are_masked_in_commands_diffs_and_patterns() -> None:
    secret = "https://me:sesame@host/x"
    request = Permission(
        id="p", permission="edit", patterns=(secret,), always=(secret,), metadata={"diff": f"@@ -1 +1 @@\n+{secret}\n"}
    )
    assert "sesame" not in block_of(request) + card_of(request) + always_words(request)
    assert "••••" in block_of(request)


def test_what_always_would_allow_is_told_exactly() -> None:
    assert always_words(PUSH) == "bash `git push *`"
    assert always_words(EDIT) == "every edit"
    assert always_words(Permission(id="p", permission="bash", always=("a *", "b *"))) == "bash `a *`, `b *`"
    assert always_words(Permission(id="p", permission="bash")) == ""


def test_a_command_of_megabytes_is_shown_in_parts() -> None:
    request = Permission(id="p", permission="bash", metadata={"command": "x" * 2_000_000})
    assert len(permission_block(request, 60)) > 10
    assert len(card_of(request)) < 2_000
