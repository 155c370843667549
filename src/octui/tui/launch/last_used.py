"""What the launcher remembers, in the user's data folder: a form for each folder, and a little that all share.

Prompts, workspaces, permissions and MCP servers belong to the folder octui was started in. The model and the folders
that are suggested do not. Secrets are in neither.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec

from octui import paths
from octui.client.config import RunConfig
from octui.encoding import decode_json, encode_json
from octui.tui.launch.form import DEFAULT_WORKSPACES, FormValues, LaunchForm
from octui.tui.launch.permissions import complete_rows
from octui.tui.launch.remembered_prompt import file_of
from octui.tui.launch.servers import without_secrets

MAX_RECENT = 20
MAX_FORMS = 200
"""Forms are kept of so many folders; those written longest ago go first."""

SHARED_FILE = "launcher.json"
"""Before forms were kept by folder, the one form was in it, under ``values``; of that only the model is taken over."""


class _Model(msgspec.Struct, frozen=True):
    model: str = ""


class Shared(msgspec.Struct, frozen=True):
    """What all folders share.

    Attributes:
        folders: Workspaces used before, the newest first, absolute or from ``~``.
        model: The model launched with last; empty for opencode's choice.
    """

    folders: tuple[str, ...] = ()
    model: str = ""
    values: _Model | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of a folder.

    Attributes:
        folder: The folder octui was started in.
        launched: The form's fields as they were launched last, without secrets.
        draft: The same as they were left without launching.
        is_partial: Whether the draft came from a plan that set more than the form has fields for.
    """

    folder: str = ""
    launched: FormValues | None = None
    draft: FormValues | None = None
    is_partial: bool = False


def load(base: Path, data: Path | None = None) -> Remembered:
    """Return what is remembered of a folder; nothing where that cannot be read."""
    try:
        return decode_json(file_of(base, data).read_bytes(), msgspec.json.Decoder(Remembered))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Remembered()


def load_shared(data: Path | None = None) -> Shared | None:
    """Return what all folders share; None where nothing was ever launched, or it cannot be read."""
    try:
        shared = decode_json(((data or paths.data_dir()) / SHARED_FILE).read_bytes(), msgspec.json.Decoder(Shared))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Shared(shared.folders, shared.values.model) if shared.values is not None else shared


def form_of(values: FormValues) -> LaunchForm:
    """Return the form with remembered values."""
    table = {item.name: getattr(values, item.name) for item in fields(FormValues)}
    return LaunchForm(**(table | {"tools": complete_rows(values.tools)}))


def values_of(form: LaunchForm) -> FormValues:
    """Return what of a form is remembered: no secrets, and no servers that are as they are configured."""
    table = {item.name: getattr(form, item.name) for item in fields(FormValues)}
    chosen = [row for row in form.servers if row.source == "new" or row.choice is not None]
    return FormValues(**(table | {"servers": tuple(map(without_secrets, chosen))}))


def default_form(shared: Shared | None) -> LaunchForm:
    """Return the form of a folder that nothing is remembered of."""
    return LaunchForm(workspaces=DEFAULT_WORKSPACES, model=shared.model if shared else "")


def save_launched(form: LaunchForm, folders: tuple[str, ...], base: Path, data: Path | None = None) -> None:
    """Remember a form that is launched, for the user alone (mode 0600), and the folders it works in.

    Values of MCP headers and environments are left out, and so is what an opened plan brought beyond the form.

    Args:
        form: The form.
        folders: The workspaces.
        base: The folder octui was started in.
        data: octui's data folder; the user's by default.

    Raises:
        OSError: It cannot be written.
    """
    target = paths.make_private(data or paths.data_dir()) / SHARED_FILE
    before = load_shared(data)
    recent = tuple(dict.fromkeys((*folders, *(before.folders if before else ()))))[:MAX_RECENT]
    write_private(target, encode_json({"folders": recent, "model": form.model.strip()}))
    _save(replace(load(base, data), launched=values_of(form), draft=None, is_partial=False), base, data)


def save_draft(form: LaunchForm | None, base: Path, data: Path | None = None) -> None:
    """Remember a form that is not launched yet, with the same left out; None forgets the draft there is.

    Raises:
        OSError: It cannot be written.
    """
    before = load(base, data)
    if form is None:
        if before.draft is not None:
            _save(replace(before, draft=None, is_partial=False), base, data)
        return
    _save(replace(before, draft=values_of(form), is_partial=form.base != RunConfig()), base, data)


def _save(remembered: Remembered, base: Path, data: Path | None) -> None:
    target = file_of(base, data)
    paths.make_private(target.parent)
    encoded = encode_json(replace(remembered, folder=os.path.realpath(base)))
    write_private(target, encoded, durable=False)  # It is written while somebody types.
    with suppress(OSError):
        kept = sorted(target.parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MAX_FORMS:]:
            path.unlink()


def write_private(target: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file, or leave what was there: mode 0600, by way of a temporary file beside it.

    Args:
        target: The file.
        data: What it holds.
        durable: Whether to wait for the disk, so that it outlives a crash of the system.

    Raises:
        OSError: It cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
