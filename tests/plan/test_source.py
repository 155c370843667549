from __future__ import annotations

from pathlib import Path

import pytest

from octui.errors import PlanError
from octui.plan.source import PlanSource, read_source


def test_a_plan_is_read_again_with_its_variables_but_for_secret_ones(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[[runs]]\nname = "a"\nworkspace = "."\nprompt = "{{ vars.city }} {{ vars.token }}"\n')
    source = PlanSource(file=str(file), variables={"city": "Oslo", "token": "sesame-open"})
    table = source.to_table()
    assert "sesame-open" not in str(table)
    again = read_source(table)
    assert again is not None
    with pytest.raises(PlanError, match="no variable 'token'"):
        again.load()
    assert again.load({"token": "sesame-open"}) == source.load()


@pytest.mark.parametrize("value", [None, "x", {}, {"file": 1}])
def test_what_is_no_source_is_none(value: object) -> None:
    assert read_source(value) is None
