"""A scripted OAuth provider on loopback, with an MCP server behind it.

It rotates refresh tokens, and is as strict as RFC 9700 (4.14.2) has it: a refresh token that comes a second time
revokes its whole family, the tokens that the first use gave included.

The real opencode reaches it with its own code in two ways: its GitLab login refreshes at the instance that
``auth.json`` names, and its MCP client finds the provider from the MCP server's address.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qs

SECONDS = 3600
"""How long an access token that it gives is valid."""

CLIENT_ID = "scripted-client"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A request for new tokens.

    Attributes:
        token: The refresh token that came.
        granted: Whether new tokens were given for it; what else is `reused` or unknown.
        reused: Whether it had been used before.
    """

    token: str
    granted: bool
    reused: bool


class OAuthServer:
    """The provider, served from a thread on a free port of 127.0.0.1 while the block runs.

    Args:
        answer_after_s: Seconds between a refresh and its answer, as the way to a real provider takes. The tokens are
            rotated before, so that another refresh within this time reuses a token.
        rotates: Whether a refresh gives a new refresh token; otherwise the old one stays valid.
    """

    def __init__(self, *, answer_after_s: float = 0.0, rotates: bool = True) -> None:
        self.answer_after_s = answer_after_s
        self.rotates = rotates
        self.refreshes: list[Refresh] = []
        self.tool_calls = 0
        self.families_revoked = 0
        self._lock = threading.Lock()
        self._count = 0
        self._family_of: dict[str, int] = {}
        self._current: dict[int, str] = {}
        self._access_of: dict[str, int] = {}
        self._http = _HTTPServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="scripted-oauth")

    @property
    def url(self) -> str:
        """Where it is served; the MCP server is at ``/mcp`` of it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> OAuthServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def granted(self) -> int:
        """How many refreshes gave new tokens."""
        return sum(refresh.granted for refresh in self.refreshes)

    @property
    def refused(self) -> int:
        """How many refreshes did not."""
        return len(self.refreshes) - self.granted

    def log_in(self) -> tuple[str, str]:
        """Begin a family; return its first access token and refresh token."""
        with self._lock:
            self._count += 1
            return self._issue(self._count)

    def is_valid(self, access: str) -> bool:
        """Whether an access token is of a family that was not revoked."""
        with self._lock:
            return self._access_of.get(access) in self._current

    def refresh(self, token: str) -> dict[str, Any] | None:
        """Give new tokens, or None where the refresh token is unknown, used or revoked."""
        with self._lock:
            family = self._family_of.get(token)
            granted = family is not None and self._current.get(family) == token
            self.refreshes.append(Refresh(token, granted, family is not None and not granted))
            if family is None or not granted:
                if family is not None and family in self._current:
                    del self._current[family]
                    self.families_revoked += 1
                return None
            access, fresh = self._issue(family, None if self.rotates else token)
        return {"access_token": access, "refresh_token": fresh, "token_type": "Bearer", "expires_in": SECONDS}

    def _issue(self, family: int, refresh: str | None = None) -> tuple[str, str]:
        self._count += 1
        access, refresh = f"access-{self._count}", refresh or f"refresh-{self._count}"
        self._access_of[access] = self._family_of[refresh] = family
        self._current[family] = refresh
        return access, refresh

    # What opencode keeps of it

    def gitlab_login(self, *, expires_in_s: float) -> dict[str, Any]:
        """An entry ``gitlab`` of ``auth.json`` that opencode refreshes here."""
        access, refresh = self.log_in()
        expires = int((time.time() + expires_in_s) * 1000)
        return {"type": "oauth", "access": access, "refresh": refresh, "expires": expires, "enterpriseUrl": self.url}

    def mcp_login(self, *, expires_in_s: float, has_expired: bool = False) -> dict[str, Any]:
        """An entry of ``mcp-auth.json`` for the MCP server here; one that `has_expired` is refused by it."""
        access, refresh = self.log_in()
        return {
            "tokens": {
                "accessToken": "expired" if has_expired else access,
                "refreshToken": refresh,
                "expiresAt": time.time() + expires_in_s,
            },
            "clientInfo": {"clientId": CLIENT_ID},
            "serverUrl": f"{self.url}/mcp",
        }

    @property
    def mcp_config(self) -> dict[str, Any]:
        """The MCP server in opencode's configuration."""
        return {"type": "remote", "url": f"{self.url}/mcp", "enabled": True}


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: OAuthServer) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _provider(self) -> OAuthServer:
        return cast(_HTTPServer, self.server).provider

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        url = self._provider.url
        if self.path.startswith("/.well-known/oauth-protected-resource"):
            self._send(200, {"resource": f"{url}/mcp", "authorization_servers": [url]})
        elif self.path.startswith("/.well-known/oauth-authorization-server"):
            metadata = {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/oauth/token",
                "registration_endpoint": f"{url}/register",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
            self._send(200, metadata)
        else:
            self._send(405 if self.path == "/mcp" else 404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/oauth/token":
            self._give_tokens(body)
        elif self.path == "/register":
            self._send(201, json.loads(body) | {"client_id": CLIENT_ID})
        elif self.path == "/mcp":
            self._speak_mcp(json.loads(body))
        else:
            self._send(404, {})

    def do_DELETE(self) -> None:
        self._send(405, {})

    def _give_tokens(self, body: bytes) -> None:
        form = parse_qs(body.decode())
        tokens = self._provider.refresh(form.get("refresh_token", [""])[0])
        time.sleep(self._provider.answer_after_s)
        if tokens is None:
            self._send(400, {"error": "invalid_grant", "error_description": "Refresh token has been revoked"})
        else:
            self._send(200, tokens)

    def _speak_mcp(self, message: dict[str, Any]) -> None:
        if not self._provider.is_valid(self.headers.get("Authorization", "").removeprefix("Bearer ")):
            where = f"{self._provider.url}/.well-known/oauth-protected-resource"
            self._send(401, {"error": "invalid_token"}, {"WWW-Authenticate": f'Bearer resource_metadata="{where}"'})
            return
        result: dict[str, Any]
        match message.get("method"):
            case "initialize":
                result = {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "scripted", "version": "1"},
                }
            case "tools/list":
                result = {"tools": [{"name": "hello", "description": "Greets", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                self._provider.tool_calls += 1
                result = {"content": [{"type": "text", "text": "hello from MCP"}]}
            case _ if "id" not in message:
                self._send(202, None)
                return
            case _:
                result = {}
        self._send(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def write_logins(folder: Path, name: str, logins: dict[str, Any]) -> Path:
    """Write ``auth.json`` or ``mcp-auth.json`` into opencode's folder of data as opencode does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(logins, indent=2))
    path.chmod(0o600)
    return path
