"""The plan of a session, read again from its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from octui.errors import RecordingError, UsageError
from octui.plan.source import PlanSource
from octui.plan.toml import load_plan
from octui.plan.writing import plan_to_dict
from octui.recording.journal import Journal
from octui.recording.recorded_plan import RecordedPlan, read_recorded

RUN = {"name": "a", "workspace": ".", "prompt": "Do it.", "extra_env": {"KEY": "sesame-open"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.toml"
    path.write_text(tomli_w.dumps({"runs": [RUN]}))
    return path


def recorded(file: Path, *, named: bool = True) -> RecordedPlan:
    source = PlanSource(file=str(file)) if named else None
    journal = Journal.create(
        file.parent / "s", load_plan(file), opencode_version="1", binary="x", octui_version="0", source=source
    )
    journal.close()
    return read_recorded(journal.folder)


def test_secrets_come_from_the_file_the_plan_was_read_from(file: Path) -> None:
    whole = recorded(file).whole()
    assert whole.runs[0].config.extra_env == {"KEY": "sesame-open"}


def test_a_file_that_says_something_else_now_is_told_with_what_to_do(file: Path) -> None:
    found = recorded(file)
    file.write_text(tomli_w.dumps({"runs": [{**RUN, "prompt": "Do more.", "model": "a/b"}]}))
    with pytest.raises(RecordingError) as told:
        found.whole()
    assert f"{file} says something else now: a has another prompt, model." in told.value.message
    assert f"octui resume {found.name} --plan FILE" in told.value.hint
    file.unlink()
    with pytest.raises(RecordingError, match="cannot be run any more: file: it cannot be read"):
        found.whole()


def test_without_a_file_secrets_have_to_be_given(file: Path) -> None:
    found = recorded(file, named=False)
    with pytest.raises(RecordingError) as told:
        found.whole()
    assert told.value.message == (
        f"The plan of {found.name} held secrets, which are not kept (extra_env.KEY of a), and it was read from no file."
    )
    assert (
        told.value.hint == f"Save it in the launcher as it was, with them, and `octui resume {found.name} --plan FILE`."
    )
    given = load_plan(file)
    assert plan_to_dict(found.whole(given)) == plan_to_dict(given)


def test_another_plan_is_refused_with_what_differs_however_much_does(file: Path) -> None:
    found = recorded(file)
    file.write_text(tomli_w.dumps({"runs": [{**RUN, "name": f"b{number}"} for number in range(9)]}))
    with pytest.raises(UsageError, match=r"no run a; the run b0 is new; .*and 6 more\. Give it as it was"):
        found.whole(load_plan(file))


def test_a_plan_without_secrets_needs_no_file(file: Path) -> None:
    file.write_text(tomli_w.dumps({"runs": [{**RUN, "extra_env": {}, "prompt": "Say ••••."}]}))
    found = recorded(file)
    file.unlink()
    assert found.whole().runs[0].prompt == "Say ••••."
