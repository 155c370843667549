from __future__ import annotations

import pytest

from octui.tui.option_filter import matching_options

MODELS = ["openai/gpt-5", "anthropic/claude-opus-4-5", "anthropic/claude-sonnet-4-5", "local/Sonnet-mini"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", MODELS),
        ("  ", MODELS),
        ("sonnet", [MODELS[2], MODELS[3]]),
        ("4-5 claude", [MODELS[1], MODELS[2]]),
        ("LOCAL", [MODELS[3]]),
        ("l", [MODELS[3], MODELS[1], MODELS[2]]),
        ("sonet", [MODELS[2], MODELS[3]]),
        ("clops", [MODELS[1]]),
        ("zzz", []),
        ("gpt zzz", []),
    ],
)
def test_options_match_by_words_and_else_by_letters_in_order(typed: str, found: list[str]) -> None:
    listed = [MODELS[index] for index in matching_options(MODELS, typed)]
    assert sorted(listed) == sorted(found)
    if typed != "sonet":  # The order of fuzzy matches is Textual's.
        assert listed == found
