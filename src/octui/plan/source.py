"""Where a plan was read from, so that a session can find it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from octui.plan.model import Plan
from octui.plan.secrets import MASK, mask
from octui.plan.toml import load_plan


class PlanSource(msgspec.Struct, frozen=True, kw_only=True):
    """A plan file, and the variables it was given.

    Attributes:
        file: Its absolute path.
        variables: What ``--var`` set; one that looks like a secret is masked where it was recorded.
    """

    file: str
    variables: dict[str, str] = {}

    def load(self, variables: Mapping[str, str] | None = None) -> Plan:
        """Read the plan again; folders of runs that are over may be gone.

        Args:
            variables: More of them, over those it has.

        Raises:
            PlanError: With every mistake in it.
        """
        known = {name: value for name, value in self.variables.items() if value != MASK}
        return load_plan(Path(self.file), {**known, **(variables or {})}, folders_may_be_gone=True)

    def to_table(self) -> dict[str, Any]:
        """Give it for ``session.toml``, without secrets."""
        return {"file": self.file, **({"variables": mask(self.variables)} if self.variables else {})}


def read_source(value: object) -> PlanSource | None:
    """Read what `PlanSource.to_table` gave; None for anything else."""
    try:
        return msgspec.convert(value, PlanSource)
    except msgspec.ValidationError:
        return None
