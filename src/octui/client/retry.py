"""Which failures are worth another attempt."""

from __future__ import annotations

from octui.client.compat import is_startup_crash


def is_worth_another_attempt(*, exit_code: int | None, events: int, stderr: str) -> bool:
    """Whether an attempt that ended may be repeated.

    Only the start-up crash is: it comes before any work. An attempt that printed an event may have edited files, and
    would edit them twice; any other failure would only come again.

    Args:
        exit_code: Of the attempt.
        events: How many events it printed.
        stderr: What it wrote to stderr.
    """
    return exit_code not in (0, None) and events == 0 and is_startup_crash(stderr)
