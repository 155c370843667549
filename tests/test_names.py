"""Names of runs, sessions and branches, in any script."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from octui.names import MOST_BYTES, fit, fits, folded, shorten
from octui.plan.build import plan_from_prompt
from octui.plan.names import is_name, numbered, safe_name, unique_name
from octui.recording.layout import slug

NFD = unicodedata.normalize("NFD", "café")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("api", "api"),
        ("支付", "支付"),
        ("Заказы", "Заказы"),
        ("مشاريع", "مشاريع"),
        ("हिन्दी", "हिन्दी"),
        ("ไทยที่", "ไทยที่"),
        ("my répo (2)", "my-répo-2"),
        (NFD, "café"),
        ("支付 服务", "支付-服务"),
        ("a/b\\c:d", "a-b-c-d"),
        ("🚀", "run"),
        ("🚀 api", "api"),
        ("..hidden", "hidden"),
        ("right\u202eleft\u2066\u200f", "rightleft"),
        ("zero\u200b\u200d\ufeffwidth\u00ad", "zerowidth"),
        ("blank\u3164\u115f\ufe0fletters", "blankletters"),
        ("e" + "\u0301" * 50, "é\u0301\u0301"),
        ("\u0301\u0301", "run"),
        ("\x1b[31mred\x07", "31mred"),
        ("caf\udce9", "caf"),
        ("", "run"),
        ("facts", "facts-run"),
        ("Facts", "Facts-run"),
    ],
)
def test_a_folder_gives_a_run_its_name(text: str, name: str) -> None:
    assert safe_name(text) == name
    assert is_name(name)
    assert fit(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".x",
            "a b",
            "a/b",
            "é\u202e",
            "x\u200b",
            "x\ufe0f",
            "\u0301x",
            "e\u0301\u0301\u0301",
            "a\x00",
            "caf\udce9",
        ),
        *("facts", "FACTS", "x" * 65, "支" * 43, "🚀", "a\u3164", "a:b", "～", "x\u20dd"),
    ],
)
def test_what_cannot_name_a_run(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("text", ["x" * 300, "支" * 300, "é" * 300, "😀x" * 99, "क्" * 99, "𠀀" * 99])
def test_long_names_are_cut_between_letters(text: str) -> None:
    name = safe_name(text)
    assert is_name(name)
    assert len(name.encode()) <= MOST_BYTES
    assert is_name(numbered(name, 12345))
    assert is_name(unique_name(name, {name}))
    assert not unicodedata.combining((fit(text) + "x")[len(name)])


def test_a_letter_is_not_parted_from_its_marks() -> None:
    assert shorten("ab\u0301c", 2) == "a"
    assert shorten("支付", 9, 5) == "支"


def test_names_that_a_file_system_may_take_for_one_are_told_apart() -> None:
    taken: set[str] = set()
    names = [unique_name(name, taken) for name in ("API", "api", "café", NFD, "Straße", "STRASSE", "支付", "支付")]
    assert names == ["API", "api-2", "café", f"{NFD}-2", "Straße", "STRASSE-2", "支付", "支付-2"]
    assert len({*map(folded, names)}) == len(names)


def test_folders_in_other_scripts_give_runs_names_of_their_own(tmp_path: Path) -> None:
    plan = plan_from_prompt("x", [tmp_path / "支付", tmp_path / "Заказы", tmp_path / ("長" * 80)], copies=2)
    names = [run.name for run in plan.runs]
    assert names[:4] == ["支付-1", "支付-2", "Заказы-1", "Заказы-2"]
    assert all(map(is_name, names))
    assert len({*names}) == len(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fix the Bug!", "fix-the-bug"),
        ("Größe_x.y", "größe-x-y"),
        ("支付を直す", "支付を直す"),
        ("!", "session"),
        ("x" * 50, "x" * 40),
        ("支" * 50, "支" * 26),
    ],
)
def test_a_session_folder_bears_its_name_in_any_script(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert fits(slug(name))
