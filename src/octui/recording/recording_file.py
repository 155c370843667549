"""A recording as somebody made it: any name and encoding, behind other lines, an export or a log, a file or a pipe.

What cannot be read where it is goes to a private temporary file, which is removed as soon as it is open.
"""

from __future__ import annotations

import codecs
import json
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from octui import temporary
from octui.errors import RecordingError
from octui.recording.exported import SUFFIX as EXPORT_SUFFIX
from octui.recording.exported import Exported
from octui.recording.exported import read as read_export
from octui.recording.layout import LOG_SUFFIX

STDIN = "-"
"""What stands for stdin instead of a file, as with most programs."""

STDIN_PATH = Path("/dev/stdin")
CHUNK_BYTES = 1 << 18
HEAD_BYTES = 1 << 16
PIPED = "recording"
"""What a recording is called that has no name of its own."""

_EXPORT = re.compile(rb'^\s*\{\s*"(?:info|messages)"\s*:', re.MULTILINE)
"""How an export begins. The lines of a log begin with their types."""

_EVENT = re.compile(rb'^\s*\{\s*"type"\s*:', re.MULTILINE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A recording that can be read as a log.

    Attributes:
        name: What it is called.
        log: Where its events are, a line each.
        exported: The session it was exported from; None for a log.
    """

    name: str
    log: Path
    exported: Exported | None = None


@contextmanager
def opened(path: Path) -> Iterator[RecordingFile]:
    """Have a recording as a log for as long as the block runs; whoever has that open by then can go on reading it.

    Args:
        path: A file, a named pipe, or what a shell makes of ``<(…)``.

    Raises:
        RecordingError: It is neither, or an export that was cut off.
        OSError: It cannot be read.
    """
    mode = path.stat().st_mode
    is_pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if not is_pipe and not stat.S_ISREG(mode):
        raise RecordingError(f"{path} is no recording: it is neither a file nor a pipe.")
    name = PIPED if is_pipe or path == STDIN_PATH else path.stem
    with ExitStack() as stack:
        place = path
        if is_pipe:
            file = stack.enter_context(_temporary())
            with path.open("rb") as pipe:
                _copy(pipe, file)
            place = Path(file.name)
        if encoding := _encoding(place):
            file = stack.enter_context(_temporary())
            _transcode(place, encoding, file)
            place = Path(file.name)
        exported = _export(path, place)
        if exported is not None:
            file = stack.enter_context(_temporary())
            file.write(exported.log)
            file.flush()
            place = Path(file.name)
        yield RecordingFile(name, place, exported)


def _temporary() -> IO[bytes]:
    return tempfile.NamedTemporaryFile(prefix=temporary.prefix("recording"), suffix=LOG_SUFFIX)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
    target.flush()


def _encoding(path: Path) -> str:
    """The encoding a file has to be read in; empty where it is UTF-8 with no mark, as opencode writes it."""
    with path.open("rb") as file:
        head = file.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head[:1] == b"\0":  # Without a mark: the first letter of JSON, or of a line before it, is ASCII.
        return "utf-16-be"
    return "utf-16-le" if head[1:2] == b"\0" else ""


def _transcode(source: Path, encoding: str, target: IO[bytes]) -> None:
    with source.open("r", encoding=encoding, errors="replace", newline="") as text:
        begin = text.read(1)
        target.write(begin.removeprefix("\ufeff").encode())
        while chunk := text.read(CHUNK_BYTES):
            target.write(chunk.encode("utf-8", "replace"))
    target.flush()


def _export(path: Path, place: Path) -> Exported | None:
    """Read what was exported; None for a log.

    Raises:
        RecordingError: It was cut off.
    """
    with place.open("rb") as file:
        head = file.read(HEAD_BYTES)
        begins, event = _EXPORT.search(head), _EVENT.search(head)
        is_export = begins is not None and (event is None or begins.start() < event.start())
        if not is_export and path.suffix.lower() != EXPORT_SUFFIX:
            return None
        data = head + file.read()
    start = begins.start() if begins is not None and is_export else 0
    data = data[start:]
    found = read_export(data) or read_export(data[: data.rfind(b"}") + 1])
    if found is None and is_export:
        _refuse_cut(path, data)
    return found


def _refuse_cut(path: Path, data: bytes) -> None:
    """Say of an export that is no JSON where it ends, or what is wrong.

    Raises:
        RecordingError: It is none.
    """
    text = data.decode("utf-8", "replace").strip()
    try:
        json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return
    except json.JSONDecodeError as error:
        hint = "Export it again, into a file: `opencode export SESSION > session.json`."
        if error.pos >= len(text) or not text.endswith("}") or error.msg.startswith("Unterminated string"):
            where = f"it ends after {len(data):,} bytes, in line {text.count(chr(10)) + 1}"
            raise RecordingError(f"{path} is an export of opencode's that was cut off: {where}.", hint=hint) from None
        where = f"line {error.lineno}, column {error.colno}"
        raise RecordingError(f"{path} is an export of opencode's that is damaged in {where}.", hint=hint) from None
