"""Watching one run for what opencode itself is silent about. Pure: it is told what is seen, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from octui.client import compat
from octui.program_output import plain_text, reason
from octui.recording.facts import Attention

Raised = tuple[Attention, str]


class Watch:
    """What one run was heard saying.

    Args:
        silence_s: After how many seconds without a word it asks for attention.
        now: The moment the run began, in seconds of any steady clock.
    """

    def __init__(self, silence_s: float, now: float) -> None:
        self._silence_s = silence_s
        self._heard_at = now
        self._open: dict[Attention, str] = {}

    @property
    def is_silent(self) -> bool:
        """Whether it has asked for attention because of its silence."""
        return Attention.SILENT in self._open

    def heard(self, now: float) -> bool:
        """It printed something; give whether that ends a silence that was told."""
        self._heard_at = now
        return self._open.pop(Attention.SILENT, None) is not None

    def stderr(self, text: str) -> list[Raised]:
        """What its stderr gives reason for, as far as it was not told before."""
        found: list[Raised] = []
        rejected = compat.rejected_permissions(text)
        if rejected:
            what = ", ".join(rejected[:3]) + (f" and {len(rejected) - 3} more" if len(rejected) > 3 else "")
            words = f"permission rejected, nobody could be asked: {what}; allow or deny it beforehand"
            found.append((Attention.PERMISSION_REJECTED, words))
        if agent := compat.unknown_agent(text):
            found.append((Attention.AGENT_UNKNOWN, agent))
        return self._new(found)

    def silence(self, now: float, provider_log: str) -> list[Raised]:
        """What its silence gives reason for: told once, with the provider's trouble if opencode's log tells of any."""
        quiet_s = now - self._heard_at
        if quiet_s < self._silence_s or self.is_silent:
            return []
        trouble = compat.provider_trouble(provider_log)
        why = f": the provider fails ({plain_text(trouble)})" if trouble else ""
        return self._new([(Attention.SILENT, f"nothing was heard for {quiet_s:.0f} s{why}")])

    def rejected(self, requests: Sequence[str]) -> list[Raised]:
        """What was rejected because nobody is there to be asked."""
        words = f"permission rejected, nobody could be asked: {', '.join(requests)}; allow or deny it beforehand"
        return self._new([(Attention.PERMISSION_REJECTED, words)])

    def provider_fails(self, why: str, attempt: int) -> list[Raised]:
        """A provider is asked again and again; that is told as the silence it makes."""
        return self._new(
            [(Attention.SILENT, f"the provider fails ({plain_text(why)}); opencode asks again, attempt {attempt}")]
        )

    def mcp(self, listing: str) -> list[Raised]:
        """What ``opencode mcp list`` gives reason for."""
        return self.mcp_failed(compat.failed_mcp_servers(listing))

    def mcp_failed(self, failed: Mapping[str, str]) -> list[Raised]:
        """What MCP servers that did not start, each with its reason, give reason for."""
        if not failed:
            return []
        told = {name: reason(why) for name, why in failed.items()}
        servers = "; ".join(f"{name} ({why})" if why else name for name, why in told.items())
        return self._new([(Attention.MCP_NOT_STARTED, f"MCP did not start: {servers}")])

    def left_out(self, words: str) -> list[Raised]:
        """Something asked for was not taken over; what was told before is told with it."""
        before = self._open.get(Attention.CONFIG_LEFT_OUT)
        return self._new([(Attention.CONFIG_LEFT_OUT, f"{before}; {words}" if before else words)])

    def _new(self, found: Iterable[Raised]) -> list[Raised]:
        fresh = [(kind, words) for kind, words in found if self._open.get(kind) != words]
        self._open.update(fresh)
        return fresh
