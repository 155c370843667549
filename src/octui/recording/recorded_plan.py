"""The plan of a session as its folder tells it, to be run again."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octui.client.environment import PASSWORD
from octui.encoding import encode_json, to_text
from octui.errors import PlanError, RecordingError, UsageError
from octui.plan.keys import PLAN_KEYS
from octui.plan.model import Plan
from octui.plan.restored import differences, in_short, masks, restored, with_password
from octui.plan.source import PlanSource, read_source
from octui.plan.toml import plan_from_json
from octui.recording.fact_log import FactLog
from octui.recording.facts import RunAdded
from octui.recording.layout import FACTS_FILE, SESSION_FILE

SOURCE_KEY = "source"
"""Where ``session.toml`` says which file its plan was read from."""


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """What ``session.toml`` has.

    Attributes:
        name: The session folder's.
        plan: What was run, its secrets masked.
        head: What stands there beside the plan.
        source: The file it was read from; None where it came from none, or nobody wrote it down.
        forks: The runs that came while the session was going on, each with the one it goes on from.
    """

    name: str
    plan: Plan
    head: dict[str, Any]
    source: PlanSource | None
    forks: Mapping[str, str]

    def whole(self, given: Plan | None = None) -> Plan:
        """Give the plan with its secrets: those of a plan that is given, else of the file it was read from.

        Raises:
            UsageError: What was given is another plan.
            RecordingError: It held secrets, and nothing has them.
        """
        if given is not None:
            if words := self._differences(given):
                raise UsageError(
                    f"That is not the plan of {self.name}: {words}.",
                    hint="Give it as it was, or start it anew with `octui run`.",
                )
            return restored(self.plan, given, self.forks)
        password = os.environ.get(PASSWORD)
        plan = with_password(self.plan, password) if password else self.plan
        missing = masks(plan)
        return self._with_secrets(missing) if missing else plan

    def _with_secrets(self, missing: Sequence[str]) -> Plan:
        held = f"The plan of {self.name} held secrets, which are not kept ({in_short(missing, '; ')})"
        hint = (
            f"`octui resume {self.name} --plan FILE` takes them from its plan; "
            "those in opencode's own login need not be given."
        )
        if self.source is None:
            raise RecordingError(
                f"{held}, and it was read from no file.",
                hint=f"Save it in the launcher as it was, with them, and `octui resume {self.name} --plan FILE`.",
            )
        try:
            given = self.source.load()
        except PlanError as error:
            first = error.problems[0]
            words = f"{first.where}: {first.message.rstrip('.')}"
            raise RecordingError(
                f"{held}, and {self.source.file} cannot be run any more: {words}.", hint=hint
            ) from error
        if words := self._differences(given):
            raise RecordingError(f"{held}, and {self.source.file} says something else now: {words}.", hint=hint)
        return restored(self.plan, given, self.forks)

    def _differences(self, given: Plan) -> str:
        return in_short([*differences(self.plan, given, self.forks)], "; ")


def read_recorded(folder: Path) -> RecordedPlan:
    """Read the plan of a session that is over; folders that its runs worked in may be gone.

    Raises:
        RecordingError: It cannot be read, or could not be run any more.
    """
    try:
        head = tomllib.loads(to_text((folder / SESSION_FILE).read_bytes()))
        runs = [{key: value for key, value in run.items() if key != "outcome"} for run in head.pop("runs")]
        top = {key: head.pop(key) for key in PLAN_KEYS if key in head}
        table = encode_json({"name": head["name"], **top, "runs": runs})
        plan = plan_from_json(table, folders_may_be_gone=True)
        facts = FactLog().read(folder / FACTS_FILE)
    except PlanError as error:
        raise RecordingError(f"The plan of {folder.name} cannot be run any more.", hint=str(error)) from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError) as error:
        raise RecordingError(f"The plan of {folder.name} cannot be read.") from error
    forks = {fact.run: fact.origin for fact in facts if isinstance(fact, RunAdded)}
    return RecordedPlan(folder.name, plan, head, read_source(head.get(SOURCE_KEY)), forks)
