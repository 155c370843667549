"""A transcript as one HTML file: it looks like the dashboard, light or dark as the reader's system is; nothing runs.

All texts are cleaned as for a terminal and escaped. Answers are rendered from Markdown without HTML and pictures; only
addresses of web pages become links. The page's policy forbids scripts and everything from outside, so that even a
mistake here would run and load nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape as _escape
from importlib.resources import files
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from textual.theme import Theme

from octui.export import words
from octui.export.transcript import (
    AnyEntry,
    Asked,
    Called,
    Change,
    Failed,
    Noted,
    Other,
    Requested,
    RunHead,
    Said,
    Thought,
    Transcript,
)
from octui.tui.requests import in_words, subject
from octui.tui.text import clean, clean_line
from octui.tui.theming import ROLE_PREFIX, ROLES

MAX_MARKDOWN = 60_000
"""A longer answer, in characters, stands as it was written."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_WEB = re.compile(r"https?://[^\s<>\"']+\Z", re.IGNORECASE)
_DIFF_HEAD = ("diff --git ", "index ", "Index: ", "=======", "--- ", "+++ ")
_DIFF_CLASSES = {"+": "added", "-": "removed", "@": "hunk"}


def write(transcript: Transcript, dark: Theme, light: Theme) -> Iterator[str]:
    """Give the page piece by piece.

    Args:
        transcript: What is written.
        dark: The theme for readers whose system is dark.
        light: The theme for all others.
    """
    head = transcript.head
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{line(head.name)}</title>\n<style>\n{style(dark, light)}</style>\n</head>\n<body>\n"
    yield f"<h1>{line(head.name)}</h1>\n<p class=muted>{line(words.about(head))}</p>\n"
    yield from _table(transcript.runs)
    for number, run in enumerate(transcript.runs, 1):
        yield from _run(number, run, transcript.entries(run.name))
    yield "</body>\n</html>\n"


def style(dark: Theme, light: Theme) -> str:
    """The page's style, with the colours of both themes."""
    sheet = files("octui.export").joinpath("style.css").read_text("utf-8")
    return (
        f":root{{color-scheme:light dark;{_colours(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_colours(dark)}}}}}\n{sheet}"
    )


def _colours(theme: Theme) -> str:
    """A theme's colours as variables; what a theme holds are colours, as it could not be loaded otherwise."""
    told = {"background": theme.background, "surface": theme.surface, "primary": theme.primary}
    told |= {role: theme.variables[ROLE_PREFIX + role] for role in ROLES}
    return "".join(f"--{name}:{value};" for name, value in told.items())


def _table(runs: Sequence[RunHead]) -> Iterator[str]:
    heads = words.heads_of(runs)
    yield f"<div class=wide><table>\n<tr><th>run<th>state{''.join(f'<th class=n>{head}' for head in heads)}</tr>\n"
    for number, run in enumerate(runs, 1):
        yield f'<tr><td><a href="#run-{number}">{line(run.name)}</a><td>{_state(run)}'
        yield f"{''.join(f'<td class=n>{line(each)}' for each in words.cells_of(run, heads))}</tr>\n"
    yield f"</table></div>\n<p class=muted>{words.sums_of(runs)}</p>\n"


def _state(run: RunHead) -> str:
    return f'<span class="{line(run.state)}">{line(words.state_of(run))}</span>'


def _run(number: int, run: RunHead, entries: Iterable[AnyEntry]) -> Iterator[str]:
    yield f'<section class=run id="run-{number}">\n<header><h2>{line(run.name)}</h2>{_state(run)}'
    yield f"<span class='muted figures'>{line(' · '.join(words.figures_of(run)))}</span></header>\n"
    if run.error:
        yield f"<p class=error>{line(run.error)}</p>\n"
    for reason in run.attention:
        yield f"<p class=attention>◆ {line(reason)}</p>\n"
    told = [*words.facts_of(run), *((name, words.readable(value)) for name, value in run.overrides.items())]
    if told:
        rows = "".join(f"<tr><th>{line(name)}<td>{pre(value)}</tr>" for name, value in told)
        yield f"<details><summary>Started with</summary><table>{rows}</table></details>\n"
    for shown in map(_entry, entries):
        if shown:
            yield f"{shown}\n"
    for change in run.changes:
        yield f"<details class=entry><summary>changed {_file(change)}</summary>{diff(change.patch)}</details>\n"
    yield "</section>\n"


def _entry(entry: AnyEntry) -> str:
    match entry:
        case Asked(text=words_of):
            return f"<div class='entry prompt'>{pre(words_of)}</div>"
        case Said(text=words_of):
            return f"<div class='entry answer'>{answer(words_of)}</div>"
        case Thought(text=words_of):
            first = line(words_of.strip()[:100])
            return f"<details class='entry reasoning'><summary>{first}</summary>{pre(words_of)}</details>"
        case Called():
            return _call(entry)
        case Failed(name=name, message=message):
            return f"<div class='entry error'>✗ {line(name)}{pre(message, 'error')}</div>"
        case Requested():
            return f"<div class='entry request'>{_request(entry)}</div>"
        case Other(type=kind, value=value):
            body = pre(words.readable(value))
            return f"<details class=entry><summary><span class=muted>{line(kind)}</span></summary>{body}</details>"
        case Noted():
            return f"<p class='entry attention'>{line(words.note_of(entry))}</p>"
    note = words.note_of(entry)
    return f"<p class='entry note faint'>{line(note)}</p>" if note else ""


