from __future__ import annotations

from tests.tui.talking import ONE, TWO

from octui.client.serve.events import QuestionItem
from octui.tui.choosing import Choosing, question_lines
from octui.tui.glyphs import UNICODE
from octui.tui.render.lines import plain


def test_of_one_choice_the_last_tick_holds() -> None:
    choosing = Choosing(ONE.questions[0])
    choosing.tick()
    choosing.move(1)
    choosing.tick()
    assert choosing.answer == ["SQLite"]
    assert choosing.rows == 2


def test_of_one_choice_the_row_at_the_cursor_is_taken_in_the_end() -> None:
    choosing = Choosing(ONE.questions[0])
    choosing.go_to(1)
    assert choosing.settle() == ""
    assert choosing.answer == ["SQLite"]


def test_several_are_given_in_the_questions_order_with_words_of_ones_own_last() -> None:
    choosing = Choosing(TWO.questions[0])
    choosing.go_to(2)
    choosing.tick()
    choosing.go_to(0)
    choosing.tick()
    choosing.write("  the docs ")
    assert choosing.answer == ["Router", "Migrations", "the docs"]
    choosing.tick()
    choosing.write(" ")
    assert choosing.answer == ["Migrations"]


def test_of_several_none_is_taken_that_was_not_ticked() -> None:
    choosing = Choosing(TWO.questions[0])
    assert "space" in choosing.settle()
    assert choosing.answer == []


def test_own_words_take_the_place_of_the_one_choice_and_nothing_is_no_answer() -> None:
    choosing = Choosing(QuestionItem(question="Which?", options=ONE.questions[0].options))
    choosing.tick()
    choosing.move(-1)
    assert choosing.is_at_words
    choosing.write("MySQL")
    assert choosing.settle() == ""
    assert choosing.answer == ["MySQL"]
    choosing.write("")
    assert choosing.settle() == "Write an answer first."


def test_a_question_without_options_takes_words_whatever_it_says() -> None:
    assert Choosing(QuestionItem(question="Name?", custom=False)).is_at_words


def test_there_is_no_row_past_the_last() -> None:
    choosing = Choosing(ONE.questions[0])
    assert not choosing.go_to(2)
    assert choosing.cursor == 0


def test_a_question_is_drawn_with_boxes_that_tell_one_from_several() -> None:
    one, several = Choosing(ONE.questions[0]), Choosing(TWO.questions[0])
    one.tick()
    several.tick()
    rows = [plain(line) for line in question_lines(one, 60, UNICODE)[0]]
    assert "❯ 1 (•) PostgreSQL" in rows
    lines, starts = question_lines(several, 60, UNICODE)
    assert plain(lines[starts[0]]) == "❯ 1 [x] Router"
    assert plain(lines[starts[3]]) == "  4 [ ] in words of your own"
