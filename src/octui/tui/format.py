"""Numbers as a person reads them."""

from __future__ import annotations


def clock(seconds: float | None) -> str:
    """``02:13``, and ``1:02:13`` from an hour on; ``--:--`` for None."""
    if seconds is None:
        return "--:--"
    whole = int(max(0.0, seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes:02}:{secs:02}"


def duration(milliseconds: float) -> str:
    """``12ms``, ``4.2s``, and from a hundred seconds on as a clock shows them, ``02:05``."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    return clock(seconds)


def tokens(count: int) -> str:
    """``940``, ``41.2k``, ``1.3M``."""
    if count < 1000:
        return str(count)
    if count < 999_950:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.1f}M"


def cost(dollars: float, *, incomplete: bool = False) -> str:
    """``$0.12``; more digits below a cent; ``≥`` before it where steps are missing."""
    figure = f"${dollars:.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"
    return f"≥{figure}" if incomplete else figure


def plural(count: int, noun: str) -> str:
    """``1 step``, ``3 steps``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size(count: int) -> str:
    """``812 B``, ``1.2 kB``, ``3.4 MB``."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
