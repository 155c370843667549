"""What a headless run says: progress while it goes on, and one object at the end."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from octui.client.result import Totals
from octui.recording.facts import AnyFact, AttentionRaised, Checked, RunState, StateChanged, WorktreeMade
from octui.recording.session import Session
from octui.recording.status import RunStatus

SIGNS = {
    RunState.QUEUED: "○",
    RunState.STARTING: "◔",
    RunState.RUNNING: "●",
    RunState.RETRYING: "↻",
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✗",
    RunState.STOPPED: "■",
    RunState.TIMED_OUT: "⧖",
}
_COLOURS = {RunState.SUCCEEDED: "green", RunState.FAILED: "red", RunState.TIMED_OUT: "red", RunState.RETRYING: "yellow"}


class Progress:
    """Prints a line on stderr for each change of a run's state, and for each reason to look at it."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def fact(self, fact: AnyFact) -> None:
        """Take note of a fact."""
        if isinstance(fact, StateChanged):
            words = str(fact.state).replace("_", " ")
            state = click.style(f"{SIGNS[fact.state]} {words}", fg=_COLOURS.get(fact.state))
            self._say(fact.run, f"{state}{plain(fact.state.because(fact.why)).removeprefix(words)}")
        elif isinstance(fact, AttentionRaised):
            self._say(fact.run, click.style(f"◆ {plain(fact.words)}", fg="yellow"))
        elif isinstance(fact, WorktreeMade):
            self._say(fact.run, f"⎇ {plain(fact.branch)}")
            for note in fact.notes:
                self._say(fact.run, click.style(plain(note), fg="yellow"))
        elif isinstance(fact, Checked) and fact.exit_code == 0:
            self._say(fact.run, click.style("✓ checked", fg="green"))

    def _say(self, run: str, words: str) -> None:
        passed = time.monotonic() - self._began
        with suppress(OSError):  # Nobody may be reading; the runs go on all the same.
            click.echo(f"{int(passed // 60):02}:{passed % 60:04.1f}  {run}  {words}", err=True)


def session_report(folder: Path) -> dict[str, Any]:
    """What a session came to, as the object ``--json`` prints."""
    session = Session.open(folder)
    status = session.status
    runs = [
        _run_report(
            name, status.run(name), session.log(name).totals, session.final_text(name), session.meta(name).check
        )
        for name in session.run_names
    ]
    return {
        "session": str(folder),
        "ok": all(run["state"] == RunState.SUCCEEDED for run in runs),
        "runs": runs,
    }


def summary(report: dict[str, Any]) -> str:
    """The last line on stderr."""
    from rich.cells import cell_len

    from octui.tui.text import pad

    runs = report["runs"]
    good = sum(run["state"] == RunState.SUCCEEDED for run in runs)
    cost = f"${sum(run['cost'] for run in runs):.4f}"
    if any(run["cost_is_incomplete"] for run in runs):
        cost = f"≥{cost}"
    tokens = sum(run["tokens"]["total"] for run in runs)
    told = [f"{good} of {len(runs)} succeeded", f"{tokens} tokens", cost]
    checks = [run["check"]["exit_code"] for run in runs if run["check"] is not None]
    if checks:
        told.append(f"{checks.count(0)} of {len(checks)} checks good")
    lines = [f"{', '.join(told)}. Session: {report['session']}"]
    width = max(cell_len(run["name"]) for run in runs)
    lines += [f"  {pad(run['name'], width)}  {run['branch']}  {changes_in_words(run)}" for run in runs if run["branch"]]
    return "\n".join(lines)


def changes_in_words(run: dict[str, Any]) -> str:
    """How much a run of the report changed in its worktree: ``2 files +10 -3``; empty for one without."""
    found = run["changes"]
    if found is None:
        return "no changes" if run["branch"] else ""
    return f"{found['files']} file{'' if found['files'] == 1 else 's'} +{found['added']} -{found['removed']}"


def check_in_words(run: dict[str, Any]) -> str:
    """What the check of a run of the report came to; empty for one without."""
    if run["check"] is None:
        return ""
    code = run["check"]["exit_code"]
    return "good" if code == 0 else "not finished" if code is None else f"exit code {code}"


def dumps(value: dict[str, Any]) -> str:
    """One line of JSON, all of it ASCII: no terminal acts on it, and every encoding and every text can be written."""
    return json.dumps(value)


def plain(text: str) -> str:
    """Text from outside on one line, with nothing in it that acts on a terminal."""
    return printable(" ".join(text.split()))


def printable(line: str) -> str:
    """A line from outside with nothing in it that acts on a terminal, its spaces as they are."""
    return "".join(char if char.isprintable() else "�" for char in line)


def _run_report(name: str, run: RunStatus, totals: Totals, final_text: str, check: str) -> dict[str, Any]:
    tokens = totals.tokens
    duration = run.elapsed(time.time())
    made, changes, checked = run.worktree, run.changes, run.checked
    return {
        "name": name,
        "state": str(run.state),
        "skipped": run.is_skipped,
        "exit_code": run.exit_code,
        "attempts": run.attempt,
        "attention": [words for words, _ in run.attention.values()],
        "duration_s": round(duration, 3) if duration is not None else 0.0,
        "cost": totals.cost,
        "cost_is_incomplete": totals.lacks_steps(is_over=run.state.is_final),
        "tokens": {
            "total": tokens.total,
            "input": tokens.input,
            "output": tokens.output,
            "reasoning": tokens.reasoning,
            "cache_read": tokens.cache_read,
            "cache_write": tokens.cache_write,
        },
        "tool_calls": totals.tool_calls,
        "session_id": totals.session_id,
        "final_text": final_text,
        "branch": made.branch if made is not None else "",
        "base": made.base if made is not None else "",
        "worktree": made.path if made is not None and run.has_worktree else "",
        "settled": str(run.settled or ""),
        "changes": changes
        and {
            "files": changes.files,
            "added": changes.added,
            "removed": changes.removed,
        },
        "check": checked and {"command": check, "exit_code": checked.exit_code, "duration_s": checked.seconds},
        "error": "" if run.state is RunState.SUCCEEDED else run.why,
    }
