"""What other programs print, made fit to stand in a sentence.

A program's output becomes a reason in many places (git, npm, opencode, its servers, set-up commands). All of them come
here: for the lines that tell the cause, and without anything that acts on a terminal. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_LINES = 3
"""Lines of a program's output that one sentence quotes at most."""

LONGEST_LINE = 400
"""Characters of such a line: enough for a path and a URL."""

ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, clear
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])"  # OSC, DCS and kin; no other begins in one
    r"[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"  # two-byte sequences
)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LINE_ENDS = re.compile("\r?\n|[\x0b\x0c\x85\u2028\u2029]")

_LEAD = re.compile(r"^(?:npm (?:error|ERR!)\s*|(?:fatal|error): (?=\S))")
"""What only says that a line is about an error."""

_ASIDE = re.compile(
    r"^(?:hint:|warning\b|warn\b|npm (?:warn|notice)\b|note:|info\b|debug\b|level=(?:INFO|DEBUG|WARN)\b)"
    r"|^\S*T\S+ \S* ?(?:level=)?(?:INFO|DEBUG|WARN)\b"  # A log's line.
    # Of git: what follows from an error that was told before, and what it does meanwhile.
    r"|the remote end hung up|early EOF|index-pack failed|fetch-pack: |pack-objects died|external filter .* failed$"
    r"|could not read from remote repository|correct access rights|^and the repository exists"
    r"|^(?:Preparing worktree|HEAD is now at|Updating files|Filtering content|Downloading \S+ \(|Cloning into)\b"
    # Of npm: codes beside the sentence that says the same, and what can be done.
    r"|^npm (?:error|ERR!)\s*(?:(?:code|errno|syscall|path|dest|command|signal|cwd|spawnargs)\b|\w+: ['\d]|$)"
    r"|complete log of this run|behind a proxy, please|npm help config"
    # Of interpreters and build tools: where in themselves an error came up.
    r"|^(?:npm (?:error|ERR!)\s+)?at .*(?:[(:]\S+:\d+|<anonymous>|\bnative\b)|^\^[~^ ]*$|^Node\.js v\d"
    r"|^(?:npm (?:error|ERR!)\s+)?[\[\]{}()]+[,;]?$|^(?:code|errno|syscall|address|port|requireStack): ['\d\[]"
    r"|^throw \w+;?$|^node:\w"
    r"|^(?:g?make|ninja)(?:\[\d+\])?: (?:\*\*\*|Entering|Leaving)|\bELIFECYCLE\b",
    re.IGNORECASE,
)
"""Lines that tell no cause: consequences, advice, progress and stack frames."""

_CAUSE = re.compile(
    r"not found|no such (?:file|device|host)|permission denied|not permitted|no space left|read-only file system"
    r"|quota exceeded|too many open files|out of memory|cannot allocate|connection (?:refused|reset|closed)"
    r"|could not resolve|name resolution|unable to (?:access|connect|resolve|create|read|write)|certificate"
    r"|authentication failed|unauthori[sz]ed|forbidden|access denied|timed? ?out|exec format"
    r"|cannot (?:open|find|execute)|could not (?:find|open)|not installed|is missing|unknown (?:option|command)"
    r"|unknown revision|\bat line \d"
    r"|(?-i:\bE(?:NOENT|ACCES|PERM|EXIST|NOSPC|MFILE|TIMEDOUT|NOTFOUND|CONN[A-Z]+|404|TARGET|RESOLVE|INTEGRITY)\b)"
    r"|already (?:exists|checked out|used|in use)|segmentation fault|illegal instruction|invalid|undefined reference",
    re.IGNORECASE,
)
_ERROR = re.compile(r"\b(?:fatal|panic|abort(?:ed)?|failed|failure|cannot|could not|unable)\b|error\b", re.IGNORECASE)

_QUOTES = {"--- JSONC Input ---": True, "--- Errors ---": False, "--- End ---": False}
"""How opencode 1.18 begins to quote a configuration that it cannot read, and ends."""

_TRACEBACK = "Traceback (most recent call last):"


def plain_text(text: str) -> str:
    """Give text as it would stand on a terminal that knows no colours.

    Escape sequences and control bytes are left out, lines that were written over (progress) too; line ends become
    ``\\n``.
    """
    if "\x1b" in text or "\x9b" in text or not text.isprintable():
        text = _LINE_ENDS.sub("\n", ESCAPE_SEQUENCES.sub("", text))
        if "\r" in text:
            text = "\n".join(_last_written(row) for row in text.split("\n"))
        text = _CONTROLS.sub("", text)
    return text


def telling_lines(output: str | bytes, most: int = MOST_LINES) -> list[str]:
    """Pick the lines of a program's output that tell why it failed, in the order in which they came.

    Consequences, advice, progress and stack frames tell nothing, nor does what comes before the first line that tells
    of an error. If more than ``most`` are left, the first that name a cause are taken, and the last that tells of an
    error; without any such line, the last ones.

    Args:
        output: What it printed; bytes that are no UTF-8 are replaced.
        most: How many lines at most.

    Returns:
        Plain lines, none of them empty; no line where it printed nothing.
    """
    text = plain_text(output if isinstance(output, str) else output.decode("utf-8", "replace"))
    rows = [*dict.fromkeys(" ".join(row.split()) for row in _without_quotes(text.split("\n")))]
    rows = [row for row in rows if row]
    rows = [row for row in rows if not _ASIDE.search(row)] or rows[-most:]
    causes = {number for number, row in enumerate(rows) if _CAUSE.search(row)}
    telling = [number for number, row in enumerate(rows) if number in causes or _ERROR.search(row)]
    if telling:
        rows = rows[telling[0] :]
    if len(rows) > most:
        numbers = [number - telling[0] for number in telling if number in causes or not causes or number == telling[-1]]
        rows = [rows[number] for number in sorted({*numbers[: most - 1], *numbers[-1:]})] or rows[-most:]
    return [_short(_LEAD.sub("", row)) for row in rows]


def reason(output: str | bytes, most: int = MOST_LINES) -> str:
    """Give `telling_lines` as part of a sentence, on one line and without a full stop; empty where there are none."""
    return "; ".join(row.rstrip(".;:") for row in telling_lines(output, most))


def _without_quotes(rows: Iterable[str]) -> list[str]:
    """Leave out code: of Python's tracebacks all but the exception, and configuration that opencode quotes.

    The latter may hold keys.
    """
    kept: list[str] = []
    inside = quotes = False
    for row in rows:
        if row.strip() in _QUOTES:
            quotes = _QUOTES[row.strip()]
        elif quotes:
            continue
        elif row.strip().endswith(_TRACEBACK):
            inside = True
        elif inside and (row.startswith((" ", "\t")) or not row.strip()):
            continue
        else:
            inside = False
            kept.append(row)
    return kept


def _last_written(row: str) -> str:
    """What of a line was not written over by what came after a carriage return."""
    return next((part for part in reversed(row.split("\r")) if part.strip()), "")


def _short(row: str) -> str:
    return row if len(row) <= LONGEST_LINE else f"{row[:LONGEST_LINE]}…"
