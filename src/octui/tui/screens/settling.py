"""Keeping, applying, committing and discarding what a run changed in its worktree, from whatever screen shows it.

Whether a supervisor is at work or the session is long over is all one to `octui.control.settling`. It waits for git in
a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from textual.screen import Screen

from octui.control.settling import have_settled, settle_run
from octui.errors import OctuiError, UncommittedWorkError
from octui.recording.facts import Settled, WorktreeSettled
from octui.recording.session import Session
from octui.recording.status import RunStatus
from octui.tui.changes import Heed, in_thread
from octui.tui.format import plural
from octui.tui.screens.dialogs import AskScreen, Choice, LineScreen
from octui.tui.text import clean_line, cut
from octui.workspace.changes import compare
from octui.workspace.repository import uncommitted
from octui.workspace.settle import How
from octui.workspace.worktree import Worktree

SUBJECT = 72
"""Characters of a commit's first line."""

FILES_NAMED = 6

PATIENCE_S = 1.0
"""After this it is said that git is at work, as it may be for minutes where a repository is large."""

SAID_AGAIN_S = 10.0

_DOING: dict[How, str] = {
    "kept": "keeping the branch",
    "applied": "applying the changes",
    "committed": "committing",
    "discarded": "discarding worktree and branch",
}


class Settler:
    """Asks, does it, and says what came of it.

    Args:
        screen: Whose dialogs and workers they are.
        session: The runs' session.
        done: Is called when something was done.
    """

    def __init__(self, screen: Screen[None], session: Session, done: Callable[[], None]) -> None:
        self._screen = screen
        self._session = session
        self._done = done
        self._at_work: dict[str, How] = {}

    def why_not(self, run: str) -> str:
        """Say why there is nothing to settle; empty where there is."""
        if run in self._at_work:
            return f"{clean_line(run)}: {_DOING[self._at_work[run]]}; git is at work on it."
        status = self._session.status_now(run)
        if status.worktree is None:
            return f"{clean_line(run)} works in its folder itself: it has no worktree to settle."
        if status.settled in (Settled.DISCARDED, Settled.EMPTY):
            return settled_in_words(status, "")
        return ""

    def can_be(self, run: str) -> frozenset[str]:
        """What can still be done with what a run changed: ``apply``, ``commit``, ``keep``, ``discard``.

        Of a worktree that is gone the branch may be there still, which can be applied or discarded.
        """
        status = self._session.status_now(run)
        if status.worktree is None or status.settled in (Settled.DISCARDED, Settled.EMPTY):
            return frozenset()
        is_there = Worktree.told_by(status.worktree).is_there
        return frozenset({"apply", "commit", "keep", "discard"} if is_there else {"apply", "discard"})

    def keep(self, run: str) -> None:
        """Keep the branch and remove the worktree; what is in no commit is committed first, after asking."""
        tree = self._tree(run)
        if tree is None:
            return

        def ask_message() -> None:
            title = f"{clean_line(run)} left work that is in no commit. Commit it as"
            self._ask_line(title, run, lambda message: self._settle(run, "kept", message))

        self._ask(
            f"Keep the branch {clean_line(tree.branch)}?",
            f"Its worktree is removed, so that the branch can be checked out in {_working_tree(tree)}.",
            "keep the branch",
            lambda: self._settle(run, "kept", at_risk=lambda _: ask_message()),
        )

    def apply(self, run: str) -> None:
        """Bring the changes into the user's working tree; over uncommitted work only after asking for that."""
        tree = self._tree(run)
        if tree is None:
            return
        top = _working_tree(tree)

        def ask_anyway(error: UncommittedWorkError) -> None:
            self._ask(
                f"Apply over work of yours that is in no commit, in {plural(len(error.files), 'file')}?",
                f"{_named(error.files)}. Both changes are joined; where they conflict, nothing is done.",
                "apply anyway",
                lambda: self._settle(run, "applied", anyway=True),
            )

        self._ask(
            f"Apply what {clean_line(run)} changed?",
            f"It comes into {top}, uncommitted. It is checked first; the worktree stays as it is.",
            "apply it",
            lambda: self._settle(run, "applied", at_risk=ask_anyway),
        )

    def commit(self, run: str) -> None:
        """Commit what is in no commit yet, in the worktree."""
        tree = self._tree(run)
        if tree is not None:
            title = f"Commit on {clean_line(tree.branch)} as"
            self._ask_line(title, run, lambda message: self._settle(run, "committed", message))

    def discard(self, run: str) -> None:
        """Remove worktree and branch, once it is said what is lost."""
        tree = self._tree(run)
        if tree is None:
            return

        def ask(lost: str) -> None:
            self._ask(
                f"Discard what {clean_line(run)} changed?",
                f"{lost} This cannot be taken back.",
                "discard it",
                lambda: self._settle(run, "discarded"),
            )

        async def look() -> None:
            ask(await in_thread(partial(_what_is_lost, tree)))

        self._screen.run_worker(look(), group="settle", exclusive=True, exit_on_error=False)

    def _tree(self, run: str) -> Worktree | None:
        if why := self.why_not(run):
            self._screen.app.notify(why, severity="warning", markup=False)
            return None
        made = self._session.status_now(run).worktree
        return None if made is None else Worktree.told_by(made)

    def _settle(
        self,
        run: str,
        how: How,
        message: str = "",
        *,
        anyway: bool = False,
        at_risk: Callable[[UncommittedWorkError], None] | None = None,
    ) -> None:
        """Do it; what holds uncommitted work is told to ``at_risk``, where that may ask again."""
        app = self._screen.app

        async def settle() -> None:
            self._at_work[run] = how
            telling = asyncio.create_task(self._tell_meanwhile(run))
            try:
                await self._do(run, how, message, anyway=anyway)
            except UncommittedWorkError as error:
                if at_risk is not None:
                    at_risk(error)
                else:
                    app.notify(clean_line(str(error)), severity="error", markup=False, timeout=10)
            except (OctuiError, OSError) as error:
                app.notify(clean_line(str(error)), severity="error", markup=False, timeout=10)
            else:
                self._session.refresh(0)
                app.notify(self._what_was_done(run), markup=False, timeout=8)
                self._done()
            finally:
                telling.cancel()
                del self._at_work[run]

        if why := self.why_not(run):  # It was begun elsewhere while somebody was asked here.
            app.notify(why, severity="warning", markup=False)
        else:
            self._screen.run_worker(settle(), group="settle", exit_on_error=False)

    async def _do(self, run: str, how: How, message: str, *, anyway: bool) -> None:
        if self._session.is_live:
            await have_settled(self._session, run, how, message, anyway=anyway)
        else:
            # To be cut off in the middle of it would be worse than to be waited for.
            await asyncio.shield(asyncio.to_thread(settle_run, self._session, run, how, message, anyway=anyway))

    async def _tell_meanwhile(self, run: str) -> None:
        """Say that git is at work for as long as it is."""
        await asyncio.sleep(PATIENCE_S)
        while True:
            self._screen.app.notify(self.why_not(run), markup=False, timeout=SAID_AGAIN_S)
            await asyncio.sleep(SAID_AGAIN_S)

    def _what_was_done(self, run: str) -> str:
        told = [fact for fact in self._session.facts if isinstance(fact, WorktreeSettled) and fact.run == run]
        return settled_in_words(self._session.status_now(run), told[-1].words if told else "")

    def _ask(self, title: str, text: str, yes: str, act: Callable[[], None]) -> None:
        def answered(answer: str | None) -> None:
            if answer == "yes":
                act()

        choices = [Choice("no", "no, leave it", "n"), Choice("yes", yes, "y")]
        self._screen.app.push_screen(AskScreen(title, text, choices, "no"), answered)

    def _ask_line(self, title: str, run: str, act: Callable[[str], None]) -> None:
        def check(text: str) -> str:
            return "" if text.strip() else "A commit needs a message."

        def answered(text: str | None) -> None:
            if text is not None:
                act(text)

        text = default_message(self._session, run)
        self._screen.app.push_screen(LineScreen(title, "what was done", check, text=text, hint="commits"), answered)


