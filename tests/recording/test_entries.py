from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.recording import entries as entries_module
from octui.recording.entries import ENTRY_WORDS, Entries


@given(count=st.integers(0, 40), stored=st.lists(st.integers(0, 40), max_size=4).map(sorted), page=st.integers(1, 9))
def test_entries_are_the_same_wherever_they_are(count: int, stored: list[int], page: int) -> None:
    whole = array("Q", range(count * ENTRY_WORDS))

    def read(first: int, last: int) -> array[int]:
        return whole[first * ENTRY_WORDS : last * ENTRY_WORDS]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries_module, "PAGE", page)
        entries = Entries()
        entries.append(whole)
        for each in stored:
            if each <= count:
                entries.store(each, read)
                assert (len(entries), entries.held) == (count, count - each)
            assert [entries.word(at, 1) for at in range(count)] == [*whole[1::ENTRY_WORDS]]
            for first in range(count):
                assert entries.words(first, count) == whole[first * ENTRY_WORDS :]


def test_more_can_be_stored_than_there_were() -> None:
    whole = array("Q", range(20))
    entries = Entries()
    entries.append(whole[:4])
    entries.store(9, lambda first, last: whole[first * ENTRY_WORDS : last * ENTRY_WORDS])
    entries.append(whole[18:])
    assert len(entries) == 10
    assert entries.words(0, 10) == whole


def test_entries_that_were_given_away_cannot_be_asked_for() -> None:
    entries = Entries()
    entries.append(array("Q", [1, 2]))
    entries.store(1, None)
    with pytest.raises(LookupError):
        entries.word(0, 0)
