"""What a build server wants of a headless run: which runs are good, JUnit XML, and a summary in Markdown.

All of it is made of the object ``--json`` prints (`octui.cli.report.session_report`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from octui.errors import UsageError
from octui.recording.facts import RunState

FailOn = Literal["failed", "attention"]
"""What makes a run fail a build: that it did not succeed, or that a person should look at it, too."""

AUTO = "auto"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Where GitHub's runners, and others after them, name the file for a step's summary."""

LONGEST_ANSWER = 20_000
"""Characters of an answer in a summary: GitHub takes a mebibyte a step, and drops a longer one whole."""

_NOT_IN_XML = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


def is_good(run: dict[str, Any], fail_on: FailOn) -> bool:
    """Whether a run of the report is good by the rule."""
    return run["state"] == RunState.SUCCEEDED and not (fail_on == "attention" and run["attention"])


def junit(report: dict[str, Any], fail_on: FailOn) -> bytes:
    """The report as JUnit XML: a test suite a session, a test case a run."""
    from octui.cli.report import changes_in_words, check_in_words

    runs = report["runs"]
    name = _xml(Path(report["session"]).name)
    skipped = sum(run["skipped"] for run in runs)
    bad = sum(not is_good(run, fail_on) for run in runs) - skipped
    counts = {"tests": str(len(runs)), "failures": str(bad), "errors": "0", "skipped": str(skipped)}
    taken = f"{sum(run['duration_s'] for run in runs):.3f}"
    root = ElementTree.Element("testsuites", {"name": "octui", **counts, "time": taken})
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts, "time": taken})
    for run in runs:
        took = f"{run['duration_s']:.3f}"
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=_xml(run["name"]), time=took)
        told = {
            "branch": run["branch"],
            "base": run["base"],
            "changes": changes_in_words(run),
            "check": check_in_words(run),
        }
        if any(told.values()):
            properties = ElementTree.SubElement(case, "properties")
            for key, value in told.items():
                if value:
                    ElementTree.SubElement(properties, "property", name=key, value=_xml(value))
        reasons = _reasons(run)
        if run["skipped"]:
            ElementTree.SubElement(case, "skipped", message=_xml(reasons[0]))
        elif not is_good(run, fail_on):
            message = reasons[0] if reasons else run["state"]
            failure = ElementTree.SubElement(case, "failure", type=run["state"], message=_xml(message))
            failure.text = _xml("\n".join(reasons))
        if run["final_text"]:
            ElementTree.SubElement(case, "system-out").text = _xml(run["final_text"])
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True)) + b"\n"


def step_summary(report: dict[str, Any], fail_on: FailOn) -> str:
    """The report in Markdown: a table of the runs, why some are not good, and the answers, folded."""
    from octui.cli.report import changes_in_words, check_in_words, plain
    from octui.export.markdown import escape, fence
    from octui.tui.format import clock, cost, tokens
    from octui.tui.text import clean

    runs = report["runs"]
    good = sum(is_good(run, fail_on) for run in runs)
    more = {"branch": [run["branch"] for run in runs], "changes": [*map(changes_in_words, runs)]}
    more = {name: cells for name, cells in {**more, "check": [*map(check_in_words, runs)]}.items() if any(cells)}
    heads = ["", "run", "state", "tokens", "cost", "time", *more]
    lines = [f"### octui: {good} of {len(runs)} good\n", f"| {' | '.join(heads)} |".replace("|  |", "| |")]
    lines.append(f"|---|---|---|--:|--:|--:|{'---|' * len(more)}")
    for number, run in enumerate(runs):
        sign = "✅" if is_good(run, fail_on) else "⏭️" if run["skipped"] else "❌"
        dollars = cost(run["cost"], incomplete=run["cost_is_incomplete"])
        figures = [tokens(run["tokens"]["total"]), dollars, clock(run["duration_s"])]
        cells = [run["name"], run["state"].replace("_", " "), *figures, *(told[number] for told in more.values())]
        lines.append(f"| {sign} | {' | '.join(escape(plain(cell)) for cell in cells)} |")
    for run in runs:
        reasons = _reasons(run)
        lines += [f"\n**{escape(plain(run['name']))}**\n"] if reasons else []
        lines += [f"- {escape(plain(reason))}" for reason in reasons]
    for run in runs:
        if run["final_text"]:
            lines.append(f"\n<details><summary>Answer of {_summary(run['name'])}</summary>\n")
            lines.append(f"{fence(_begin(clean(run['final_text'])))}</details>")
    return "\n".join(lines) + "\n"


def summary_file(asked: str) -> Path | None:
    """The file a summary goes to; None where it is left to the build server and that has none.

    Args:
        asked: A path, or `AUTO`.
    """
    named = os.environ.get(STEP_SUMMARY, "") if asked == AUTO else asked
    return Path(named).expanduser() if named else None


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written, before agents work for it.

    Raises:
        UsageError: There is no such folder, or it may not be written.
    """
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written.")


def _reasons(run: dict[str, Any]) -> list[str]:
    """Why a run of the report is not good or wants attention, each once: an error may be a reason to look as well."""
    return list(dict.fromkeys(filter(None, (run["error"], *run["attention"]))))


def _begin(text: str) -> str:
    left = len(text) - LONGEST_ANSWER
    return text if left <= 0 else f"{text[:LONGEST_ANSWER]}\n… {left} more characters"


def _summary(name: str) -> str:
    from html import escape

    from octui.cli.report import plain

    return escape(plain(name))


def _xml(text: str) -> str:
    """Text with nothing in it that XML cannot hold or that acts on the terminal it may be printed on."""
    return _NOT_IN_XML.sub("�", text.replace("\r\n", "\n"))
