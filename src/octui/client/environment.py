"""Which environment a process of opencode gets: one table of opencode's variables, and one function that applies it.

Every process octui starts (runs, servers, questions) is given its variables here. A variable octui relies on must not
be inherited by chance, and one that belongs to another opencode, in a terminal of which octui may have been started,
must not reach this one. The table has every ``OPENCODE_*`` name in the program of 1.18.33.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from octui.client.config import deep_merge
from octui.client.user_config import CONTENT
from octui.encoding import encode_json

if TYPE_CHECKING:
    from octui.client.isolation import Homes  # What asks only for a version needs none.

PASSWORD = "OPENCODE_SERVER_PASSWORD"
PERMISSION = "OPENCODE_PERMISSION"
USERNAME = "OPENCODE_SERVER_USERNAME"


class Decision(StrEnum):
    """What happens to a variable of the user's."""

    SET = "set by octui where it is needed, and never inherited"
    DROPPED = "dropped"
    WITH_DATA = "dropped where a run has a private data home"
    WITH_CONFIG = "replaced or dropped where the user's configuration is left out"
    PASSED = "passed on"


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table.

    Attributes:
        decision: What happens to it.
        reason: Why.
    """

    decision: Decision
    reason: str


_SCREEN = Variable(Decision.PASSED, "read by opencode's own screens only")
_CHOICE = Variable(Decision.PASSED, "the user's choice; nothing of octui's depends on it")
_DIAGNOSIS = Variable(Decision.PASSED, "diagnosis that a user asks for")
_OTHER_SESSION = Variable(Decision.DROPPED, "describes the opencode that octui was started from")

VARIABLES: Mapping[str, Variable] = {
    # What octui decides.
    CONTENT: Variable(Decision.SET, "carries the overrides, merged over what is kept of the user's"),
    PASSWORD: Variable(Decision.SET, "a server of octui's own has one of its own; with attach it is the server's"),
    USERNAME: Variable(Decision.SET, "a server expects this name; with attach it is the server's"),
    "OPENCODE_ENABLE_QUESTION_TOOL": Variable(Decision.SET, "for servers; `opencode run` has nobody to ask"),
    "OPENCODE_CONFIG": Variable(Decision.WITH_CONFIG, "a copy of the file with what is kept of it"),
    "OPENCODE_CONFIG_DIR": Variable(Decision.WITH_CONFIG, "a copy of the folder with what is kept of it"),
    "OPENCODE_TEST_HOME": Variable(Decision.WITH_CONFIG, "where `.opencode` is looked for: the run's own home"),
    PERMISSION: Variable(
        Decision.WITH_CONFIG, "wins over all rules: carries the overrides, over the user's if these apply"
    ),
    "OPENCODE_DB": Variable(Decision.WITH_DATA, "names the database, which a private data home is there to separate"),
    "OPENCODE_DISABLE_AUTOUPDATE": Variable(Decision.PASSED, "set as well, unless disable_autoupdate is false"),
    "OPENCODE_MODELS_PATH": Variable(Decision.PASSED, "set where the list of models is narrowed; the user's wins"),
    # What another opencode leaves to the processes it starts.
    "OPENCODE": _OTHER_SESSION,
    "OPENCODE_PID": _OTHER_SESSION,
    "OPENCODE_RUN_ID": _OTHER_SESSION,
    "OPENCODE_PROCESS_ROLE": _OTHER_SESSION,
    "OPENCODE_TERMINAL": _OTHER_SESSION,
    "OPENCODE_CALLER": _OTHER_SESSION,
    "OPENCODE_EDITOR_SSE_PORT": _OTHER_SESSION,
    "OPENCODE_CLIENT": Variable(
        Decision.DROPPED, "an editor's opencode sets it, and tools such as question depend on it"
    ),
    "OPENCODE_ROUTE": Variable(Decision.DROPPED, "the screen that another opencode was to open"),
    "OPENCODE_WORKSPACE_ID": Variable(Decision.DROPPED, "would make this opencode a remote workspace of another"),
    "OPENCODE_PRINT_LOGS": Variable(Decision.DROPPED, "left by `--print-logs`; print_logs says so for a run"),
    # Logins, models and where they come from.
    "OPENCODE_API_KEY": Variable(Decision.PASSED, "a login"),
    "OPENCODE_AUTH_CONTENT": Variable(Decision.PASSED, "logins"),
    "OPENCODE_CONSOLE_TOKEN": Variable(Decision.PASSED, "a login, which an organisation's configuration may name"),
    "OPENCODE_GITLAB_AUTH_CLIENT_ID": Variable(Decision.PASSED, "part of a login"),
    "OPENCODE_MODELS_URL": Variable(Decision.PASSED, "where models come from"),
    "OPENCODE_DISABLE_MODELS_FETCH": _CHOICE,
    "OPENCODE_ENABLE_EXPERIMENTAL_MODELS": _CHOICE,
    "OPENCODE_TEST_MANAGED_CONFIG_DIR": Variable(Decision.PASSED, "what an organisation lays down always applies"),
    "OPENCODE_DISABLE_PROJECT_CONFIG": Variable(Decision.PASSED, "the user trusts no project's configuration"),
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": _CHOICE,
    "OPENCODE_PURE": Variable(Decision.PASSED, "the user wants no plugins"),
    "OPENCODE_PLUGIN_META_FILE": _CHOICE,
    # What opencode does.
    "OPENCODE_AUTO_SHARE": _CHOICE,
    "OPENCODE_BINARY": Variable(Decision.PASSED, "octui's own, for an octui that an agent starts"),
    "OPENCODE_DISABLE_SHARE": _CHOICE,
    "OPENCODE_DISABLE_AUTOCOMPACT": _CHOICE,
    "OPENCODE_DISABLE_CHANNEL_DB": _CHOICE,
    "OPENCODE_DISABLE_CLAUDE_CODE": _CHOICE,
    "OPENCODE_DISABLE_CLAUDE_CODE_PROMPT": _CHOICE,
    "OPENCODE_DISABLE_CLAUDE_CODE_SKILLS": _CHOICE,
    "OPENCODE_DISABLE_EMBEDDED_WEB_UI": _CHOICE,
    "OPENCODE_DISABLE_EXTERNAL_SKILLS": _CHOICE,
    "OPENCODE_DISABLE_FFF": _CHOICE,
    "OPENCODE_DISABLE_LSP_DOWNLOAD": _CHOICE,
    "OPENCODE_DISABLE_PRUNE": _CHOICE,
    "OPENCODE_ENABLE_EXA": _CHOICE,
    "OPENCODE_ENABLE_PARALLEL": _CHOICE,
    "OPENCODE_GIT_BASH_PATH": _CHOICE,
    "OPENCODE_REPO_CLONE_GITHUB_BASE_URL": _CHOICE,
    "OPENCODE_WEBSEARCH_PROVIDER": _CHOICE,
    "OPENCODE_FAKE_VCS": _CHOICE,
    "OPENCODE_EXPERIMENTAL": _CHOICE,
    "OPENCODE_EXPERIMENTAL_BACKGROUND_SUBAGENTS": _CHOICE,
    "OPENCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS": _CHOICE,
    "OPENCODE_EXPERIMENTAL_CODE_MODE": _CHOICE,
    "OPENCODE_EXPERIMENTAL_DISABLE_FILEWATCHER": _CHOICE,
    "OPENCODE_EXPERIMENTAL_EVENT_SYSTEM": _CHOICE,
    "OPENCODE_EXPERIMENTAL_EXA": _CHOICE,
    "OPENCODE_EXPERIMENTAL_FILEWATCHER": _CHOICE,
    "OPENCODE_EXPERIMENTAL_ICON_DISCOVERY": _CHOICE,
    "OPENCODE_EXPERIMENTAL_LSP_TOOL": _CHOICE,
    "OPENCODE_EXPERIMENTAL_LSP_TY": _CHOICE,
    "OPENCODE_EXPERIMENTAL_NATIVE_LLM": _CHOICE,
    "OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX": _CHOICE,
    "OPENCODE_EXPERIMENTAL_OXFMT": _CHOICE,
    "OPENCODE_EXPERIMENTAL_PARALLEL": _CHOICE,
    "OPENCODE_EXPERIMENTAL_PLAN_MODE": _CHOICE,
    "OPENCODE_EXPERIMENTAL_REFERENCES": _CHOICE,
    "OPENCODE_EXPERIMENTAL_WEBSOCKETS": _CHOICE,
    "OPENCODE_EXPERIMENTAL_WORKSPACES": _CHOICE,
    "OPENCODE_ACP_PROFILE": _DIAGNOSIS,
    "OPENCODE_AUTO_HEAP_SNAPSHOT": _DIAGNOSIS,
    "OPENCODE_DIRECT_TRACE": _DIAGNOSIS,
    "OPENCODE_LOG_LEVEL": _DIAGNOSIS,
    "OPENCODE_ALWAYS_NOTIFY_UPDATE": _SCREEN,
    "OPENCODE_DISABLE_MOUSE": _SCREEN,
    "OPENCODE_DISABLE_TERMINAL_TITLE": _SCREEN,
    "OPENCODE_EXPERIMENTAL_DISABLE_COPY_ON_SELECT": _SCREEN,
    "OPENCODE_FAST_BOOT": _SCREEN,
    "OPENCODE_SHOW_TTFD": _SCREEN,
    "OPENCODE_TUI_CONFIG": _SCREEN,
    "OPENCODE_ZED_DB": _SCREEN,
}
"""What octui does with each variable of opencode's; one that is not in it is passed on."""


