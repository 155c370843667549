"""Prompts that are templates."""

from __future__ import annotations

from typing import Any

import pytest

from octui.errors import ConfigError
from octui.plan.templates import Answer, Surroundings, is_template, mistakes, quoted_runs, render

AROUND = Surroundings(
    runs={"api", "cities", "cities-1"}, groups={"cities"}, variables={"city"}, env={"HOME", "ABSENT"}, set_env={"HOME"}
)


def made(template: str, **answers: Any) -> str:
    return render(template, answers, {"city": "Oslo", "items": "x"}, {"HOME": "/h"})


def test_a_prompt_without_marks_is_no_template() -> None:
    assert not is_template("Set { a: 1 } and 100 %")
    assert is_template("{{ vars.city }}")
    assert is_template("{% if 1 %}{% endif %}")


def test_what_others_came_to_variables_and_the_environment_are_put_in() -> None:
    api = Answer(name="api", final_text="All is well.\n", cost=0.25, tokens=12, turns=2)
    template = "{{ runs.api.final_text }}{{ runs['api'].cost }} {{ runs.api.turns }} {{ vars.city }} {{ env.HOME }}\n"
    assert made(template, api=api) == "All is well.\n0.25 2 Oslo /h\n"


def test_a_group_is_a_list_each_with_its_variables() -> None:
    cities = [Answer(name=name, final_text=name.upper(), vars={"city": name}) for name in ("a", "b")]
    template = (
        "{% for run in runs.cities %}{{ run.vars.city }}={{ run.final_text }};{% endfor %}{{ runs.cities|length }}"
    )
    assert made(template, cities=cities) == "a=A;b=B;2"


def test_what_a_run_answered_is_never_a_template() -> None:
    answer = Answer(name="api", final_text="{{ vars.city }}{% raw %}{{ 7 * 7 }}")
    assert made("{{ runs.api.final_text }}", api=answer) == answer.final_text


def test_a_name_that_a_map_has_as_a_method_is_a_name() -> None:
    assert made("{{ vars.items }}") == "x"


@pytest.mark.parametrize(
    "template",
    [
        "{{ vars.citty }}",
        "{{ runs.api.nothing }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ runs.api.__init__.__globals__ }}",
        "{{ runs.__class__ }}",
        "{{ runs._values }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ '{0.__class__}'.format(runs.api) }}",
        "{% for i in range(10000000) %}x{% endfor %}",
    ],
)
def test_what_cannot_or_must_not_be_made_is_an_error_in_words(template: str) -> None:
    with pytest.raises(ConfigError, match="The prompt could not be made") as raised:
        made(template, api=Answer(name="api"))
    assert "octui." not in str(raised.value)


def test_the_runs_it_quotes_are_known() -> None:
    assert quoted_runs("{{ runs.api.cost }}{% for r in runs['a-1'] %}{{ runs.api }}{% endfor %}") == ["api", "a-1"]
    assert quoted_runs("{{ runs.api") == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ runs.api.final_text | upper }} {{ vars.city }} {{ env.HOME }} {{ range(3) | list }}",
        "{{ vars.lang | default('en') }}{% if vars.lang is defined %}{{ vars.city }}{% endif %}",
        "{% for run in runs.cities | sort(attribute='cost') %}{{ run.final_text }}{{ loop.index }}{% endfor %}",
        "{% set n = 3 %}{{ n }}{{ runs['cities-1'].tokens }}{{ runs.cities[0].final_text }}",
        "{% raw %}{{ anything }}{% endraw %}",
    ],
)
def test_a_good_template_has_no_mistakes(template: str) -> None:
    assert list(mistakes(template, AROUND)) == []


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ runs.apis.cost }}", "there is no run called 'apis'"),
        ("{{ vars.citty }}", "--var citty=…"),
        ("{{ vars.city2 | upper }}", "no variable 'city2'"),
        ("{{ env.USER }}", "env.USER is not allowed"),
        ("{{ env.ABSENT }}", "ABSENT is not set"),
        ("{{ city }}", "such as {{ vars.city }}"),
        ("one\n{{ vars.city", "line 2 of the prompt"),
        ("{{ vars.city | shout }}", "No filter named 'shout'"),
        ("{{ runs.api.final_txt }}", "a run has no 'final_txt'"),
        ("{{ runs.cities.final_text }}", "is a list of runs"),
        ("{% for run in runs.cities %}{{ run.txt }}{% endfor %}", "a run has no 'txt'"),
    ],
)
def test_a_mistake_is_known_before_the_run_starts(template: str, words: str) -> None:
    (found,) = mistakes(template, AROUND)
    assert words in found


def test_all_mistakes_are_told() -> None:
    assert len(list(mistakes("{{ a }}{{ vars.b }}{{ runs.c }}{{ env.D }}", AROUND))) == 4
