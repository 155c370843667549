"""Which options match what is typed: in pickers, and below the lines that complete."""

from __future__ import annotations

from collections.abc import Sequence


def matching_options(options: Sequence[str], typed: str) -> list[int]:
    """Return the positions of the options that match, the best first.

    Options match that contain every word typed; those that begin with what is typed come first. Where there are none,
    those match that have the letters of each word in their order, so that ``sonet`` finds ``sonnet``.

    Args:
        options: What there is to choose from.
        typed: What the user typed; the case of letters is ignored.
    """
    words = typed.lower().split()
    lowered = [option.lower() for option in options]
    found = [index for index, option in enumerate(lowered) if all(word in option for word in words)]
    if found or not words:
        start = typed.lower().strip()
        return sorted(found, key=lambda index: not lowered[index].startswith(start))
    from textual.fuzzy import Matcher

    matchers = [Matcher(word) for word in words]
    scores = {index: [matcher.match(option) for matcher in matchers] for index, option in enumerate(lowered)}
    return sorted((index for index, each in scores.items() if all(each)), key=lambda index: -sum(scores[index]))