def process_environment(environ: Mapping[str, str], homes: Homes, own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process of opencode.

    Args:
        environ: The user's environment.
        homes: What the process gets of the user's data and configuration.
        own: What octui and the run set; ``OPENCODE_CONFIG_CONTENT`` is merged over what is kept of the user's.
    """
    env = inherited(environ, private_data=homes.has_private_data, private_config=homes.has_private_config)
    if homes.keeps_permission and PERMISSION in environ:
        env[PERMISSION] = environ[PERMISSION]
    env |= {**homes.variables, **own}
    if content := _content(homes.content, own.get(CONTENT, "")):
        env[CONTENT] = encode_json(content).decode()
    return env


def inherited(
    environ: Mapping[str, str], *, private_data: bool = False, private_config: bool = False
) -> dict[str, str]:
    """Return what a process of opencode inherits of the user's environment.

    Args:
        environ: The user's environment.
        private_data: Whether it has a data home of its own.
        private_config: Whether the user's configuration is left out, but for a part.
    """
    dropped = {Decision.SET, Decision.DROPPED}
    dropped |= {Decision.WITH_DATA} if private_data else set()
    dropped |= {Decision.WITH_CONFIG} if private_config else set()
    return {
        name: value
        for name, value in environ.items()
        if name not in VARIABLES or VARIABLES[name].decision not in dropped
    }


def with_absolute_paths(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a process that works in another folder: paths of configuration are made absolute."""
    return {
        name: str(Path(value).absolute()) if name in ("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR") and value else value
        for name, value in environ.items()
    }


def _decoded(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _content(kept: Mapping[str, Any], own: str) -> dict[str, Any]:
    """Merge octui's configuration over what is kept of the user's; lists that opencode joins are joined."""
    above = _decoded(own)
    merged = deep_merge(kept, above)
    for key in ("plugin", "instructions"):
        both = [each.get(key) for each in (kept, above)]
        if all(isinstance(value, list) for value in both):
            merged[key] = [*kept[key], *(each for each in above[key] if each not in kept[key])]
    return merged
