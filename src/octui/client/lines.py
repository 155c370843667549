"""Framing: chunks of bytes in, whole lines out."""

from __future__ import annotations


class LineFramer:
    """Cuts a stream of bytes into lines of any length; costs time in proportion to the bytes, however they are cut."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk; give the lines it completes, without their ends, empty ones left out."""
        *complete, rest = chunk.split(b"\n")
        if complete:
            complete[0] = b"".join([*self._tail, complete[0]])
            self._tail.clear()
        if rest:
            self._tail.append(rest)
        return [line for line in complete if line.strip()]

    def end(self) -> list[bytes]:
        """Give the last line, where the stream ended without its end."""
        rest = b"".join(self._tail)
        self._tail.clear()
        return [rest] if rest.strip() else []
