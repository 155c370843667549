"""opencode's logins, which all runs of a user share, and the refreshes that one run at a time may do.

opencode keeps OAuth tokens in ``auth.json`` (providers) and ``mcp-auth.json`` (MCP servers) in its folder of data. Each
process refreshes them by itself: measured in 1.18.33, two that start with an expired login both send the refresh token
they read. A provider that rotates refresh tokens takes the second for a theft and revokes the login (opencode issues
37059, 49439). So where a login is due, the first start goes alone until its tokens are new, and the others follow.

Turns are taken by locking the login files themselves (``flock``), so that they hold between all processes of a user's,
and the kernel ends those of a process that dies. opencode does not lock them; it writes them in place, through links.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from octui.client.compat import NEVER_REFRESHED, REFRESH_LEAD_S, REFRESHED_AT_START
from octui.client.config import RunConfig, build_config
from octui.client.events import decode_head

PROVIDERS = "auth.json"
MCP_SERVERS = "mcp-auth.json"
LOGIN_FILES = (PROVIDERS, MCP_SERVERS)

START_S = 60.0
"""A login is due that will be refreshed within so many seconds: a start on a busy machine takes that long."""

HOLD_S = 60.0
"""For how long a start goes alone at most: a provider that cannot be reached must not hold up every run."""

POLL_S = 0.2

WAITS = "waits for another run to refresh the login for {}"


@dataclass(frozen=True, slots=True)
class Login:
    """An OAuth login that opencode refreshes.

    Attributes:
        file: Where it is kept, one of `LOGIN_FILES`.
        name: The provider or MCP server it is for.
        token: A digest of its tokens, which changes with each refresh.
        expires_at: When its access token does, in seconds since the epoch.
    """

    file: str
    name: str
    token: str
    expires_at: float

    @property
    def refresh_at(self) -> float:
        """The moment from which on opencode refreshes it, in seconds since the epoch."""
        return self.expires_at - (REFRESH_LEAD_S.get(self.name, 0.0) if self.file == PROVIDERS else 0.0)


@dataclass(frozen=True, slots=True)
class Use:
    """Which logins a start may refresh, rather too many than too few.

    Attributes:
        providers: Those of which it may take models; None where it may be any.
        servers: The MCP servers it may use; None where it may be any.
    """

    providers: frozenset[str] | None = None
    servers: frozenset[str] | None = None

    def takes(self, login: Login) -> bool:
        """Whether the start may refresh a login."""
        names = self.servers if login.file == MCP_SERVERS else self.providers
        return names is None or login.name in names

    @property
    def of_a_listing(self) -> Use:
        """The same for a command that lists providers or servers, and has no model answer."""
        return Use(REFRESHED_AT_START, self.servers)


ANY = Use()
MODELS = Use(REFRESHED_AT_START, frozenset())
"""What ``opencode models`` refreshes."""


def use_of(config: RunConfig, workspace: Path) -> Use:
    """Say which logins a run may refresh."""
    built = build_config(config)
    servers = {name for name, server in built.get("mcp", {}).items() if server.get("enabled", True)}
    has_others = config.inherit_user_config or _project_has_mcp(workspace)
    return Use(_providers(config, built), None if has_others else frozenset(servers))


def _providers(config: RunConfig, built: dict[str, Any]) -> frozenset[str] | None:
    """Give the providers of every model that a configuration names; None where it leaves the choice to opencode."""
    if not (config.model or built.get("model")):
        return None
    text = msgspec.json.encode(built, enc_hook=str).decode()
    named = {word.partition("/")[0] for word in re.findall(r'"([\w.-]+/[^"]*)"', text)}
    return REFRESHED_AT_START | named | {str(config.model or "").partition("/")[0]}


def may_have_mcp(config: RunConfig, workspace: Path) -> bool:
    """Whether MCP servers may be configured for a run, by its own configuration, its user's or its project's."""
    servers = use_of(config, workspace).servers
    return servers is None or bool(servers)


def _project_has_mcp(workspace: Path) -> bool:
    """opencode reads a project's configuration in the folder it works in and in those above, up to the repository's."""
    for folder in (workspace, *workspace.parents):
        for within in (folder, folder / ".opencode"):
            for name in ("opencode.json", "opencode.jsonc"):
                with suppress(OSError):
                    if b'"mcp"' in (within / name).read_bytes():
                        return True
        if (folder / ".git").exists():
            break
    return False


# What is in the files


def real_folder(environ: Mapping[str, str]) -> Path:
    """Give the folder in which the user's own opencode keeps its logins."""
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "opencode"


