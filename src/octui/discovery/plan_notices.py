"""What a user has to know of a plan before it starts, as far as their own opencode configuration is concerned."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from octui.client.user_config import read_user_config
from octui.discovery.config_files import read_config
from octui.plan.model import Plan


def plan_notices(plan: Plan, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield a line on each of: sources that cannot be used, what runs may miss, and the model of runs without one."""
    own = [run for run in plan.runs if not run.config.attach]
    user = read_user_config(environ)
    if own:
        yield from user.problems
    isolated = [run.config for run in own if not run.config.inherit_user_config]
    lines = (user.notice(config.keep) for config in isolated)
    yield from dict.fromkeys(line for line in lines if line)
    folders = dict.fromkeys(run.workspace for run in own if run.config.model is None and not run.config.agent)
    models = {read_config(folder, environ).model for folder in folders}
    for model in sorted(models):
        if model:
            yield f"No model is given: opencode's configuration says {model}."
        else:
            yield "No model is given, and opencode's configuration names none: opencode chooses one."
