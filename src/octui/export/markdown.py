"""A transcript as Markdown.

What a model or a tool wrote cannot become markup of the document: texts stand in fences that are longer than any in
them, words in lines have the signs of Markdown escaped. An answer, which is Markdown itself, is quoted where it holds
nothing but plain Markdown, and stands in a fence where it holds HTML, images or addresses that are no web pages.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from octui.client.serve.events import Permission
from octui.export import words
from octui.export.transcript import (
    AnyEntry,
    Asked,
    Called,
    Failed,
    Other,
    Requested,
    RunHead,
    Said,
    Thought,
    Transcript,
)
from octui.recording.facts import RunState
from octui.tui.requests import in_words, subject
from octui.tui.text import clean, clean_line

MAX_MARKDOWN = 60_000
"""A longer answer, in characters, is not looked through; it stands in a fence."""

_SIGNS = re.compile(
    r"[\\`*_\[\]<>|~#@&$]"  # wherever they stand
    r"|(?<=\b[Ww]{3})\.|:(?=//)"  # where an address would become a link
    r"|^[-+=:]|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$)|(?<=^\d{3})[.)](?=\s|$)"  # where a list would begin
)
_FENCES = re.compile(r"`{3,}")
_TICKS = re.compile(r"`+")
_HALF = re.compile(r"<[A-Za-z/!?]|\]\(")
_WEB = re.compile(r"https?://[^\s<>]+\Z", re.IGNORECASE)


def write(transcript: Transcript) -> Iterator[str]:
    """Give the document piece by piece."""
    head = transcript.head
    yield f"# {escape(head.name)}\n\n{escape(words.about(head))}\n\n"
    heads = words.heads_of(transcript.runs)
    yield f"| run | state | {' | '.join(heads)} |\n|---|---|{'--:|' * len(heads)}\n"
    for run in transcript.runs:
        cells = [run.name, words.state_of(run), *words.cells_of(run, heads)]
        yield f"| {' | '.join(map(escape, cells))} |\n"
    yield f"\n{escape(words.sums_of(transcript.runs))}\n"
    for run in transcript.runs:
        yield from _run_head(run)
        for entry in transcript.entries(run.name):
            yield from _entry(entry)
        yield from _changes(run)


def _run_head(run: RunHead) -> Iterator[str]:
    yield f"\n## {escape(run.name)}\n\n**{escape(words.state_of(run))}**"
    state = RunState(run.state)
    reason = clean_line(state.because(run.error)).removeprefix(state.because(""))
    yield f"{reason[:1]}{escape(reason[1:])}\n\n"  # A colon or a space, if anything.
    for reason in run.attention:
        yield f"- {escape('◆')} {escape(clean_line(reason))}\n"
    for name, value in words.facts_of(run):
        yield f"- {name}: {code(value)}\n"
    for name, value in run.overrides.items():
        yield f"- {escape(name)}: {code(clean_line(words.readable(value)))}\n"


def _entry(entry: AnyEntry) -> Iterator[str]:
    match entry:
        case Asked(text=text):
            yield f"\n### Prompt\n\n{fence(clean(text))}"
        case Said(text=text):
            yield f"\n### Answer\n\n{_answer(clean(text))}"
        case Thought(text=text):
            yield f"\n{_folded('Reasoning')}{fence(clean(text))}</details>\n"
        case Called():
            yield from _call(entry)
        case Failed(name=name, message=message):
            yield f"\n**✗ {escape(clean_line(name))}**\n\n{fence(clean(message))}"
        case Requested():
            yield from _request(entry)
        case Other(type=kind, value=value):
            yield f"\n{_folded(clean_line(kind))}{fence(words.readable(value))}</details>\n"
        case _:
            if note := words.note_of(entry):
                yield f"\n*{escape(note)}*\n"


def _call(call: Called) -> Iterator[str]:
    said = f"{call.tool} {clean_line(call.title)}".strip()
    outcome = words.outcome_of(call)
    yield f"\n{_folded(f'{said} · {outcome}' if outcome else said)}"
    for name, value in words.given(call):
        yield f"{escape(name)}: {code(value)}\n\n" if _is_short(value) else f"{escape(name)}:\n\n{fence(value)}\n"
    for todo in call.todos:
        yield f"- {words.todo_sign(todo.status)} {escape(clean_line(todo.content))}\n"
    for change in call.changes:
        yield f"{code(clean_line(change.file))}\n\n" if change.file else ""
        yield f"{fence(clean(change.patch), 'diff')}\n"
    if call.error:
        yield f"error:\n\n{fence(clean(call.error))}\n"
    if call.output.strip() and not call.changes and not call.todos:
        yield f"output:\n\n{fence(clean(call.output))}\n"
    yield "</details>\n"


def _request(request: Requested) -> Iterator[str]:
    answer = clean_line(request.answer) or "not answered"
    if request.permission is not None:
        yield f"\n**◆ Asked for a permission:** {escape(in_words(request.permission))}\n\n"
        about = clean(subject(request.permission))
        yield fence(about) if not _is_short(about) else ""
        yield _diff_of(request.permission)
    for item in request.questions:
        yield f"\n**◆ Asked:** {escape(clean_line(item.question))}\n\n"
        for option in item.options:
            described = f": {clean_line(option.description)}" if option.description else ""
            yield f"- {escape(clean_line(option.label))}{escape(described)}\n"
    yield f"\n**Answer:** {escape(answer)}\n"


def _diff_of(permission: Permission) -> str:
    diff = permission.metadata.get("diff") or permission.metadata.get("patch")
    return fence(clean(diff), "diff") if isinstance(diff, str) else ""


def _changes(run: RunHead) -> Iterator[str]:
    if run.changes:
        yield "\n### Changed\n\n"
    for change in run.changes:
        yield f"{_folded(f'{clean_line(change.file)} · +{change.additions} −{change.deletions}')}"
        yield f"{fence(clean(change.patch), 'diff')}</details>\n\n"


def _folded(title: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>\n\n"  # In HTML the signs of Markdown are none.


def _is_short(text: str) -> bool:
    return "\n" not in text and len(text) <= 200


def _answer(text: str) -> str:
    return quote(text) if is_plain(text) else fence(text, "markdown")


def is_plain(text: str) -> bool:
    """Whether clean Markdown holds words, lists, tables, code and links to web pages only."""
    if len(text) > MAX_MARKDOWN:
        return False
    environment: dict[str, object] = {}
    tokens_of = _parser().parse(text, environment)
    return not environment.get("references") and all(map(_is_harmless, _flat(tokens_of)))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")


def _flat(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from _flat(token.children or [])


def _is_harmless(token: Token) -> bool:
    if token.type in ("html_block", "html_inline", "image"):
        return False
    if token.type == "text" and _HALF.search(token.content):
        return False  # Not understood here as what it may be elsewhere.
    return token.type != "link_open" or bool(_WEB.match(str(token.attrGet("href") or "")))


def quote(text: str) -> str:
    """Put Markdown into a quotation, which ends every block that it leaves open."""
    return "".join(f"> {row}".rstrip() + "\n" for row in text.strip("\n").split("\n"))


def fence(text: str, language: str = "") -> str:
    """Put clean text into a fence that nothing in it can end."""
    longest = max((len(found) for found in _FENCES.findall(text)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{language}\n{text.removesuffix(chr(10))}\n{marks}\n"


def code(text: str) -> str:
    """Put a clean line into a span of code that nothing in it can end."""
    longest = max((len(found) for found in _TICKS.findall(text)), default=0)
    marks = "`" * (longest + 1)
    space = " " if {text[:1], text[-1:]} & {"`", " "} else ""
    return f"{marks}{space}{text}{space}{marks}"


def escape(text: str) -> str:
    """Make a clean line words and nothing else."""
    return _SIGNS.sub(r"\\\g<0>", text)
