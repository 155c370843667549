"""A session without a screen: the options for it, what it leaves behind, and its exit status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octui.cli.options import Command
from octui.errors import UsageError

if TYPE_CHECKING:
    from octui.cli.ci import FailOn
    from octui.fleet.main import OnFact
    from octui.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What a headless run leaves behind beside its session.

    Attributes:
        as_json: Whether one object goes to stdout.
        junit: A file for JUnit XML.
        summary: A file a summary is appended to, or ``auto``.
        fail_on: What makes the exit status 1.
    """

    as_json: bool = False
    junit: str | None = None
    summary: str | None = None
    fail_on: FailOn = "failed"

    def check(self) -> None:
        """Refuse files that cannot be written, before anything is started.

        Raises:
            UsageError: One of them cannot be.
        """
        if self.junit or self.summary:
            from octui.cli.ci import check_file

            for path in filter(None, (self._junit_file, self._summary_file)):
                check_file(path)
            if self.summary and self._summary_file is None:
                click.echo("octui: GITHUB_STEP_SUMMARY names no file, so no summary is written.", err=True)

    def write(self, report: dict[str, Any]) -> None:
        """Write what is wanted.

        Raises:
            OSError: It cannot be written.
        """
        from octui.cli.report import dumps

        if self.as_json:
            click.echo(dumps(report))
        if self.junit or self.summary:
            from octui.cli.ci import junit, step_summary

            if self._junit_file is not None:
                self._junit_file.write_bytes(junit(report, self.fail_on))
            if self._summary_file is not None:
                with self._summary_file.open("a", encoding="utf-8") as file:
                    file.write(step_summary(report, self.fail_on))

    @property
    def _junit_file(self) -> Path | None:
        return Path(self.junit).expanduser() if self.junit else None

    @property
    def _summary_file(self) -> Path | None:
        if not self.summary:
            return None
        from octui.cli.ci import summary_file

        return summary_file(self.summary)


def headless_options(command: Command) -> Command:
    """Give a command ``--headless`` and what goes with it; it gets ``headless`` and ``reports``, which are checked."""

    @wraps(command)
    def with_reports(
        headless: bool,
        as_json: bool,
        junit: str | None,
        summary: str | None,
        fail_on: FailOn | None,
        **options: Any,
    ) -> Any:
        only_headless = {"--json": as_json, "--junit": junit, "--summary": summary, "--fail-on": fail_on}
        for name, value in only_headless.items():
            if value and not headless:
                raise UsageError(f"{name} goes with --headless.")
        reports = Reports(as_json=as_json, junit=junit, summary=summary, fail_on=fail_on or "failed")
        reports.check()
        return command(headless=headless, reports=reports, **options)

    for option in reversed(_OPTIONS):
        with_reports = option(with_reports)
    return with_reports  # type: ignore[return-value]  # click's decorators leave it any callable


_OPTIONS = (
    click.option("--headless", is_flag=True, help="No screen: progress on stderr, tied to this process."),
    click.option("--json", "as_json", is_flag=True, help="With --headless: one object on stdout at the end."),
    click.option("--junit", metavar="FILE", help="With --headless: the outcome as JUnit XML."),
    click.option(
        "--summary",
        metavar="FILE",
        help="With --headless: append a summary in Markdown; auto: to the file GITHUB_STEP_SUMMARY names.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["failed", "attention"]),
        help="With --headless: whether only failures make exit status 1, or whatever wants attention.  "
        "[default: failed]",
    ),
)


def tell_of_asking(plan: Plan) -> None:
    """Say of a plan whose runs may ask that nobody will be there."""
    from octui.plan.backends import asks

    if any(asks(each.config) for each in plan.runs):
        click.echo("octui: Nobody is there to ask with --headless: what has to be asked for is rejected.", err=True)


def tell_of_configuration(plan: Plan) -> None:
    """Say on stderr what runs do not get of the user's own configuration, and which model they take."""
    from octui.cli.report import printable
    from octui.discovery.plan_notices import plan_notices

    for line in plan_notices(plan):
        click.echo(printable(f"octui: {line}"), err=True)


def tell_of(work: Callable[[OnFact], Path], reports: Reports) -> int:
    """Tell how a session goes that runs in the foreground, and give the exit status.

    Args:
        work: Runs it, tells its facts, and gives its folder.
        reports: What it leaves behind.
    """
    from octui.cli.ci import is_good
    from octui.cli.report import Progress, session_report, summary
    from octui.fleet.main import INTERRUPTED_EXIT, SessionInterrupted

    interrupted = False
    try:
        folder = work(Progress().fact)
    except SessionInterrupted as error:
        folder, interrupted = error.folder, True
    report = session_report(folder)
    click.echo(summary(report), err=True)
    reports.write(report)
    if interrupted:
        return INTERRUPTED_EXIT
    return 0 if all(is_good(run, reports.fail_on) for run in report["runs"]) else 1
