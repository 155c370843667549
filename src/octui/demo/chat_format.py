"""The OpenAI chat format, as far as opencode's ``@ai-sdk/openai-compatible`` provider reads it (pure)."""

from __future__ import annotations

import json
from typing import Any

from octui.demo.script import Failure, Request, Turn, Usage

_COMPLETION_ID = "chatcmpl-scripted"


def usage_of(turn: Turn, request: Request) -> Usage:
    """The token counts of an answer: those its script gives, or about one token every four characters."""
    if turn.usage is not None:
        return turn.usage
    calls = "".join(json.dumps(dict(call.arguments)) for call in turn.calls)
    asked = len(json.dumps(request.messages, ensure_ascii=False))
    return Usage(asked // 4, (len(turn.text) + len(calls)) // 4 + 1, len(turn.reasoning) // 4)


def deltas_before_text(turn: Turn) -> list[dict[str, Any]]:
    """The first chunks of a streamed answer: its role, and its reasoning where it has one."""
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    if turn.reasoning:
        deltas.append({"reasoning_content": turn.reasoning})
    return deltas


def tool_calls(turn: Turn, number: int) -> list[dict[str, Any]]:
    """The calls of the answer number ``number`` of a conversation; their ids are unique in it."""
    return [
        {
            "index": index,
            "id": f"call_{number}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
        }
        for index, call in enumerate(turn.calls)
    ]


def chunk(model: str, delta: dict[str, Any], finish_reason: str | None = None, usage: Usage | None = None) -> bytes:
    """One server-sent event of a streamed answer."""
    body: dict[str, Any] = {
        "id": _COMPLETION_ID,
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    if usage is not None:
        body["usage"] = _usage(usage)
    return b"data: " + encode(body) + b"\n\n"


def encode(body: Any) -> bytes:
    """Encode JSON as JavaScript does: lone surrogates, which UTF-8 cannot represent, are escaped."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


STREAM_END = b"data: [DONE]\n\n"
"""The last server-sent event of a streamed answer."""


def completion(model: str, turn: Turn, number: int, usage: Usage) -> dict[str, Any]:
    """The whole answer at once, for a request that does not stream."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = tool_calls(turn, number)
    return {
        "id": _COMPLETION_ID,
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": turn.finish_reason}],
        "usage": _usage(usage),
    }


def error_body(failure: Failure) -> dict[str, Any]:
    """The body of an HTTP error."""
    return {"error": {"message": failure.message, "type": "scripted_error", "code": failure.status}}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