def read_logins(folder: Path, environ: Mapping[str, str] | None = None) -> list[Login]:
    """Read the OAuth logins that opencode refreshes; files that cannot be read hold none."""
    logins = []
    if not (os.environ if environ is None else environ).get("OPENCODE_AUTH_CONTENT"):  # It stands for the whole file.
        logins += [_provider_login(*item) for item in (_read(folder / PROVIDERS) or {}).items()]
    logins += [_mcp_login(*item) for item in (_read(folder / MCP_SERVERS) or {}).items()]
    return [login for login in logins if login is not None]


def without_tokens(folder: Path) -> list[str]:
    """Give the MCP servers that opencode is registered with, but not signed in to, as after a login was revoked."""
    found = (_read(folder / MCP_SERVERS) or {}).items()
    return [
        name for name, entry in found if isinstance(entry, dict) and entry.get("clientInfo") and not entry.get("tokens")
    ]


def _provider_login(name: str, login: Any) -> Login | None:
    if name in NEVER_REFRESHED or not isinstance(login, dict) or login.get("type") != "oauth":
        return None
    expires, refresh = login.get("expires"), login.get("refresh")
    if not refresh or isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    return Login(PROVIDERS, name, _digest(refresh, login.get("access")), expires / 1000)


def _mcp_login(name: str, login: Any) -> Login | None:
    tokens = login.get("tokens") if isinstance(login, dict) else None
    if not isinstance(tokens, dict) or not (refresh := tokens.get("refreshToken")):
        return None
    expires = tokens.get("expiresAt")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    return Login(MCP_SERVERS, name, _digest(refresh, tokens.get("accessToken")), float(expires))


def _digest(*tokens: object) -> str:
    return hashlib.sha256(repr(tokens).encode("utf-8", "replace")).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any] | None:
    """Read a file of logins; None where it cannot be read, now: opencode writes it in place."""
    for _ in range(3):
        try:
            value = json.loads(path.read_bytes())
        except OSError:
            return {}
        except (ValueError, RecursionError):
            time.sleep(0.01)
            continue
        return value if isinstance(value, dict) else {}
    return None


# Turns


MOST_UNUSED = 256

_unused: set[tuple[Login, Use]] = set()
"""Logins that starts of a kind left as they were though they were to be refreshed: nobody waits for such."""


class Turn:
    """The right to refresh logins, until they are refreshed, the run has spoken, or `HOLD_S` is over.

    Args:
        folder: opencode's folder of data.
        use: Which of them the start may refresh.
        due: Those it is about to refresh; none where it need not go alone.
        locks: What it holds meanwhile.
    """

    def __init__(
        self,
        folder: Path | None = None,
        use: Use = ANY,
        due: frozenset[Login] = frozenset(),
        locks: list[int] | None = None,
    ) -> None:
        self._folder = folder
        self._use = use
        self._due = due
        self._locks = locks or []
        self._lock = threading.Lock()
        self._over = threading.Event()
        if self._locks:
            threading.Thread(target=self._watch, name="octui-logins", daemon=True).start()

    @property
    def is_alone(self) -> bool:
        """Whether others wait for it."""
        return bool(self._locks)

    def spoken(self) -> None:
        """Let the others go: what a start refreshes is refreshed before its first event."""
        if self.is_alone:
            self._note_unused()
            self.end()

    def printed(self, line: bytes) -> None:
        """Take a line of a session on a server: one that tells a prompt comes before anything is refreshed."""
        if self.is_alone and (head := decode_head(line)) is not None and head.type != "prompt":
            self.spoken()

    def end(self) -> None:
        """Let the others go. May be called more than once, from any thread."""
        self._over.set()
        with self._lock:
            while self._locks:
                os.close(self._locks.pop())

    def _watch(self) -> None:
        until = time.monotonic() + HOLD_S
        while not self._over.wait(POLL_S):
            if not self._still_due():
                self.end()
            elif time.monotonic() > until:
                self.spoken()

    def _still_due(self) -> frozenset[Login]:
        return self._due & frozenset(read_logins(self._folder)) if self._folder else frozenset()

    def _note_unused(self) -> None:
        now = time.time()
        if len(_unused) > MOST_UNUSED:
            _unused.clear()
        _unused.update((login, self._use) for login in self._still_due() if login.refresh_at <= now)