def _call(call: Called) -> str:
    is_open = bool(call.todos) or 0 < sum(each.additions + each.deletions for each in call.changes) <= 8
    kind = "refused" if call.refused else "error" if call.status == "error" or call.exit_code else "tool"
    parts = [
        f"<details class=entry{' open' if is_open else ''}><summary><span class={kind}>{line(call.tool)}</span> ",
        f"{line(call.title)} <span class=outcome>{line(words.outcome_of(call))}</span></summary>",
    ]
    rows = "".join(f"<tr><th>{line(name)}<td>{pre(value)}</tr>" for name, value in words.given(call))
    parts.append(f"<table>{rows}</table>" if rows else "")
    if call.todos:
        items = "".join(f"<li>{words.todo_sign(todo.status)} {line(todo.content)}" for todo in call.todos)
        parts.append(f"<ul class=todo>{items}</ul>")
    parts += [f"<p class=muted>{_file(change)}</p>{diff(change.patch)}" for change in call.changes]
    if call.error:
        parts.append(pre(call.error, "error"))
    if call.output.strip() and not call.changes and not call.todos:
        parts.append(pre(call.output))
    return "".join([*parts, "</details>"])


def _request(request: Requested) -> str:
    parts = []
    if request.permission is not None:
        parts.append(
            f"<p><span class=attention>◆ asked for a permission</span> {line(in_words(request.permission))}</p>"
        )
        about = subject(request.permission)
        parts.append(pre(about) if "\n" in about or len(about) > 200 else "")
        told = request.permission.metadata.get("diff") or request.permission.metadata.get("patch")
        parts.append(diff(told) if isinstance(told, str) else "")
    for item in request.questions:
        options = "".join(
            f"<li>{line(option.label)} <span class=muted>{line(option.description)}</span>" for option in item.options
        )
        parts.append(f"<p><span class=attention>◆ asked</span> {line(item.question)}</p><ul>{options}</ul>")
    parts.append(f"<p>❯ {line(request.answer) or '<span class=muted>not answered</span>'}</p>")
    return "".join(parts)


def _file(change: Change) -> str:
    added, removed = f"<span class=added>+{change.additions}</span>", f"<span class=removed>−{change.deletions}</span>"
    return f"{line(change.file)} {added} {removed}"


def line(words_of: str) -> str:
    """Text from outside as one line of HTML."""
    return _escape(clean_line(words_of))


def text(words_of: str) -> str:
    """Text from outside as HTML."""
    return _escape(clean(words_of))


def pre(words_of: str, kind: str = "") -> str:
    """Text from outside with its lines and spaces as they are."""
    shown = text(words_of).strip("\n")
    return f"<pre class={kind}>{shown}</pre>" if kind else f"<pre>{shown}</pre>"


def diff(patch: str) -> str:
    """A unified diff, its lines coloured by their signs; its head only says again which file it is of."""
    rows = clean(patch).rstrip("\n").split("\n")
    begin = next((at for at, row in enumerate(rows) if row.startswith("@@")), 0)
    rows = [*(row for row in rows[:begin] if not row.startswith(_DIFF_HEAD)), *rows[begin:]]
    told = (f'<span class="{_DIFF_CLASSES.get(row[:1], "same")}">{_escape(row) or " "}</span>' for row in rows)
    return f"<pre class=diff>{''.join(told)}</pre>"


def answer(words_of: str) -> str:
    """An answer's Markdown as HTML."""
    source = clean(words_of)
    if len(source) > MAX_MARKDOWN:
        return pre(source)
    parser = _parser()
    parsed = parser.parse(source)
    _clean_tokens(parsed)
    return str(parser.renderer.render(parsed, parser.options, {}))


class _Renderer(RendererHTML):
    """Makes links of addresses of web pages only; of others the text is left."""

    def link_open(self, found: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        href = str(found[index].attrGet("href") or "")
        return f'<a href="{_escape(href)}" rel="noopener noreferrer">' if _WEB.match(href) else "<a>"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"]).disable("image")


def _clean_tokens(found: Iterable[Token]) -> None:
    """Clean what entities such as ``&#8238;`` have become, and take every attribute that steers anything."""
    for token in found:
        token.content = clean(token.content)
        token.info = ""
        token.attrs = {name: value for name, value in token.attrs.items() if name in ("href", "start")}
        _clean_tokens(token.children or ())


def themes(found: Mapping[str, Any], chosen: str) -> tuple[Theme, Theme]:
    """Which themes a page has: the one a user chose for its own side, octui's own for the other; dark, then light."""
    own = found.get(chosen)
    dark = own if own is not None and own.dark else found["octui-dark"]
    light = own if own is not None and not own.dark else found["octui-light"]
    return dark, light
