"""``octui resume``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.test_main import SAMPLE, run, stand_in
from tests.client.conftest import StandIn
from tests.support.processes import wait_until

from octui import paths
from octui.control import spawn
from octui.plan.model import Plan
from octui.recording.session import Session, list_sessions
from octui.tui import app as tui

__all__ = ["stand_in"]

FAILS_ONCE = """
if prompt == "b K" and not os.path.exists(os.environ["GO"]):
    sys.exit(1)
answer("Heard: " + prompt)
"""


@pytest.fixture
def failed(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A session in which one of two runs failed, which would not again."""
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    plan = tmp_path / "p.toml"
    plan.write_text(
        '[defaults]\nworkspace = "."\nextra_env = { TOKEN = "sesame-open" }\n'
        '[[runs]]\nname = "a"\nprompt = "a"\n[[runs]]\nname = "b"\nprompt = "b {{ vars.unit }}"\n'
    )
    assert run("run", str(plan), "--headless", "--binary", str(stand_in(FAILS_ONCE)), "--var", "unit=K") == 1
    (tmp_path / "go").touch()
    capsys.readouterr()
    return list_sessions(paths.sessions_dir())[0].path


def test_what_failed_begins_anew_and_the_report_has_all(failed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (failed.parents[0] / "x").mkdir()
    assert run("resume", "last", "--headless", "--json", "--junit", str(failed.parent / "x" / "j.xml")) == 0
    out, err = capsys.readouterr()
    runs = json.loads(out)["runs"]
    assert [(each["name"], each["state"], each["final_text"]) for each in runs] == [
        ("a", "succeeded", "Heard: a"),
        ("b", "succeeded", "Heard: b K"),
    ]
    assert "2 of 2 succeeded" in err
    assert "  a  " not in err, "it is kept, so there is nothing to tell of it"
    assert 'tests="2" failures="0"' in (failed.parent / "x" / "j.xml").read_text()


def test_a_dry_run_says_what_would_begin_and_starts_nothing(failed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (failed / "facts.jsonl").read_bytes()
    assert run("resume", failed.name[:15], "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [
        "p: 1 of 2 runs would begin anew, 1 are kept",
        "keep   a  succeeded",
        "begin  b  failed: exit code 1",
    ]
    assert (failed / "facts.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([str(SAMPLE)], "nothing is left to do"),
        (["last", "--json"], "--json goes with --headless"),
        (["last"], "Add --headless"),
        (["last", "--plan", "nope.toml", "--headless"], "cannot be read"),
        (["last", "--var", "x"], "is not NAME=VALUE"),
        (["nope"], "no session called 'nope'"),
    ],
)
@pytest.mark.usefixtures("failed")
def test_what_cannot_be_done_is_told(arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("resume", *arguments) in (1, 2)
    assert words in capsys.readouterr().err


def test_a_plan_that_is_given_again_must_be_the_same(
    failed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "p.toml"
    moved = plan.rename(tmp_path / "moved.toml")
    assert run("resume", "last", "--headless") == 1
    err = capsys.readouterr().err
    assert "held secrets" in err
    assert f"octui resume {failed.name} --plan FILE" in err
    other = tmp_path / "other.toml"
    other.write_text(moved.read_text().replace('"b {{', '"c {{'))
    assert run("resume", "last", "--headless", "--plan", str(other)) == 2
    assert "b has another prompt" in capsys.readouterr().err
    assert run("resume", "last", "--headless", "--plan", str(moved)) == 0


def _noted(shown: list[Path], path: Path) -> int:
    shown.append(path)
    return 0


def test_the_dashboard_shows_what_begins_anew(failed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[Path, bool, Plan | None]] = []
    shown: list[Path] = []
    monkeypatch.setattr("octui.cli.resume.need_terminal", lambda _: None)
    monkeypatch.setattr(tui, "run_dashboard", lambda path: _noted(shown, path))
    monkeypatch.setattr(
        spawn, "take_up_session", lambda path, *, binary, resume, given: taken.append((path, resume, given))
    )
    assert run("resume", "last") == 0
    assert (taken, shown) == ([(failed, True, None)], [failed])


def test_a_supervisor_of_its_own_resumes(failed: Path) -> None:
    spawn.take_up_session(failed, resume=True)
    session = Session.open(failed)

    def over() -> bool:
        session.refresh()
        return session.status.run("b").state == "succeeded"

    wait_until(over, 20)
    wait_until(lambda: not session.is_live, 20)


def test_the_list_says_how_to_resume(failed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLE, failed.parent / "20200101-000000-good")
    assert run("sessions") == 0
    assert f"`octui resume {failed.name}` runs what did not succeed" in capsys.readouterr().err
    assert run("sessions", "--find", "2020") == 0
    assert "resume" not in capsys.readouterr().err
    assert run("sessions", "--json") == 0
    told = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [(each["unfinished"], each["resumable"]) for each in told] == [(1, 1), (0, 0)]