def due_logins(folder: Path, use: Use = ANY) -> frozenset[Login]:
    """Give the logins that a start is about to refresh."""
    soon = time.time() + START_S
    found = (login for login in read_logins(folder) if login.refresh_at <= soon and use.takes(login))
    return frozenset(login for login in found if (login, use) not in _unused)


def try_turn(folder: Path, use: Use) -> Turn | None:
    """Take a turn; None where another start has it. One that has nothing to refresh is always to be had.

    Args:
        folder: opencode's folder of data, the real one.
        use: Which logins the start may refresh.
    """
    if not due_logins(folder, use):
        return Turn()
    locks: list[int] = []
    try:
        for name in LOGIN_FILES:
            with suppress(FileNotFoundError):
                locks.append(os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC))
                fcntl.flock(locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _close(locks)
        return None
    except OSError:
        _close(locks)  # A file system without locks: nobody can be waited for.
        return Turn()
    if due := due_logins(folder, use):
        return Turn(folder, use, due, locks)
    _close(locks)  # Another start has just refreshed them.
    return Turn()


async def take_turn(folder: Path, use: Use, wait: Callable[[str], None]) -> Turn:
    """Wait for a turn. Whoever has it must `Turn.end` it.

    Args:
        folder: opencode's folder of data, the real one.
        use: Which logins the start may refresh.
        wait: Is told, once, what is waited for.
    """
    import anyio  # Not for whoever reads logins only.

    told = False
    while (turn := try_turn(folder, use)) is None:
        if not told:
            told = True
            wait(waiting_for(due_logins(folder, use)))
        await anyio.sleep(POLL_S)
    return turn


def take_turn_in_thread(folder: Path, use: Use, timeout_s: float, is_over: Callable[[], bool]) -> Turn:
    """Wait for a turn in a thread; go without one after ``timeout_s`` seconds, or when it is not needed any more."""
    until = time.monotonic() + timeout_s
    while (turn := try_turn(folder, use)) is None:
        if is_over() or time.monotonic() > until:
            return Turn()
        time.sleep(POLL_S)
    return turn


def waiting_for(due: frozenset[Login]) -> str:
    """Say what a start waits for."""
    return WAITS.format(", ".join(sorted({login.name for login in due})) or "its provider")


def _close(locks: list[int]) -> None:
    for lock in locks:
        os.close(lock)


# Private homes


def link_logins(real: Path, private: Path) -> None:
    """Have a private home's logins be the real ones, for reading and writing.

    The file of MCP servers is linked where there is one: opencode registers itself with servers that it has no login
    for, and what is only that goes with the private home.

    Args:
        real: The user's own folder of opencode's data. It is made where it is missing, as opencode itself does: a
            link into a missing folder cannot be written.
        private: That of the private home; it exists.

    Raises:
        OSError: The private one cannot be written.
    """
    with suppress(OSError):
        real.mkdir(mode=0o700, parents=True, exist_ok=True)
    reclaim_logins(real, private)
    for name in LOGIN_FILES:
        if name == MCP_SERVERS and not (real / name).exists():
            continue
        with suppress(FileExistsError):
            (private / name).symlink_to(real / name)


def reclaim_logins(real: Path, private: Path) -> None:
    """Take over what was refreshed in a private home whose link was replaced by a file.

    opencode writes through links (measured in 1.18.33); a plugin or a tool that writes a new file and renames it does
    not, and the only valid refresh token would go with the home. Taken over are logins that the real file has, too,
    with tokens that expire sooner: others may be such that the user has signed out of meanwhile.
    """
    for name in LOGIN_FILES:
        path = private / name
        with suppress(OSError):
            if path.is_symlink() or not path.is_file():
                continue
            _take_over(real / name, path)
            path.unlink()


def _take_over(real: Path, private: Path) -> None:
    parse = _provider_login if real.name == PROVIDERS else _mcp_login
    kept, ours = _read(real), _read(private)
    newer = {}
    for name, entry in (ours or {}).items():
        mine, theirs = parse(name, entry), parse(name, (kept or {}).get(name))
        if mine is not None and theirs is not None and mine.expires_at > theirs.expires_at:
            newer[name] = entry
    if not newer or kept is None:
        return
    target = real.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{real.name}-")
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept | newer), indent=2))
    Path(temporary).replace(target)
