"""Reading plans as text, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.errors import PlanError, Problem
from octui.plan.model import Plan
from octui.plan.toml import parse_plan


def parse(folder: Path, text: str) -> Plan:
    return parse_plan(text, folder=folder, source="p.toml")


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(PlanError) as raised:
        parse(folder, text)
    return list(raised.value.problems)
