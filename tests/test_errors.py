"""One tree of errors, drawn in the module's docstring."""

from __future__ import annotations

import re

from octui import errors
from octui.errors import ConfigError, OctuiError, PlanError, Problem


def test_every_error_stands_in_the_drawn_tree() -> None:
    drawn = set(re.findall(r"── (\w+)", errors.__doc__ or "")) | {"OctuiError"}
    defined = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, OctuiError)
    }
    assert drawn == defined


def test_a_wrong_configuration_is_also_a_value_error() -> None:
    assert issubclass(ConfigError, ValueError)


def test_an_error_says_what_is_wrong_and_then_what_to_do() -> None:
    assert str(OctuiError("No opencode here.", hint="Install it.")) == "No opencode here. Install it."
    assert str(OctuiError("No opencode here.")) == "No opencode here."


def test_a_plan_error_lists_every_mistake_with_its_place() -> None:
    error = PlanError("p.toml", [Problem("runs[0].model", "Must be text.", 4), Problem("name", "Is missing.")])
    assert "p.toml has 2 mistakes" in str(error)
    assert "p.toml:4: runs[0].model: Must be text." in str(error)
    assert "p.toml: name: Is missing." in str(error)
