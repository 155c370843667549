"""What screens and supervisor say to each other: one JSON object a line, either way.

A screen sends a `Hello` first and gets a `Welcome`; after that every request has an ``id`` and gets one `Done` or
`Refused` with the same ``id``. Requests are worked on side by side, so their answers come in any order. What happens in
the session is read from its folder, never sent here.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import msgspec
from msgspec import Struct

from octui.encoding import decode_json, encode_json
from octui.recording.facts import Attention

MAX_LINE_BYTES = 1 << 22
"""A longer line is refused, and the connection closed."""

PROTOCOL = 2
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


class Reply(Message, frozen=True, kw_only=True, tag="reply"):
    """Answer a permission with ``once``, ``always`` or ``reject``; a message lets the model go on after a rejection."""

    id: int
    run: str
    request: str
    reply: Literal["once", "always", "reject"]
    message: str = ""


class Answer(Message, frozen=True, kw_only=True, tag="answer"):
    """Answer questions, each with labels or words of one's own; None dismisses them."""

    id: int
    run: str
    request: str
    answers: list[list[str]] | None = None


class Send(Message, frozen=True, kw_only=True, tag="send"):
    """Ask a run something more; while it works, it comes next. A run that is over goes on with it.

    ``files`` are paths, relative ones from the run's folder; ``model`` and ``agent`` hold for this prompt and those
    after it, empty for those before.
    """

    id: int
    run: str
    text: str
    files: list[str] = []
    model: str = ""
    agent: str = ""


class Abort(Message, frozen=True, kw_only=True, tag="abort"):
    """End what a run does now; the run stays, to be asked more."""

    id: int
    run: str


class Fork(Message, frozen=True, kw_only=True, tag="fork"):
    """Make a new run that goes on from where a run stands, and ask it something."""

    id: int
    run: str
    text: str


class Revert(Message, frozen=True, kw_only=True, tag="revert"):
    """Take back what a run changed since its last prompt; ``undo`` brings it back."""

    id: int
    run: str
    undo: bool = False


class Settle(Message, frozen=True, kw_only=True, tag="settle"):
    """Do something with what a run that is over changed in its worktree.

    ``how`` is what `octui.workspace.settle.settle` takes; ``message`` is for a commit. ``anyway`` goes on where files
    hold work of the user's that is in no commit.
    """

    id: int
    run: str
    how: Literal["kept", "applied", "committed", "discarded"]
    message: str = ""
    anyway: bool = False


class Acknowledge(Message, frozen=True, kw_only=True, tag="acknowledge"):
    """Say that somebody has seen why a run wants to be looked at; what it asks has to be answered instead."""

    id: int
    run: str
    reasons: list[Attention]


class Choices(Message, frozen=True, kw_only=True, tag="choices"):
    """Ask which models and agents a run can have."""

    id: int
    run: str


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
    """The request was not carried out; ``why`` is one sentence. ``id`` 0 answers a line that was no request.

    ``kind`` tells what a screen may ask about: ``uncommitted`` work of the user's in ``files``, or a ``conflict``.
    """

    id: int
    why: str
    hint: str = ""
    kind: Literal["", "uncommitted", "conflict"] = ""
    files: list[str] = []


class Offered(Message, frozen=True, kw_only=True, tag="offered"):
    """The models, as ``provider/model``, and agents that `Choices` asked for."""

    id: int
    models: list[str] = []
    agents: list[str] = []


class Forked(Message, frozen=True, kw_only=True, tag="forked"):
    """The name of the run that `Fork` made."""

    id: int
    run: str


Order = Stop | Restart | Shutdown | Reply | Answer | Send | Abort | Fork | Revert | Settle | Acknowledge | Choices
"""What a screen may ask for once it has said hello."""

Request = Hello | Order
Response = Welcome | Done | Refused | Offered | Forked

_request_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_response_decoder: msgspec.json.Decoder[Response] = msgspec.json.Decoder(Response)

encode = encode_json
decode_request = partial(decode_json, decoder=_request_decoder)
decode_response = partial(decode_json, decoder=_response_decoder)
