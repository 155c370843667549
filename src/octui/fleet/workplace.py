"""Where a run works: its folder, or a worktree of its own that is made, set up, counted, checked, and settled."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread

from octui import paths
from octui.client.client import UNUSABLE_NAME_HINT, unusable_name
from octui.client.serve.events import FileDiff
from octui.control.settling import refuse_settled
from octui.errors import OctuiError, RecordingError, WorkspaceError
from octui.fleet.outcome import Outcome
from octui.fleet.shell import run_command
from octui.fleet.site import Site
from octui.plan.model import RunSpec
from octui.plan.secrets import mask
from octui.program_output import reason
from octui.recording.facts import (
    AnyFact,
    ChangesCounted,
    Checked,
    Checking,
    RunState,
    SettingUp,
    Settled,
    SetUp,
    WorktreeMade,
    WorktreeSettled,
)
from octui.recording.journal import Journal
from octui.recording.status import RunStatus
from octui.recording.worktree_diffs import file_diffs
from octui.workspace.changes import Counts, compare, count
from octui.workspace.git import environment
from octui.workspace.settle import How, settle
from octui.workspace.worktree import Worktree, make_worktree, remove_if_untouched, restore_worktree

COUNT_EVERY_S = 3.0
COUNT_SHARE = 10
"""Between two counts passes so many times what the last one took."""

LAST_LOOK_S = 20.0
"""How long the count after a run may take."""

CANNOT_START = 126
"""The exit code of a check that cannot be started, as a shell would give it."""

TAIL_BYTES = 1 << 16
"""How much of what a command printed is looked through for the reason why it failed."""

T = TypeVar("T")


class Workplace:
    """The folder of one run.

    Args:
        spec: The run.
        journal: Where it is written down.
        write: Writes down a fact.

    Attributes:
        checked: What its last check came to; None where there was none.
        check_said: What that printed of the reason why it failed.
    """

    def __init__(self, spec: RunSpec, journal: Journal, write: Callable[[AnyFact], None]) -> None:
        self._spec = spec
        self._journal = journal
        self._write = write
        self._home = paths.worktrees_dir()
        self._site = Site([spec.name], is_set_up=not spec.setup)
        self.checked: Checked | None = None
        self.check_said = ""

    @property
    def tree(self) -> Worktree | None:
        """Its worktree; None where it has none, or none yet."""
        return self._site.tree

    @property
    def names(self) -> tuple[str, ...]:
        """The runs that work there: itself, and those that share it."""
        return tuple(self._site.names)

    @property
    def folder(self) -> Path:
        """Where the run works."""
        return self.tree.folder if self.tree is not None else self._spec.workspace

    @property
    def counts(self) -> Counts | None:
        """How much was changed in its worktree, as counted last."""
        return self._site.counts

    def take_over(self, before: RunStatus, origin: Workplace | None = None) -> None:
        """Be as an earlier supervisor left it; ``origin`` is where the run works that it goes on from."""
        if origin is not None:
            self._join(origin)
        self.checked = before.checked
        site = self._site
        site.is_set_up = site.is_set_up or before.is_set_up
        if before.worktree is not None:
            site.tree, site.settled = Worktree.told_by(before.worktree), before.settled
        if before.changes is not None:
            site.counts = Counts(before.changes.files, before.changes.added, before.changes.removed)

    def share(self, other: Workplace) -> None:
        """Work where another run works, as one that goes on from it does."""
        self._join(other)
        if self.tree is not None and self.tree.is_there:
            self._write_made(self.tree, [self._spec.name])
            if self.counts is not None:
                self._write_counts(self.counts, [self._spec.name])

    def _join(self, other: Workplace) -> None:
        self._site = other._site
        self._site.names.append(self._spec.name)

    async def prepare(self, say: Callable[[str], None]) -> Outcome | None:
        """Have the folder ready for the run; give what it came to where it cannot be.

        Args:
            say: Is told what is done meanwhile.

        Raises:
            OctuiError: There is no worktree to be had.
            OSError: Likewise.
        """
        self.checked = None
        if self._site.making.locked():
            say("waits until its folder is ready")
        async with self._site.making:
            if self._spec.worktree:
                await self._have_tree(say)
            if why := unusable_name(str(self.folder)):
                raise WorkspaceError(why, hint=UNUSABLE_NAME_HINT)
            if self._site.is_set_up:
                return None
            for number, command in enumerate(self._spec.setup, 1):
                if failed := await self._set_up(command, number, say):
                    return failed
            self._site.is_set_up = True
            return None

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """Count what is changed as long as the block runs, and once more after it."""
        if not self._spec.worktree:
            yield
            return
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._count_again_and_again)
                yield
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True), suppress(OctuiError, OSError, TimeoutError):
                await self._look_at_it_all()

    async def count(self) -> None:
        """Count what was changed in the worktree, and write it down where it is not what it was.

        Raises:
            OctuiError: It cannot be counted.
        """
        if self.tree is not None and self.tree.is_there:
            async with self._site.counting:
                self._tell(await to_thread.run_sync(count, self.tree, from_thread.check_cancelled))

    async def _look_at_it_all(self) -> None:
        """Count once more, and keep the whole diff with the session: the worktree may be gone some day."""
        tree, give_up_at = self.tree, time.monotonic() + LAST_LOOK_S
        if tree is None or not tree.is_there:
            return

        def heed() -> None:
            if time.monotonic() > give_up_at:
                raise TimeoutError

        async with self._site.counting:
            counts, diffs = await to_thread.run_sync(_changes, tree, heed)
            self._tell(counts)
            for name in self.names:
                self._journal.write_diff(name, diffs)

    def _tell(self, found: Counts) -> None:
        if found != (self._site.counts or Counts()):
            self._site.counts = found
            self._write_counts(found, self.names)

    def _write_counts(self, found: Counts, names: Iterable[str]) -> None:
        for name in names:
            self._write(
                ChangesCounted(at=time.time(), run=name, files=found.files, added=found.added, removed=found.removed)
            )

    async def check(self) -> None:
        """Run the check, if there is one, and write down what it came to.

        Raises:
            RecordingError: It cannot be written.
        """
        command, name = self._spec.check, self._spec.name
        if not command.strip():
            return
        self._write(Checking(at=time.time(), run=name, command=str(mask(command))))
        began, printed = time.monotonic(), _Tail()
        code: int | None = None
        self.check_said = ""

        def record(data: bytes) -> None:
            self._journal.append_check(name, data)
            printed.feed(data)

        try:
            code = await self._run(command, record)
            self.check_said = reason(printed.data)
        except OSError as error:
            code = CANNOT_START
            self.check_said = error.strerror or str(error)
            self._journal.append_check(name, f"{error}\n".encode("utf-8", "replace"))
        finally:
            self.checked = Checked(at=time.time(), run=name, exit_code=code, seconds=_since(began))
            with suppress(RecordingError):
                self._write(self.checked)

    @asynccontextmanager
    async def to_itself(self, check: Callable[[], None]) -> AsyncIterator[None]:
        """Let nobody begin to work there as long as the block runs.

        Args:
            check: Is called before it is waited for, and once nobody can begin any more; what it raises leaves it all
                as it is.
        """
        check()
        async with self._site.making:
            check()
            yield

    async def settle(self, how: How, message: str, *, anyway: bool, check: Callable[[], None]) -> None:
        """Do something with what was changed in the worktree, and write it down for all who share it.

        Args:
            how: See `octui.workspace.settle.settle`.
            message: Likewise.
            anyway: Likewise.
            check: See `to_itself`.

        Raises:
            WorkspaceError: It cannot be done, and why.
        """
        async with self.to_itself(check), self._site.counting:
            tree = self.tree
            if tree is None:
                raise WorkspaceError(f"{self._spec.name} has no worktree.")
            refuse_settled(self._spec.name, self._site.settled)
            words = await to_thread.run_sync(partial(settle, tree, self._home, how, message, anyway=anyway))
            self._write_settled(Settled(how), words)

    def _write_settled(self, how: Settled, words: str = "") -> None:
        self._site.settled = how
        for name in self.names:
            self._write(WorktreeSettled(at=time.time(), run=name, how=how, words=words))

    async def leave(self) -> None:
        """Remove the worktree if nothing was done in it."""
        tree = self.tree
        if tree is None or not tree.is_there:
            return
        with anyio.CancelScope(shield=True), suppress(OctuiError, OSError):
            if await to_thread.run_sync(remove_if_untouched, tree, self._home):
                self._write_settled(Settled.EMPTY)

    async def _have_tree(self, say: Callable[[str], None]) -> None:
        """Make the worktree, or have it again where it was removed."""
        if self.tree is not None and self.tree.is_there:
            return
        say("makes its worktree")
        heed = from_thread.check_cancelled
        if self.tree is not None:
            await to_thread.run_sync(restore_worktree, self.tree, self._home, heed)
        else:
            spec, session = self._spec, self._journal.folder.name
            make = partial(make_worktree, spec.workspace, self._home, session, spec.name, spec.base, heed)
            self._site.tree = await to_thread.run_sync(make)
        self._site.is_set_up, self._site.counts, self._site.settled = not self._spec.setup, None, None
        if self.tree is not None:
            self._write_made(self.tree, self.names)

    def _write_made(self, tree: Worktree, names: Iterable[str]) -> None:
        for name in names:
            self._write(
                WorktreeMade(
                    at=time.time(),
                    run=name,
                    path=str(tree.path),
                    folder=str(tree.folder),
                    branch=tree.branch,
                    base=tree.base,
                    repository=str(tree.repository),
                    common=str(tree.common or ""),
                    base_name=tree.base_name,
                    notes=tree.notes,
                )
            )

    async def _set_up(self, command: str, number: int, say: Callable[[str], None]) -> Outcome | None:
        name, shown, of = self._spec.name, str(mask(command)), len(self._spec.setup)
        say(f"sets up: {shown}")
        self._write(SettingUp(at=time.time(), run=name, command=shown, number=number, of=of))
        began, printed = time.monotonic(), _Tail()
        code: int | None = None

        def record(data: bytes) -> None:
            self._journal.append_setup(name, data)
            printed.feed(data)

        try:
            code = await self._run(command, record)
        finally:
            with suppress(RecordingError):
                seconds = _since(began)
                self._write(
                    SetUp(
                        at=time.time(),
                        run=name,
                        command=shown,
                        exit_code=code,
                        seconds=seconds,
                        number=number,
                        of=of,
                    )
                )
        if code is None:
            limit = self._spec.timeout_s or 0.0
            return Outcome(RunState.TIMED_OUT, f"its set-up ({shown}) took more than {limit:g} s")
        if code:
            why = reason(printed.data)
            return Outcome(RunState.FAILED, f"its set-up ({shown}) failed with {_how(code)}{f': {why}' if why else ''}")
        return None

    async def _run(self, command: str, record: Callable[[bytes], None]) -> int | None:
        async def output(data: bytes) -> None:
            record(data)

        extra = {name: str(value) for name, value in self._spec.config.extra_env.items()}
        return await run_command(command, self.folder, environment() | extra, output, self._spec.timeout_s)

    async def _count_again_and_again(self) -> None:
        pause = COUNT_EVERY_S
        while True:
            await anyio.sleep(pause)
            began = time.monotonic()
            with suppress(OctuiError, OSError):
                await self.count()
            pause = max(COUNT_EVERY_S, COUNT_SHARE * (time.monotonic() - began))


class _Tail:
    """The end of what a command prints."""

    def __init__(self) -> None:
        self._parts = deque[bytes]()
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._parts.append(data[-TAIL_BYTES:])
        self._size += len(self._parts[-1])
        while self._size - len(self._parts[0]) >= TAIL_BYTES:
            self._size -= len(self._parts.popleft())

    @property
    def data(self) -> bytes:
        return b"".join(self._parts)


def _changes(tree: Worktree, heed: Callable[[], None]) -> tuple[Counts, list[FileDiff]]:
    with compare(tree, heed) as found:
        return found.counts, file_diffs(found)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
