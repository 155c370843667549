"""Facts that come behind a session that is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.sessions import GATEWAY, WORKER, record

from octui.control.afterwards import acknowledge
from octui.errors import RecordingError
from octui.recording.facts import Attention
from octui.recording.layout import FACTS_FILE
from octui.recording.session import Session

REASONS = [Attention.PERMISSION_REJECTED]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    journal = record(tmp_path, [WORKER, GATEWAY])
    journal.close()
    return Session.open(journal.folder)


def test_a_fact_behind_a_line_that_was_cut_off_can_be_read(session: Session) -> None:
    facts = session.folder / FACTS_FILE
    with facts.open("ab") as file:
        file.write(b'{"fact":"state_cha')
    acknowledge(session, "worker", REASONS)
    assert not Session.open(session.folder).status.run("worker").attention


def test_a_session_that_was_deleted_meanwhile_is_told_to_be_unwritable(session: Session) -> None:
    session.folder.rename(session.folder.with_name("elsewhere"))
    with pytest.raises(RecordingError, match="cannot be written: No such file or directory"):
        acknowledge(session, "worker", REASONS)
