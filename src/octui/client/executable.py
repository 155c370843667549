"""Why an executable does not run, in words: the system's own say `No such file` of a file that is there."""

from __future__ import annotations

import errno
import re
import signal
from pathlib import Path

from octui.program_output import reason

HEAD_BYTES = 4096
_LOADER = re.compile(rb"/[\x21-\x7e]*/(?:ld-[\w.-]+|ld\.so[\w.]*|ld[\w.-]*\.so[\w.]*)(?=\0)")
"""The path of a dynamic linker, as it stands near the start of an ELF file."""

_NO_INTERPRETER = "its first line names {}, which is not there"
_ILLEGAL = "; it may be built for another processor"


def start_failure(path: Path, error: OSError) -> str:
    """Say why the system did not start an executable, as part of a sentence.

    Args:
        path: The executable.
        error: What starting it raised.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return error.strerror or str(error)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n", 1)[0]
        interpreter = (line.split() or [b""])[0].decode("utf-8", "replace")
        if error.errno == errno.ENOENT and line.endswith(b"\r"):
            return f"{_NO_INTERPRETER.format(interpreter)} with the Windows line end it has"
        if error.errno == errno.ENOENT:
            return _NO_INTERPRETER.format(interpreter)
        if error.errno == errno.EACCES:
            return f"it, or {interpreter}, which its first line names, may not be executed"
    if error.errno == errno.ENOENT and (loader := _LOADER.search(head)):
        return f"its dynamic linker {loader[0].decode()} is not there; it is built for another system"
    if error.errno == errno.ENOEXEC:
        kind = "it is built for another processor or system" if head.startswith(b"\x7fELF") else "it is no program"
        return f"{kind} ({error.strerror})"
    return error.strerror or str(error)


def run_failure(exit_code: int, output: str) -> str:
    """Say how a program failed that was started, as part of a sentence.

    Args:
        exit_code: Negative where a signal ended it.
        output: What it printed of the reason.
    """
    how = f"exit code {exit_code}"
    if exit_code < 0:
        name = signal.Signals(-exit_code).name if -exit_code in {*signal.Signals} else str(-exit_code)
        how = f"signal {name}{_ILLEGAL if name == 'SIGILL' else ''}"
    why = reason(output)
    return f"{how}: {why}" if why else how
