"""Everything that depends on opencode's version.

Measured on 1.18.33; of OpenCode 2, which cannot be run here, as far as its source and documentation tell.
"""

from __future__ import annotations

import re
from contextlib import suppress

from octui.client.lenient_json import DecodeError, decode_leading, fit
from octui.client.serve.events import Rule
from octui.program_output import plain_text, reason

TESTED_VERSION = "1.18.33"
"""The version octui is built and tested against, and the one it installs."""

TESTED_RANGE = ((1, 18), (1, 20))
"""Versions known to work: from the first, up to but without the second."""

SERVER_USER = "opencode"
"""The user name a server expects that is told no other."""

INSTALL_SUPPORTED = (
    f"Install opencode 1.18 with `npm install -g opencode-ai@{TESTED_VERSION}`, or name one with --binary."
)
"""What to do about a version that is not supported."""

KNOWN_TOOLS = (
    "read",
    "edit",
    "glob",
    "grep",
    "list",
    "bash",
    "task",
    "external_directory",
    "todowrite",
    "question",
    "webfetch",
    "websearch",
    "lsp",
    "doom_loop",
    "skill",
)
"""The names ``permission`` knows, in the order of opencode's own schema (``PermissionConfig``)."""

TOOLS_WITHOUT_PATTERNS = frozenset({"todowrite", "question", "webfetch", "websearch", "doom_loop"})
"""Those for which opencode's schema takes an action only, no map of patterns."""

DENIED_BY_RUN = ("question", "plan_enter", "plan_exit")
"""What ``opencode run`` denies as a rule of the session it begins, behind all configuration."""

INSTALLED_ALREADY = {
    "package.json": '{"dependencies":{"@opencode-ai/plugin":"*"}}',
    "package-lock.json": '{"packages":{"":{"dependencies":{"@opencode-ai/plugin":"*"}}}}',
}
"""Files that, beside a folder ``node_modules``, keep opencode from installing ``@opencode-ai/plugin`` with npm into a
configuration folder, which takes seconds, megabytes and the network at each start in a new one. Read in 1.18: it
installs where the second file does not name what the first one does. Only plugins and tools of that folder need it."""

REFRESH_LEAD_S = {"gitlab": 300.0, "xai": 120.0}
"""How long before it expires opencode refreshes a provider's login, in seconds; others when it has expired. Read in
1.18.33, which refreshes those of openai, xai, gitlab and snowflake-cortex; plugins may refresh more."""

REFRESHED_AT_START = frozenset({"gitlab", "snowflake-cortex"})
"""Providers whose login is refreshed when opencode lists its models, whatever model a run has."""

NEVER_REFRESHED = frozenset({"github-copilot", "github-copilot-enterprise"})
"""Providers whose login does not expire; ``expires`` is 0 there."""

TEMPORARY_VARIABLE = "BUN_TMPDIR"
"""Names the folder opencode unpacks a library into (5.6 MB) whenever it starts to work, and never removes it from
(their issues 21427, 28089, 48643). Unlike ``TMPDIR`` it moves nothing that tools write. What opencode starts inherits
it; measured with a folder that is gone, opencode works without the library, which watches files, and ``bun install``
creates the folder."""

INTERNAL_AGENTS = frozenset({"compaction", "summary", "title"})
"""Agents opencode runs for itself. Its server marks them as hidden, which ``opencode agent list`` does not print."""

_VERSION_LINE = re.compile(
    r"(?:(?P<name>opencode2?)\s+)?(?:version\s+)?v?(?P<version>\d+\.\d+\.\d+(?:[-+.]\S*)?)", re.IGNORECASE
)
_AGENT_HEAD = re.compile(r"^(?P<name>\S.*) \((?P<mode>primary|subagent|all)\)$", re.MULTILINE)
_GREY = "\x1b[90m"
"""How ``opencode mcp list`` marks what it started, below the reason why that failed."""

_STARTUP_CRASH = re.compile(
    # 1.18: several runs lay out one fresh database at the same time.
    r"Failed query:\s+(?:CREATE|ALTER|DROP|PRAGMA|INSERT INTO `__drizzle_migrations`)\b"
    # Earlier versions; the first still comes in 1.18 beside the above.
    r"|database (?:table )?is locked|SQLITE_BUSY|SQLiteError|journal_mode|disk i/o error",
    re.IGNORECASE,
)


