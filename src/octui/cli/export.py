"""``octui export``: a session as a document."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octui.cli.options import common_options
from octui.cli.sessions import complete_session
from octui.encoding import to_bytes
from octui.errors import UsageError

if TYPE_CHECKING:
    from octui.recording.session import Session

SUFFIXES = {"md": "md", "html": "html", "json": "json", "asciicast": "cast"}
TO_STDOUT = "-"
_FOR_PIPES = ("md", "json")


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.option(
    "--format", "kind", type=click.Choice(list(SUFFIXES)), help="As what.  [default: by the name of FILE, or md]"
)
@click.option("-o", "--output", metavar="FILE", help="Where to; - for stdout.")
@click.option(
    "--size", metavar="COLUMNSxROWS", default="120x36", show_default=True, help="Of the terminal, for asciicast."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@common_options
def export(session: str, kind: str | None, output: str | None, size: str, force: bool) -> None:
    """Write a session as a transcript that is read without octui.

    It has the prompts, answers and reasoning of all runs, their tool calls with what was given, came back and was
    changed, what was asked and how it was answered, and what each run came to. What looks like a secret is masked.
    An asciicast is the replay itself, as a recording of a terminal: it shows what the replay shows.
    Without -o, md and json go to a pipe where there is one, and everything else to a file named after the session.

    \b
    octui export 20261123-1041 --format html
    octui export 20261123-1041 -o review.md
    octui export 20261123-1041 --format asciicast --size 100x30
    octui export run.jsonl --format json | jq '.runs[0].cost'
    opencode run --format json "…" | octui export - -o run.md
    """
    from octui.cli.report import printable
    from octui.recording.session import Session, resolve_session

    kind = kind or (_kind_of(output) if output else None) or "md"
    found = Session.open(resolve_session(session))
    pieces = _cast(found, size) if kind == "asciicast" else _written(found, kind)
    if output == TO_STDOUT or (output is None and kind in _FOR_PIPES and not sys.stdout.isatty()):
        _print(pieces)
        return
    target = Path(output or (found.folder.name if found.folder.is_dir() else found.run_names[0]))
    target = target if output else target.with_name(f"{target.name}.{SUFFIXES[kind]}")
    _save(pieces, target.expanduser(), force=force)
    click.echo(f"Written to {printable(str(target))}.", err=True)


def _kind_of(output: str) -> str | None:
    suffix = Path(output).suffix.removeprefix(".").lower()
    return next((kind for kind, each in SUFFIXES.items() if each == suffix), None)


def _cast(session: Session, size: str) -> Iterator[str]:
    from octui.export import cast

    match = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", size)
    asked = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(low <= each <= high for low, each, high in zip(cast.SMALLEST, asked, cast.LARGEST, strict=True)):
        raise UsageError(f"{size!r} is no size of a terminal.", hint="Write it as 120x36; 40x10 is the smallest.")
    return cast.write(session, asked)


def _written(session: Session, kind: str) -> Iterator[str]:
    from octui.export.transcript import Transcript

    transcript = Transcript(session)
    if kind == "json":
        from octui.export import data

        return data.write(transcript)
    if kind == "md":
        from octui.export import markdown

        return markdown.write(transcript)
    from octui import settings
    from octui.export import html
    from octui.tui.theming import load_themes, theme_folders

    chosen, _ = settings.load_or_default()
    return html.write(transcript, *html.themes(load_themes(theme_folders()).themes, chosen.theme))


def _print(pieces: Iterable[str]) -> None:
    out = sys.stdout.buffer
    try:
        for piece in pieces:
            out.write(to_bytes(piece))
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Whoever reads has read enough.


def _save(pieces: Iterable[str], target: Path, *, force: bool) -> None:
    """Write a file whole: what cannot be finished is not left behind, nor is it written over what was there.

    Raises:
        UsageError: It is there already.
        OSError: It cannot be written.
    """
    if target.exists() and not force:
        raise UsageError(f"{target} is there already.", hint="Name another with -o, or add --force.")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        if force:
            partial.replace(target)
        else:
            os.link(partial, target)  # Unlike a rename it never replaces what came meanwhile.
    finally:
        partial.unlink(missing_ok=True)
