from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from octui.demo.model_server import ModelServer, provider_config
from octui.demo.script import Script, ToolCall, Turn


def _body(prompt: str, *, stream: bool = True, tools: bool = True, answers: int = 0, model: str = "m1") -> bytes:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "s"}, {"role": "user", "content": prompt}]
    messages += [{"role": "assistant", "content": "…"}] * answers
    body: dict[str, Any] = {"model": model, "stream": stream, "messages": messages}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": "bash"}}]
    return json.dumps(body).encode()


def _post(server: ModelServer, body: bytes) -> bytes:
    request = urllib.request.Request(
        f"{server.base_url}/chat/completions", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        data: bytes = response.read()
        return data


def _chunks(stream: bytes) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in stream.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def _text(stream: bytes) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in _chunks(stream))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def test_a_streamed_answer_has_reasoning_text_calls_a_reason_and_usage(server: ModelServer) -> None:
    chunks = _chunks(_post(server, _body('THINK:hm\nSAY:hello\nSLOW:2:0\nTOOL:bash:{"command":"é"}')))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [delta for delta in deltas if "content" in delta] == [{"content": "hel"}, {"content": "lo"}]
    assert {"reasoning_content": "hm"} in deltas
    (call,) = next(delta["tool_calls"] for delta in deltas if "tool_calls" in delta)
    assert call["function"] == {"name": "bash", "arguments": '{"command": "é"}'}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_half_an_emoji_is_sent_escaped_as_javascript_does(server: ModelServer) -> None:
    prompt = r'SAY:"half \ud83d"' + "\n" + r'TOOL:bash:{"command":"echo \ud83d"}'
    stream = _post(server, _body(prompt))
    assert rb'"content": "half \ud83d"' in stream
    assert rb"echo \ud83d" in stream
    assert rb'"content": "half \ud83d"' in _post(server, _body(prompt, stream=False))


def test_an_answer_can_come_at_once(server: ModelServer) -> None:
    answer = json.loads(_post(server, _body("SAY:hello\nUSAGE:7:3:2:1", stream=False)))
    assert answer["choices"][0]["message"]["content"] == "hello"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }


def test_the_turn_is_read_off_the_conversation(server: ModelServer) -> None:
    prompt = "TOOL:bash:{}\nSAY:after"
    assert _text(_post(server, _body(prompt, answers=1))) == "after"
    assert _text(_post(server, _body(prompt, answers=0))) == ""


def test_a_request_for_a_title_is_answered_briefly_and_not_recorded(server: ModelServer) -> None:
    title = _text(_post(server, _body("FAIL:500\nSTALL:100", tools=False)))
    assert title
    assert "\n" not in title
    assert server.requests == []


def test_scripts_are_chosen_by_marker_or_by_model() -> None:
    scripts = [Script("alpha", [Turn(text="A")], title="First"), Script("m2", [Turn(calls=(ToolCall("t", {}),))])]
    with ModelServer(scripts) as server:
        assert _text(_post(server, _body("do alpha now"))) == "A"
        assert _text(_post(server, _body("do alpha now", tools=False))) == "First"
        assert _chunks(_post(server, _body("x", model="m2")))[-1]["choices"][0]["finish_reason"] == "tool_calls"
        assert _text(_post(server, _body("neither"))) == "Done."


def test_what_was_asked_is_recorded_to_the_letter(server: ModelServer) -> None:
    prompt = '--dash "quoted"\nüñí\t\\n' + "x" * 400_000
    _post(server, _body(prompt))
    (request,) = server.requests
    assert request.prompt == prompt
    assert request.tools == ["bash"]
    assert request.system == "s"


@pytest.mark.parametrize("status", [401, 402, 429, 500])
def test_a_failure_is_an_http_error_with_a_body(server: ModelServer, status: int) -> None:
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as caught:
            _post(server, _body(f"FAIL:{status}"))
        assert caught.value.code == status
        assert json.load(caught.value)["error"]["code"] == status


def test_a_failure_that_passes_is_counted_by_conversation(server: ModelServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _post(server, _body("FAIL:503:1:7\nSAY:one"))
    assert caught.value.headers["Retry-After"] == "7"
    with pytest.raises(urllib.error.HTTPError):
        _post(server, _body("FAIL:503:1:7\nSAY:two"))
    assert _text(_post(server, _body("FAIL:503:1:7\nSAY:one"))) == "one"


def test_a_cut_connection_breaks_in_the_middle_of_the_answer(server: ModelServer) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        _post(server, _body("SAY:half an\nCUT"))
    assert b"half an" in caught.value.partial
    assert b"[DONE]" not in caught.value.partial


def test_sixteen_streams_are_served_at_the_same_time(server: ModelServer) -> None:
    together = threading.Barrier(16)
    served = ModelServer.pause

    def pause(self: ModelServer, seconds: float) -> None:
        # Passes only once all sixteen requests are in the middle of their answers.
        together.wait(timeout=10)
        served(self, 0)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(16) as pool:
        patch.setattr(ModelServer, "pause", pause)
        texts = list(pool.map(lambda n: _text(_post(server, _body(f"SAY:{n}"))), range(16)))
    assert texts == [str(n) for n in range(16)]


def test_a_stalled_answer_does_not_hold_up_the_end_of_the_server() -> None:
    with ThreadPoolExecutor(1) as pool:
        with ModelServer() as server:
            answer = pool.submit(_post, server, _body("STALL:3600"))
            server.wait_for_requests(1, timeout_s=10)
        assert isinstance(answer.exception(timeout=10), http.client.RemoteDisconnected)


def test_waiting_for_requests_that_do_not_come_ends() -> None:
    with ModelServer() as server, pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for_requests(1, timeout_s=0)


def test_a_directive_that_makes_no_sense_is_told_to_the_caller(server: ModelServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _post(server, _body("FAIL:often"))
    assert caught.value.code == 400
    assert "FAIL:often" in json.load(caught.value)["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null"])
def test_a_body_that_is_no_request_is_refused(server: ModelServer, body: bytes) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _post(server, body)
    assert caught.value.code == 400


def test_models_are_listed_and_nothing_else_is_served(server: ModelServer) -> None:
    with urllib.request.urlopen(f"{server.base_url}/models", timeout=10) as response:
        assert [model["id"] for model in json.load(response)["data"]] == ["m1"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.base_url}/other", timeout=10)


def test_the_provider_config_names_the_server_and_its_model(server: ModelServer) -> None:
    config = provider_config(server.base_url)
    provider, model = config["model"].split("/")
    assert config["provider"][provider]["options"]["baseURL"] == server.base_url
    assert model in config["provider"][provider]["models"]
