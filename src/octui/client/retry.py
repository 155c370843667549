"""Which failures are worth another attempt."""

from __future__ import annotations

from octui.client.compat import is_startup_crash
from octui.client.limits import Limit
from octui.client.sinks import AttemptEnd


def is_worth_another_attempt(end: AttemptEnd) -> bool:
    """Whether an attempt that ended may be repeated.

    Only the start-up crash is, and a start-up that took longer than it was given: both come before any work. An attempt
    that printed an event may have edited files, and would edit them twice; any other failure would only come again.
    """
    if end.has_spoken:
        return False
    if end.limit is not None:
        return end.limit is Limit.STARTUP
    return end.exit_code not in (0, None) and is_startup_crash(end.stderr)
