"""The launcher's form while it is filled in: brought back when the launcher opens, kept as a draft when it closes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from octui.discovery.folders import shorten
from octui.tui.launch.form import FormValues, LaunchForm
from octui.tui.launch.last_used import Remembered, default_form, form_of, load, load_shared, save_draft, values_of
from octui.tui.launch.servers import check_server

RESTORED = "Your draft for this folder is back."


class Drafts:
    """The draft of one folder.

    Args:
        base: The folder octui was started in.

    Attributes:
        form: The form to begin with.
        is_first: Whether nothing is remembered at all.
        recent: Workspaces used before, the newest first.
        words: What the user is to know of the form that was brought back; empty for nothing.
        guessed_model: The model of the form where it was launched with elsewhere.
        is_kept: Whether there is a draft for the next time.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        shared, remembered = load_shared(), load(base)
        self.is_first = shared is None and remembered == Remembered()
        self._default = default_form(shared)
        self._launched = form_of(remembered.launched) if remembered.launched else None
        self.is_kept = remembered.draft is not None and remembered.draft != remembered.launched
        self.recent = shared.folders if shared else ()
        self.guessed_model = ""
        if self.is_kept and remembered.draft is not None:
            self.form = form_of(remembered.draft)
            missing = _what_is_missing(self.form, remembered.is_partial)
            self.words = " ".join([RESTORED, *missing, "F9 clears the form."])
        else:
            self.form, self.words = self._launched or self._default, ""
            if self._launched is None:
                self.guessed_model = self._default.model
        self._saved = self._begun = values_of(self.form)

    def fill_in(self, **values: Any) -> None:
        """Take a value that octui filled in itself for one that was there from the beginning."""
        self._default = replace(self._default, **values)
        nothing_was_saved = self._saved == self._begun
        self._begun = replace(self._begun, **values)
        if nothing_was_saved:
            self._saved = self._begun

    def is_changed(self, form: LaunchForm) -> bool:
        """Whether a form differs from the one it began with, kept or not."""
        return values_of(form) != self._begun

    def keep(self, form: LaunchForm) -> None:
        """Keep a form as the draft; none where it is as it was launched last, or empty.

        Raises:
            OSError: It cannot be written.
        """
        values = values_of(form)
        if values == self._saved:
            return
        self.is_kept = values not in self._values_without_draft()
        save_draft(form if self.is_kept else None, self._base)
        self._saved = values

    def _values_without_draft(self) -> list[FormValues]:
        empty = LaunchForm(workspaces=self._default.workspaces)
        return [values_of(form) for form in (empty, self._default, self._launched) if form is not None]

    @property
    def parting_words(self) -> str:
        """What the terminal says once the launcher was left; empty where there is no draft."""
        if not self.is_kept:
            return ""
        return f"Your draft is kept. Run octui in {shorten(self._base, self._base / '-')} to go on with it."


def _what_is_missing(form: LaunchForm, is_partial: bool) -> list[str]:
    """Say what of a draft is not kept."""
    words = []
    if any(row.source == "new" and "pairs" in check_server(row) for row in form.servers):
        words.append("Values of MCP headers and variables are not kept; enter them again.")
    if is_partial:
        words.append("What its plan set beyond the form is not kept; open the plan again.")
    return words