def read_version(printed: str) -> str | None:
    """Return the version in what ``opencode --version`` printed; None where there is none.

    1.x prints ``1.18.33``, OpenCode 2 a line such as ``opencode v2.1.4``; there may be colours, and lines around it.
    Local and beta builds of 2 are ``0.0.0-…``; only the name before it tells them from others, so it is kept.
    """
    rows = plain_text(printed).splitlines()
    found = [match for row in reversed(rows) if (match := _VERSION_LINE.fullmatch(row.strip()))]
    if not found:
        return None
    name, version = found[0]["name"], found[0]["version"]
    return f"opencode2 {version}" if name and version.startswith("0.") else version


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the numbers of a version, such as ``1.18.33``; at least 2 for ``opencode2``, None where it is none."""
    version = read_version(text)
    if version is None:
        return None
    name, _, digits = version.rpartition(" ")
    major, minor, patch = (int(number) for number in re.findall(r"\d+", digits)[:3])
    return (max(major, 2) if name else major), minor, patch


def is_two(version: str) -> bool:
    """Whether it is OpenCode 2."""
    parsed = parse_version(version)
    return parsed is not None and parsed[0] >= 2


def unsupported(version: str) -> str:
    """Return what a version is not supported for yet, and what to do, in words; empty where nothing is missing."""
    if not is_two(version):
        return ""
    return (
        f"OpenCode 2 is not supported yet (this is {version}): agents work alone, with `opencode run --standalone`, "
        f"and permissions cannot be overridden. {INSTALL_SUPPORTED}"
    )


def is_tested(version: str) -> bool:
    """Whether octui was tested with this version of opencode."""
    parsed = parse_version(version)
    return parsed is not None and TESTED_RANGE[0] <= parsed[:2] < TESTED_RANGE[1]


def extra_flags(version: str) -> list[str]:
    """Flags that a version needs to run on its own.

    From 2 on a command joins one background server a user, which neither the configuration nor the environment given
    to ``run`` reaches; ``--standalone`` starts a private one.
    """
    return ["--standalone"] if is_two(version) else []


def can_be_served(version: str) -> bool:
    """Whether octui can talk to a server of this version: from 2 on its API is another."""
    return parse_version(version) is not None and not is_two(version)


def reads_models_file(version: str) -> bool:
    """Whether ``OPENCODE_MODELS_PATH`` names the file a list of models is read from, as known of 1.18."""
    return parse_version(version) is not None and not is_two(version)


def attach_flag(version: str) -> str:
    """The flag that names a running server: ``--server`` from 2 on."""
    return "--server" if is_two(version) else "--attach"


def is_startup_crash(stderr: str) -> bool:
    """Whether stderr bears the mark of the crash of runs that start on one database at the same time."""
    return _STARTUP_CRASH.search(plain_text(stderr)) is not None


def rejected_permissions(stderr: str) -> list[str]:
    """The permissions ``opencode run`` rejected for want of somebody to ask, as it says on stderr.

    The line is ``! permission requested: bash (echo hi); auto-rejecting``, with colours, in 1.x and 2.
    """
    found = re.findall(r"permission requested: (.*?); auto-rejecting", plain_text(stderr))
    return list(dict.fromkeys(found))


def unknown_agent(stderr: str) -> str | None:
    """What stderr says of an agent that was not used: opencode falls back to its default one; None where it was."""
    match = re.search(r"^.*\bagent\b.*(?:not found|is a subagent).*$", plain_text(stderr), re.MULTILINE)
    return match[0].strip(" !") if match else None


def failed_mcp_servers(listing: str) -> dict[str, str]:
    """Read which MCP servers did not start, and why, out of what ``opencode mcp list`` printed.

    In 1.18 a line ``✗ NAME failed``, or ``✗ NAME needs client registration``, is followed by the reason, which may have
    several lines, by what was started, in grey, and by an empty line. One that ``needs authentication`` is left out by
    runs in silence as well.
    """
    failed: dict[str, list[str]] = {}
    name = ""
    for printed in listing.splitlines():
        row = plain_text(printed).strip("│●┌└ \t")
        if match := re.fullmatch(r"✗ (.+) (?:failed|needs client registration)", row):
            name = match[1]
            failed[name] = []
        elif match := re.fullmatch(r"⚠ (.+) needs authentication", row):
            name = ""
            failed[match[1]] = [mcp_login_needed(match[1])]
        elif not row or "●" in printed:
            name = ""
        elif name and not (failed[name] and _GREY in printed):
            failed[name].append(row)
    return {name: reason("\n".join(rows)) for name, rows in failed.items()}


def parse_agents(listing: str) -> list[tuple[str, str, list[Rule]]]:
    """Read what ``opencode agent list`` printed: each agent's name, mode and rules, as opencode made them.

    A line ``NAME (MODE)`` is followed by the rules as JSON, as in 1.18; rules that cannot be read are left out.
    """
    agents = []
    for head in _AGENT_HEAD.finditer(listing):
        rules: list[Rule] = []
        start = listing.find("[", head.end())
        with suppress(DecodeError):
            rules = fit(decode_leading(listing[start:]) if start >= 0 else [], list[Rule])
        agents.append((head["name"], head["mode"], rules))
    return agents


def mcp_login_needed(name: str) -> str:
    """Say what to do about an MCP server without a login, or with one that was revoked."""
    return f"it needs a login: run `opencode mcp auth {name}`"


def provider_trouble(log: str) -> str | None:
    """The last provider error in ``opencode.log``: opencode tries again for minutes without an event meanwhile."""
    found = re.findall(r'message="stream error".*?error\.error="((?:[^"\\]|\\.)*)"', log)
    return found[-1] if found else None
