"""What a build server gets of a headless run."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.cli.test_main import run, stand_in
from tests.client.conftest import StandIn
from tests.export.test_markdown import structure
from tests.tui.test_hostile import EVIL

from octui.cli.ci import LONGEST_ANSWER, FailOn, is_good, junit, step_summary

__all__ = ["stand_in"]

REJECTED = (
    'say("step_start", part={}); say("text", part={"text": "Hm."}); say("step_finish", part={"reason": "stop"}); '
    'print("! permission requested: bash (ls); auto-rejecting", file=sys.stderr)'
)
"""A run that succeeds, and wants attention."""


def told(name: str, state: str = "succeeded", **fields: Any) -> dict[str, Any]:
    fields.setdefault("skipped", False)
    figures = {
        "duration_s": 1.5,
        "cost": 0.25,
        "cost_is_incomplete": False,
        "tokens": {"total": 1200},
        "final_text": "",
        "error": "",
    }
    place = {"branch": "", "base": "", "changes": None, "check": None}
    return {"name": name, "state": state, "attention": [], **figures, **place, **fields}


def report(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"session": "/data/sessions/20261123-1", "ok": False, "runs": list(runs)}


@pytest.mark.parametrize(
    ("state", "attention", "fail_on", "good"),
    [
        ("succeeded", [], "attention", True),
        ("succeeded", ["look"], "failed", True),
        ("succeeded", ["look"], "attention", False),
        ("failed", [], "failed", False),
        ("stopped", [], "failed", False),
    ],
)
def test_a_run_is_good_by_the_rule(state: str, attention: list[str], fail_on: FailOn, good: bool) -> None:
    assert is_good(told("a", state, attention=attention), fail_on) is good


def test_junit_has_a_case_a_run_and_says_why_one_failed() -> None:
    runs = [told("a", final_text="Done."), told("b", "failed", error="exit code 7"), told("c", attention=["look"])]
    root = ElementTree.fromstring(junit(report(*runs), "attention"))
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("20261123-1", "3", "2")
    good, bad, seen = suite
    assert (good.get("name"), good.get("time"), good.findtext("system-out")) == ("a", "1.500", "Done.")
    assert [(case.find("failure") is not None) for case in suite] == [False, True, True]
    failures = [case.find("failure") for case in (bad, seen)]
    assert [(each.get("type"), each.get("message")) for each in failures if each is not None] == [
        ("failed", "exit code 7"),
        ("succeeded", "look"),
    ]


def test_a_run_that_was_skipped_is_no_failure_of_its_own(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(
        '[defaults]\nworkspace = "."\n[[runs]]\nname = "first"\nprompt = "p"\n'
        '[[runs]]\nname = "then"\nprompt = "q"\nneeds = ["first"]\n'
    )
    files = {"junit": tmp_path / "junit.xml", "summary": tmp_path / "step.md"}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    binary = str(stand_in("sys.exit(7)"))
    assert run("run", str(tmp_path / "p.toml"), "--headless", "--binary", binary, *options) == 1
    root = ElementTree.parse(files["junit"]).getroot()
    for each in (root, root[0]):
        assert [each.get(name) for name in ("tests", "failures", "skipped")] == ["2", "1", "1"]
    first, then = root[0]
    assert (first.find("skipped"), then.find("failure")) == (None, None)
    skipped = then.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "skipped: first failed"
    assert "| ⏭️ | then | stopped |" in files["summary"].read_text()


def test_a_reason_that_is_an_error_and_wants_attention_is_told_once() -> None:
    words = "it ended after a tool call, without a final answer"
    found = report(told("a", "failed", error=words, attention=[words, "look"]))
    failure = ElementTree.fromstring(junit(found, "failed"))[0][0].find("failure")
    assert failure is not None
    assert failure.text == f"{words}\nlook"
    assert step_summary(found, "failed").count("ended after a tool call") == 1


def test_hostile_texts_are_well_formed_xml_and_no_markup_of_a_summary() -> None:
    evil = told(
        EVIL, "failed", error=EVIL, attention=[f"{EVIL}<img src=x>|"], final_text=f"```\n</details>\n{EVIL}\ud800"
    )
    written = junit(report(evil), "failed")
    (case,) = ElementTree.fromstring(written)[0]
    assert "[@click=app.exit]x[/]" in str(case.findtext("system-out"))
    assert not {0x1B, 0x07, 0x00, 0x08} & set(written)
    summary = step_summary(report(evil), "failed")
    assert summary.encode()
    assert "\x1b" not in summary
    parts = structure(summary)
    assert len([part for part in parts if part.startswith("<details>")]) == 1
    assert len([part for part in parts if part.startswith("</details>")]) == 1
    assert not [part for part in parts if "<img" in part]


def test_a_summary_stays_as_short_as_a_build_server_takes_it() -> None:
    summary = step_summary(report(told("a", final_text="x" * (LONGEST_ANSWER + 7))), "failed")
    assert "… 7 more characters" in summary
    assert summary.count("x") == LONGEST_ANSWER


def test_both_are_written_and_the_summary_is_appended(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("before\n")
    binary = str(stand_in("answer()"))
    files = ["--junit", str(tmp_path / "junit.xml"), "--summary", "auto"]
    assert run("run", "x", "-w", str(tmp_path), "--headless", "--binary", binary, *files) == 0
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures") == "0"
    assert (tmp_path / "step.md").read_text().startswith("before\n### octui: 1 of 1 good\n")
    out, err = capsys.readouterr()
    assert (out, "\x1b" in err) == ("", False)


def test_what_runs_do_not_get_of_the_users_configuration_is_said_first(
    stand_in: StandIn, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / ".config/opencode/opencode.json"
    config.parent.mkdir()
    config.write_text('{"model": "mine/big", "plugin": ["p"]}')
    run("run", "x", "-w", str(tmp_path), "--headless", "--binary", str(stand_in("answer()")))
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("octui: Not used from your opencode configuration: plugin. To use it, set keep")
    assert second == "octui: No model is given: opencode's configuration says mine/big."


def test_a_summary_for_a_build_server_that_wants_none_is_said_to_be_left_out(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    binary = str(stand_in("answer()"))
    assert run("run", "x", "-w", str(tmp_path), "--headless", "--binary", binary, "--summary", "auto") == 0
    assert "no summary is written" in capsys.readouterr().err


@pytest.mark.parametrize(("rule", "status"), [([], 0), (["--fail-on", "attention"], 1)])
def test_what_wants_attention_fails_a_build_only_where_that_is_the_rule(
    rule: list[str], status: int, stand_in: StandIn, tmp_path: Path
) -> None:
    binary = str(stand_in(REJECTED))
    assert run("run", "x", "-w", str(tmp_path), "--headless", "--binary", binary, *rule) == status
