"""The adapter for the API of opencode 1.x: its paths and shapes, as ``GET /doc`` of 1.18 describes them."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
import httpx
import httpx_sse
import msgspec

from octui.client import compat
from octui.client.compat import INTERNAL_AGENTS, SERVER_USER
from octui.client.environment import PASSWORD, USERNAME
from octui.client.lenient_json import DecodeError, as_count, decode, fit
from octui.client.serve import v1_events
from octui.client.serve.api import SILENCE_S, PromptOptions, Received
from octui.client.serve.events import Answers, FileDiff, Rule
from octui.encoding import encode_json
from octui.errors import ServerError

CONNECT_S = 10.0
ANSWER_S = 60.0
"""An answer may take so long where a server is busy with many sessions."""

COMMAND_S = 5.0
"""A command answers when it is done; whether it was taken is known sooner."""

SUMMARY_S = 2.0
"""What a turn changed is summed up after its end, within so many seconds."""

SUMMARY_POLL_S = 0.1

ELSEWHERE = "elsewhere"
"""How a request was answered of which nobody told us the answer."""

_SYNC = b'"payload":{"type":"sync"'
"""What is said in other words beside each event; it tells nothing more."""

_TRANSPORT = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, RuntimeError)
"""What asking may raise; the last one where the client was closed meanwhile."""


class V1Api:
    """Talks to one server; see `octui.client.serve.api.ServerApi`.

    Args:
        url: Such as ``http://127.0.0.1:4096``; a user and a password in it are used, and told nobody.
        password: Of HTTP basic authentication; None for none.
        username: Of the same, where the URL names none.
        silence_s: After so many seconds in which the server says nothing its events are listened to anew.

    Raises:
        ServerError: That is no URL of a server.
    """

    def __init__(
        self, url: str, password: str | None = None, username: str = SERVER_USER, *, silence_s: float = SILENCE_S
    ) -> None:
        self.url, user, known = _taken_apart(url)
        self._silence_s = silence_s
        password = known if password is None else password
        auth = httpx.BasicAuth(user or username, password) if password is not None else None
        self._http = httpx.AsyncClient(
            base_url=self.url,
            auth=auth,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
            trust_env=not _is_local(self.url),
        )

    async def version(self) -> str:
        """See `ServerApi`."""
        try:
            found = await self._get("/global/health")
        except ServerError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            found = None
        version = found.get("version") if isinstance(found, dict) else None
        if not isinstance(version, str):
            raise ServerError(f"{self.url} is no opencode server.")
        return version

    async def create_session(
        self, directory: str, *, title: str | None = None, rules: Sequence[Rule] = (), agent: str | None = None
    ) -> str:
        """See `ServerApi`."""
        body = {"title": title, "agent": agent, "permission": [*map(_plain_rule, rules)] or None}
        return _id_of(await self._post("/session", directory, body))

    async def fork_session(self, session_id: str, directory: str) -> str:
        """See `ServerApi`."""
        return _id_of(await self._post(f"/session/{session_id}/fork", directory, {}))

    async def last_session(self, directory: str) -> str | None:
        """See `ServerApi`."""
        found = await self._get("/session", directory)
        sessions = [each for each in _objects(found) if _text(each.get("id")) and not each.get("parentID")]
        newest = max(sessions, key=_updated, default=None)
        return _id_of(newest) if newest else None

    async def set_rules(self, session_id: str, directory: str, rules: Sequence[Rule]) -> None:
        """See `ServerApi`."""
        body = {"permission": [*map(_plain_rule, rules)]}
        await self._ask("PATCH", f"/session/{session_id}", directory, body)

    async def prompt(self, session_id: str, directory: str, text: str, options: PromptOptions) -> None:
        """See `ServerApi`."""
        if options.command is not None:
            await self._command(session_id, directory, text, options)
            return
        parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        body = {
            "agent": options.agent,
            "variant": options.variant,
            "model": _model(options.model),
            "parts": [*parts, *map(_file_part, options.files)],
        }
        await self._post(f"/session/{session_id}/prompt_async", directory, body)

    async def _command(self, session_id: str, directory: str, text: str, options: PromptOptions) -> None:
        """Have a command run; its answer is not waited for, as it comes when all is done."""
        body = {
            "command": options.command,
            "arguments": text,
            "agent": options.agent,
            "model": options.model,
            "variant": options.variant,
            "parts": [*map(_file_part, options.files)] or None,
        }
        with anyio.move_on_after(COMMAND_S):
            await self._post(f"/session/{session_id}/command", directory, body)

    async def abort(self, session_id: str, directory: str) -> None:
        """See `ServerApi`."""
        await self._post(f"/session/{session_id}/abort", directory)

    async def reply_permission(self, request_id: str, directory: str, reply: str, message: str = "") -> None:
        """See `ServerApi`."""
        body = {"reply": reply, "message": message or None}
        await self._post(f"/permission/{request_id}/reply", directory, body)

    async def reply_question(self, request_id: str, directory: str, answers: Answers | None) -> None:
        """See `ServerApi`."""
        if answers is None:
            await self._post(f"/question/{request_id}/reject", directory)
        else:
            await self._post(f"/question/{request_id}/reply", directory, {"answers": [[*each] for each in answers]})

    async def catch_up(self, session_id: str, directory: str, waiting: Collection[str] = ()) -> list[Received]:
        """See `ServerApi`."""
        found: list[Received] = []
        known = {session_id}
        open_requests: set[str] = set()
        unseen = [session_id]
        while unseen:  # A subagent may have subagents of its own.
            for child in _objects(await self._get(f"/session/{unseen.pop()}/children", directory)):
                child_id = _text(child.get("id"))
                if child_id and child_id not in known:
                    known.add(child_id)
                    unseen.append(child_id)
                    found.append(_as_event("session.created", {"sessionID": child_id, "info": child}))
        for each in known:
            found += await self._messages(each, directory)
        for kind, path in (("permission.asked", "/permission"), ("question.asked", "/question")):
            asked = [
                each for each in _objects(await self._get(path, directory)) if _text(each.get("sessionID")) in known
            ]
            open_requests.update(_text(each.get("id")) for each in asked)
            found += [_as_event(kind, each) for each in asked]
        found += [_closed(session_id, request) for request in waiting if request not in open_requests]
        status = _object(await self._get("/session/status", directory)).get(session_id) or {"type": "idle"}
        return [*found, _as_event("session.status", {"sessionID": session_id, "status": status})]

    async def _messages(self, session_id: str, directory: str) -> list[Received]:
        found: list[Received] = []
        for message in _objects(await self._get(f"/session/{session_id}/message", directory)):
            found.append(_as_event("message.updated", {"sessionID": session_id, "info": message.get("info")}))
            for part in _objects(message.get("parts")):
                found.append(_as_event("message.part.updated", {"sessionID": session_id, "part": part}))
        return found

    async def diff(self, session_id: str, directory: str) -> list[FileDiff]:
        """See `ServerApi`."""
        asked, reverted_from = await self._asked(session_id, directory)
        with anyio.move_on_after(SUMMARY_S):
            while asked and "summary" not in asked[-1]:
                await anyio.sleep(SUMMARY_POLL_S)
                asked, reverted_from = await self._asked(session_id, directory)
        turns = [_object(each.get("summary")) for each in asked if not reverted_from or each["id"] < reverted_from]
        changes = [_objects(turn.get("diffs")) for turn in turns]
        return _by_file([_file_diff(each) for turn in changes for each in turn])

    async def _asked(self, session_id: str, directory: str) -> tuple[list[dict[str, Any]], str]:
        """Give what the server tells of each prompt, and from which one on they were taken back; empty for none."""
        revert = _object(_object(await self._get(f"/session/{session_id}", directory)).get("revert"))
        messages = _objects(await self._get(f"/session/{session_id}/message", directory))
        infos = [_object(each.get("info")) for each in messages]
        asked = [info for info in infos if info.get("role") == "user" and isinstance(info.get("id"), str)]
        return asked, _text(revert.get("messageID"))

    async def revert(self, session_id: str, directory: str) -> None:
        """See `ServerApi`."""
        asked, reverted_from = await self._asked(session_id, directory)
        left = [each["id"] for each in asked if not reverted_from or each["id"] < reverted_from]
        if not left:
            raise ServerError("There is nothing to take back.")
        await self._post(f"/session/{session_id}/revert", directory, {"messageID": left[-1]})

    async def unrevert(self, session_id: str, directory: str) -> None:
        """See `ServerApi`."""
        await self._post(f"/session/{session_id}/unrevert", directory)

    async def models(self, directory: str) -> list[str]:
        """See `ServerApi`."""
        providers = _objects(_object(await self._get("/config/providers", directory)).get("providers"))
        named = [(_text(provider.get("id")), _object(provider.get("models"))) for provider in providers]
        return [f"{provider}/{model}" for provider, models in named if provider for model in models]

    async def agents(self, directory: str) -> list[str]:
        """See `ServerApi`."""
        found = _objects(await self._get("/agent", directory))
        own = [
            each
            for each in found
            if each.get("mode") != "subagent" and not each.get("hidden", each.get("name") in INTERNAL_AGENTS)
        ]
        return [name for each in own if isinstance(name := each.get("name"), str)]

    async def agent_rules(self, directory: str) -> dict[str, list[Rule]]:
        """See `ServerApi`."""
        found = _objects(await self._get("/agent", directory))
        return {str(each.get("name")): [*map(_rule, _objects(each.get("permission")))] for each in found}

    async def failed_mcp(self, directory: str) -> dict[str, str]:
        """See `ServerApi`."""
        states = {name: _object(state) for name, state in _object(await self._get("/mcp", directory)).items()}
        failed = {}
        for name, state in states.items():
            if state.get("status") in ("failed", "needs_client_registration"):
                failed[name] = _text(state.get("error"))
            elif state.get("status") == "needs_auth":
                failed[name] = compat.mcp_login_needed(name)
        return failed

    async def share(self, session_id: str, directory: str) -> str:
        """See `ServerApi`."""
        found = _object(await self._post(f"/session/{session_id}/share", directory))
        return _text(_object(found.get("share")).get("url"))

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """See `ServerApi`."""
        return self._listen()

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[AsyncIterator[Received]]:
        timeout = httpx.Timeout(self._silence_s, connect=CONNECT_S)
        try:
            async with httpx_sse.aconnect_sse(self._http, "GET", "/global/event", timeout=timeout) as source:
                if source.response.is_error:
                    await source.response.aread()
                    raise _refusal(source.response)
                async with aclosing(_received(source)) as events:
                    yield events
        except _TRANSPORT as error:
            raise _gone(self.url, error) from error

    async def close(self) -> None:
        """See `ServerApi`."""
        await self._http.aclose()

    async def _get(self, path: str, directory: str | None = None) -> Any:
        return await self._ask("GET", path, directory)

    async def _post(self, path: str, directory: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._ask("POST", path, directory, body)

    async def _ask(self, method: str, path: str, directory: str | None, body: Mapping[str, Any] | None = None) -> Any:
        given = {key: value for key, value in body.items() if value is not None} if body is not None else None
        params = {"directory": directory} if directory is not None else None
        content, headers = (None, None) if given is None else (encode_json(given), {"Content-Type": "application/json"})
        try:
            response = await self._http.request(method, path, params=params, content=content, headers=headers)
        except _TRANSPORT as error:
            raise _gone(self.url, error) from error
        if response.is_error:
            raise _refusal(response)
        if not response.content:
            return None
        try:
            return decode(response.content)
        except DecodeError as error:
            raise ServerError(f"{self.url} answers in a way octui does not know.") from error


async def _received(source: httpx_sse.EventSource) -> AsyncGenerator[Received, None]:
    near_ms = _now_ms()
    async with aclosing(source.aiter_sse()) as messages:
        async for message in messages:
            line = message.data.encode()
            if _SYNC in line[:512]:
                continue
            event = v1_events.decode(line, near_ms)
            yield Received(line, event, v1_events.id_of_line(line))
            if event is not None:
                near_ms = event.at_ms


def _as_event(kind: str, properties: Mapping[str, Any]) -> Received:
    """Write down what was fetched as the event that would have told it."""
    at = _now_ms()
    event_id = v1_events.event_id(at)
    line = msgspec.json.encode({"payload": {"id": event_id, "type": kind, "properties": {**properties, "time": at}}})
    return Received(line, v1_events.decode(line, at), "")


def _closed(session_id: str, request_id: str) -> Received:
    """Say of a request that it does not wait any more, for a reason that was missed."""
    properties: dict[str, Any] = {"sessionID": session_id, "requestID": request_id}
    if request_id.startswith("que"):
        return _as_event("question.replied", {**properties, "answers": [[ELSEWHERE]]})
    return _as_event("permission.replied", {**properties, "reply": ELSEWHERE})


def _now_ms() -> int:
    return int(time.time() * 1000)


def _taken_apart(url: str) -> tuple[str, str, str | None]:
    """Give a URL without what it says of its user, and the user and the password that it names."""
    try:
        found = httpx.URL(url)
        if found.scheme in ("http", "https") and found.host and (found.port or 0) < 1 << 16:
            plain = found.copy_with(userinfo=b"")
            return str(plain).rstrip("/"), found.username, found.password or None
    except httpx.InvalidURL:
        pass
    raise ServerError(f"{url.rpartition('@')[2]!r} is no URL of a server.", hint="It is like http://127.0.0.1:4096.")


def _is_local(url: str) -> bool:
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")


def _gone(url: str, error: Exception) -> ServerError:
    if isinstance(error, httpx.TimeoutException):
        return ServerError(f"The opencode server at {url} does not answer in time.", is_gone=True)
    return ServerError(
        f"The opencode server at {url} is not there: {str(error).rstrip('.') or type(error).__name__}.", is_gone=True
    )


def _refusal(response: httpx.Response) -> ServerError:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        words = "The opencode server does not accept the user name or the password."
        hint = f"Set `username` and `password`, or {USERNAME} and {PASSWORD}."
        return ServerError(words, hint=hint, status=response.status_code)
    words = _words(response.content) or response.reason_phrase
    return ServerError(f"The opencode server refuses ({response.status_code}): {words}.", status=response.status_code)


def _words(content: bytes) -> str:
    """What an answer says is wrong; 1.18 has it in several places."""
    try:
        found = decode(content)
    except DecodeError:
        return content[:200].decode("utf-8", "replace").strip()
    told = _object(found)
    return _text(told.get("message") or _object(told.get("data")).get("message") or told.get("name"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else fit(value, str)


def _id_of(session: Any) -> str:
    found = _text(_object(session).get("id"))
    if not found:
        raise ServerError("The opencode server answers in a way octui does not know: a session without an id.")
    return found


def _updated(session: dict[str, Any]) -> float:
    return as_count(_object(session.get("time")).get("updated")) or 0


def _plain_rule(rule: Rule) -> dict[str, str]:
    return {"permission": rule.permission, "pattern": rule.pattern, "action": rule.action}


def _rule(found: Mapping[str, Any]) -> Rule:
    return Rule(**{key: str(found.get(key, "")) for key in ("permission", "pattern", "action")})


def _model(model: str | None) -> dict[str, str] | None:
    if model is None:
        return None
    provider, _, name = model.partition("/")
    return {"providerID": provider, "modelID": name}


def _file_part(path: str) -> dict[str, str]:
    """Attach a file as ``opencode run --file`` does: text as text, whatever its ending; a folder as one."""
    folder = "application/x-directory"
    mime = folder if Path(path).is_dir() else mimetypes.guess_type(path)[0] or "text/plain"
    mime = mime if mime.startswith("image/") or mime in (folder, "application/pdf") else "text/plain"
    return {"type": "file", "mime": mime, "url": Path(path).as_uri(), "filename": PurePosixPath(path).name}


def _file_diff(found: dict[str, Any]) -> FileDiff:
    return FileDiff(
        file=_text(found.get("file") or found.get("path")),
        patch=_text(found.get("patch")),
        additions=as_count(found.get("additions")) or 0,
        deletions=as_count(found.get("deletions")) or 0,
        status=_text(found.get("status")) or "modified",
    )


def _by_file(changes: Sequence[FileDiff]) -> list[FileDiff]:
    """Put together what several turns changed in the same file: 1.18 tells the changes of each turn."""
    found: dict[str, FileDiff] = {}
    for each in changes:
        before = found.pop(each.file, None)
        found[each.file] = each if before is None else _after(before, each)
    return list(found.values())


def _after(before: FileDiff, each: FileDiff) -> FileDiff:
    is_new = before.status == "added" and each.status == "modified"
    return FileDiff(
        file=each.file,
        patch=f"{before.patch}\n{each.patch}",
        additions=before.additions + each.additions,
        deletions=before.deletions + each.deletions,
        status="added" if is_new else each.status,
    )
