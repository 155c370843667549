"""What screens and supervisor say to each other: one JSON object a line, either way.

A screen sends a `Hello` first and gets a `Welcome`; after that every request has an ``id`` and gets one `Done` or
`Refused` with the same ``id``. What happens in the session is read from its folder, never sent here.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

MAX_LINE_BYTES = 65_536
"""A longer line is refused, and the connection closed."""

PROTOCOL = 1
"""Raised when an older peer could misunderstand a newer one."""


class Message(Struct, frozen=True, kw_only=True, tag_field="do", omit_defaults=True):
    """Base of all messages."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """A screen introduces itself."""

    protocol: int = PROTOCOL
    octui: str = ""


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    """End a run and its whole process tree; a queued run is never started. ``run`` None means all."""

    id: int
    run: str | None = None


class Restart(Message, frozen=True, kw_only=True, tag="restart"):
    """Start a finished run anew, or end a live one and start it anew."""

    id: int
    run: str


class Shutdown(Message, frozen=True, kw_only=True, tag="shutdown"):
    """Stop all runs and end the session."""

    id: int


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The supervisor introduces itself."""

    session: str
    pid: int
    protocol: int = PROTOCOL
    octui: str = ""


class Done(Message, frozen=True, kw_only=True, tag="done"):
    """The request was carried out."""

    id: int


class Refused(Message, frozen=True, kw_only=True, tag="refused"):
    """The request was not carried out; ``why`` is one sentence. ``id`` 0 answers a line that was no request."""

    id: int
    why: str


Request = Hello | Stop | Restart | Shutdown
Reply = Welcome | Done | Refused

encode = msgspec.json.Encoder().encode

_request_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reply_decoder: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
decode_request = _request_decoder.decode
decode_reply = _reply_decoder.decode
