from __future__ import annotations

import os
from pathlib import Path

import pytest

from octui.errors import SettingsError
from octui.paths import package_data_dir
from octui.tui.theming import (
    AA_CONTRAST,
    DEFAULT_THEME,
    MAX_FILE_BYTES,
    contrast,
    folder_mark,
    load_theme,
    load_themes,
    text_pairs,
)

OURS = sorted(package_data_dir("themes").glob("*.toml"))

MINIMAL = """
name = "mine"
[colors]
background = "#101010"
foreground = "#f0f0f0"
surface = "#181818"
panel = "#202020"
primary = "#a0c0ff"
accent = "#a0c0ff"
success = "#90e090"
warning = "#f0c060"
error = "#ff9090"
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_there_are_at_least_four_themes_one_light_and_one_high_contrast() -> None:
    themes = [load_theme(path) for path in OURS]
    assert len(themes) >= 4
    assert any(not theme.dark for theme in themes)
    assert any("contrast" in theme.name for theme in themes)
    assert DEFAULT_THEME in [theme.name for theme in themes]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_text_of_a_theme_has_the_contrast_wcag_asks_for(path: Path) -> None:
    faint = {what: contrast(*pair) for what, *pair in text_pairs(load_theme(path)) if contrast(*pair) < AA_CONTRAST}
    assert faint == {}


def test_the_high_contrast_theme_reaches_the_enhanced_level() -> None:
    theme = load_theme(package_data_dir("themes") / "octui-contrast.toml")
    assert min(contrast(text, ground) for _, text, ground in text_pairs(theme)) >= 7


def test_contrast_is_21_between_black_and_white_and_1_between_equals() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == pytest.approx(1)


def test_colours_alone_make_a_theme(tmp_path: Path) -> None:
    theme = load_theme(write(tmp_path, MINIMAL))
    assert theme.name == "mine"
    assert theme.variables["role-added"].lower() == "#90e090"


def test_a_role_of_the_file_wins_over_what_follows_from_the_colours(tmp_path: Path) -> None:
    theme = load_theme(write(tmp_path, MINIMAL + '[roles]\nadded = "#abcdef"\n'))
    assert theme.variables["role-added"].lower() == "#abcdef"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name"),
        ("name = ", "cannot be used"),
        (MINIMAL.replace('"#101010"', '"no colour"'), "colors.background"),
        (MINIMAL.replace('"#101010"', '"#10101080"'), "opaque"),
        (MINIMAL.replace("panel", "pannel"), "pannel"),
        (MINIMAL + '[roles]\nnoses = "#ffffff"\n', "roles.noses"),
        (MINIMAL.replace('"mine"', '"a\\u001bb"'), "name"),
        ("#" * (MAX_FILE_BYTES + 1), "larger"),
    ],
)
def test_a_broken_theme_is_refused_with_its_file_and_the_place(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_theme(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_broken_theme_is_told_and_skipped_and_the_others_load(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    write(tmp_path, "nonsense", "broken.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    loaded = load_themes([tmp_path])
    assert list(loaded.themes) == ["mine"]
    assert len(loaded.problems) == 3


def test_the_users_theme_hides_ours_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL.replace("mine", DEFAULT_THEME))
    loaded = load_themes([package_data_dir("themes"), tmp_path])
    assert loaded.themes[DEFAULT_THEME].background == "#101010"


def test_a_folder_that_is_not_there_has_no_themes(tmp_path: Path) -> None:
    assert load_themes([tmp_path / "nothing"]).themes == {}


def test_the_mark_of_a_folder_changes_with_its_themes(tmp_path: Path) -> None:
    before = folder_mark(tmp_path)
    path = write(tmp_path, MINIMAL)
    written = folder_mark(tmp_path)
    os.utime(path, ns=(1, 1))
    assert len({before, written, folder_mark(tmp_path)}) == 3
