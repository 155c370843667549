"""The demo's story: three agents, each on its own copy of a repository whose tests fail.

*fixer* finds and mends the bug, *reviewer* asks which of its findings it shall write down, *releaser* prepares a
release and may push it if the user says so. Where there is nobody to ask, the reviewer writes down everything and the
push is denied. Each answers whatever it is asked afterwards. The model is scripted; every command, edit and push is
real. What they say and do is in `octui.demo.stories`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from octui.demo import stories
from octui.demo.model_server import MODEL, OFFLINE_ENVIRONMENT, PROVIDER, provider_config
from octui.demo.repository import lay_out
from octui.demo.script import Request, Script, Turn

SECONDS_PER_TURN = 4.0
"""How long the model takes to say one turn, so that one can read along."""

_PIECES = 24
_FOLLOW_UP_PIECES = 40
_FOLLOW_UP_S = 3.0


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of the demo.

    Attributes:
        name: Name of the run and of its workspace.
        prompt: What it is asked; also marks its requests.
        permission: Its permission overrides.
        asked: Those beside them where there is somebody to ask; else they are denied.
    """

    name: str
    prompt: str
    permission: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def permissions(self, *, asks: bool) -> dict[str, Any]:
        """All its permission overrides."""
        action = "ask" if asks else "deny"
        patterns = {tool: dict.fromkeys(each, action) for tool, each in self.asked.items()}
        return {**self.permission, **{tool: {"*": "allow", **each} for tool, each in patterns.items()}}


FIXER = Agent("fixer", "The tests of this package fail. Find the cause, mend it and show that they pass.")
REVIEWER = Agent(
    "reviewer",
    "Review this package. Write what you find to REVIEW.md, the most serious finding first. Do not change any code.",
    {"edit": {"*": "deny", "REVIEW.md": "allow"}},
)
RELEASER = Agent(
    "releaser",
    "Prepare release 1.4.0: version, changelog, commit and tag. Then publish it.",
    asked={"bash": ["git push *"]},
)
AGENTS = (FIXER, REVIEWER, RELEASER)
"""The agents, in the order in which they are shown."""


def prepare(folder: Path, base_url: str, *, asks: bool) -> Path:
    """Lay out a repository for each agent and a plan that runs them; return the plan's path.

    Args:
        folder: Where to; created, with ``plan.toml``, one folder an agent, one they push to and a list of models in it.
        base_url: Of the scripted model.
        asks: Whether there is somebody to ask: the agents are then on a server, and can be talked to.

    Raises:
        OctuiError: git is missing or refuses.
        OSError: The folder cannot be written.
    """
    for agent in AGENTS:
        lay_out(folder / agent.name, origin=folder / f"{agent.name}.git" if agent is RELEASER else None)
    models = folder / "models.json"
    models.write_text("{}\n", encoding="utf-8")
    plan = folder / "plan.toml"
    plan.write_text(plan_text(base_url, models, asks=asks), encoding="utf-8")
    return plan


def plan_text(base_url: str, models: Path, *, asks: bool) -> str:
    """The demo as a plan file; its workspaces stand beside it.

    Args:
        base_url: Of the scripted model.
        models: A list of no models, for opencode to read instead of that of all providers in the world: that takes it a
            third of a start, and as long again in each further folder.
        asks: Whether there is somebody to ask.
    """
    runs = [
        {"name": agent.name, "workspace": agent.name, "prompt": agent.prompt}
        | ({"permission": found} if (found := agent.permissions(asks=asks)) else {})
        for agent in AGENTS
    ]
    # Whoever is asked may take all the time of the world.
    limits = {"backend": "serve"} if asks else {"backend": "run", "timeout_s": 300}
    plan = {
        "name": "demo",
        "max_parallel": len(AGENTS),
        "defaults": {
            "model": f"{PROVIDER}/{MODEL}",
            "thinking": True,
            **limits,
            "extra_env": {**OFFLINE_ENVIRONMENT, "OPENCODE_MODELS_PATH": str(models.resolve())},
            # The user's own provider settings reach every run and could switch this provider off.
            "config_overrides": {
                **provider_config(base_url),
                "enabled_providers": [PROVIDER],
                "disabled_providers": [],
            },
        },
        "runs": runs,
    }
    return tomli_w.dumps(plan, multiline_strings=True)


def scripts(folder: Path, seconds_per_turn: float = SECONDS_PER_TURN) -> list[Script]:
    """What the model says to each agent.

    Args:
        folder: As given to `prepare`; the tool calls name absolute paths in it.
        seconds_per_turn: How long the model takes over each turn.
    """
    folder = folder.resolve()
    fixer, reviewer, releaser = (folder / agent.name for agent in AGENTS)
    told_by_all = [
        Script(FIXER.prompt, lambda _: stories.fixer(fixer), "Mend the split", Turn(text=stories.FIXER_LATER)),
        Script(
            REVIEWER.prompt,
            lambda told: stories.reviewer(reviewer, told),
            "Review of tally",
            Turn(text=stories.REVIEWER_LATER),
        ),
        Script(
            RELEASER.prompt,
            lambda told: stories.releaser(releaser, told),
            "Release 1.4.0",
            Turn(text=stories.RELEASER_LATER),
        ),
        # A prompt that was taken back leaves nothing that tells whose session it is.
        Script("", (), "Demo", Turn(text=stories.ANYBODY_LATER)),
    ]
    return [_paced(script, seconds_per_turn) for script in told_by_all]


def _paced(script: Script, seconds: float) -> Script:
    """The same script, told at reading speed; a follow-up word by word."""
    turns, later = script.turns, script.follow_up
    assert later is not None

    def story(request: Request) -> Sequence[Turn]:
        told = turns(request) if callable(turns) else turns
        return [replace(turn, pieces=_PIECES, pace_s=seconds / _PIECES) for turn in told]

    pace_s = min(_FOLLOW_UP_S, seconds) / _FOLLOW_UP_PIECES
    return replace(script, turns=story, follow_up=replace(later, pieces=_FOLLOW_UP_PIECES, pace_s=pace_s))