def default_message(session: Session, run: str) -> str:
    """Give what a commit of a run's work may say: what it was asked, on one line."""
    asked = next((row for row in session.meta(run).prompt.splitlines() if row.strip()), "")
    return cut(clean_line(asked).strip() or f"Changes by {clean_line(run)}", SUBJECT)


def settled_in_words(status: RunStatus, words: str) -> str:
    """Say what was done with what a run changed."""
    run, made = clean_line(status.name), status.worktree
    match status.settled:
        case "kept":
            return f"{run}: the branch {clean_line(words or (made.branch if made else ''))} is kept."
        case "applied":
            count, _, elsewhere = clean_line(words).partition(" in ")
            where = elsewhere or (clean_line(made.repository) if made else "your working tree")
            return f"{run}: {count} applied to {where}, uncommitted."
        case "committed":
            branch = clean_line(made.branch) if made else "its branch"
            return f"{run}: committed as {clean_line(words)[:10]} on {branch}."
        case "discarded":
            return f"{run}: its worktree and its branch are discarded."
    return f"{run}: nothing was changed."


def _working_tree(tree: Worktree) -> str:
    """What to call the working tree that changes belong in; clean."""
    with suppress(OctuiError):
        return clean_line(str(tree.working_tree))
    return clean_line(str(tree.repository))


def _what_is_lost(tree: Worktree, heed: Heed) -> str:
    """Say what goes with a worktree and its branch."""
    where = f"The branch {clean_line(tree.branch)}"
    if tree.is_there:
        where = f"The worktree {clean_line(str(tree.path))} and its branch {clean_line(tree.branch)}"
    try:
        with compare(tree, heed) as found:
            counts, commits = found.counts, found.commits
        left = len(uncommitted(tree.path)) if tree.is_there else 0
    except (OctuiError, OSError) as error:
        return f"{where} go, whatever is in them ({clean_line(str(error))})."
    if not counts.files and not commits:
        return f"{where} go; nothing was changed there."
    told = [f"{plural(counts.files, 'changed file')} (+{counts.added} −{counts.removed})"]
    if commits:
        told.append(plural(commits, "commit"))
    if left:
        told.append(f"{plural(left, 'file')} that {'is' if left == 1 else 'are'} in no commit")
    return f"{where} go, and with them {', '.join(told)}."


def _named(files: Sequence[str]) -> str:
    shown = ", ".join(clean_line(file) for file in files[:FILES_NAMED])
    return f"{shown} and {len(files) - FILES_NAMED} more" if len(files) > FILES_NAMED else shown
