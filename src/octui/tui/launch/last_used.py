"""The last used values of the launcher, in the user's data folder. Secrets are not in it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import msgspec

from octui import paths
from octui.encoding import decode_json, encode_json
from octui.tui.launch.form import FormValues, LaunchForm
from octui.tui.launch.permissions import complete_rows
from octui.tui.launch.remembered_prompt import FILE
from octui.tui.launch.servers import without_secrets

MAX_RECENT = 20


@dataclass(frozen=True, slots=True)
class LastUsed:
    """What is remembered.

    Attributes:
        values: The form's fields as they were launched, without secrets.
        folders: Workspaces used before, the newest first, absolute or from ``~``.
    """

    values: FormValues
    folders: tuple[str, ...] = field(default=())

    @property
    def form(self) -> LaunchForm:
        """The form with the remembered values."""
        values = {item.name: getattr(self.values, item.name) for item in fields(FormValues)}
        return LaunchForm(**(values | {"tools": complete_rows(self.values.tools)}))


_decoder = msgspec.json.Decoder(LastUsed)


def load(folder: Path | None = None) -> LastUsed | None:
    """Read what is remembered; None where nothing is, or nothing usable."""
    try:
        data = ((folder or paths.data_dir()) / FILE).read_bytes()
        return decode_json(data, _decoder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def save(form: LaunchForm, folders: tuple[str, ...], folder: Path | None = None) -> None:
    """Remember a form, for the user alone (mode 0600), and the folders it worked in.

    Values of MCP headers and environments are left out, and so is what an opened plan brought beyond the form.

    Raises:
        OSError: It cannot be written.
    """
    target = paths.make_private(folder or paths.data_dir()) / FILE
    before = load(folder)
    recent = tuple(dict.fromkeys((*folders, *(before.folders if before else ()))))[:MAX_RECENT]
    values = {item.name: getattr(form, item.name) for item in fields(FormValues)}
    values["servers"] = tuple(without_secrets(row) for row in form.servers)
    write_private(target, encode_json(LastUsed(FormValues(**values), recent)))


def write_private(target: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there: mode 0600, by way of a temporary file beside it.

    Raises:
        OSError: It cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
