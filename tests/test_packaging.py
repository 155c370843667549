"""What a user installs: the wheel and the source archive."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_the_wheel_ships_themes_sample_sessions_and_the_type_marker(dist: Path) -> None:
    names = zipfile.ZipFile(next(dist.glob("*.whl"))).namelist()
    for theme in (ROOT / "themes").glob("*.toml"):
        assert f"octui/_data/themes/{theme.name}" in names
    assert any(n.startswith("octui/_data/sample_sessions/") and n.endswith("facts.jsonl") for n in names)
    assert "octui/py.typed" in names


def test_the_wheel_ships_every_style_sheet(dist: Path) -> None:
    names = set(zipfile.ZipFile(next(dist.glob("*.whl"))).namelist())
    sheets = {str(sheet.relative_to(ROOT / "src")) for sheet in (ROOT / "src").rglob("*.tcss")}
    assert sheets
    assert sheets <= names


def test_the_source_archive_can_build_and_test_itself(dist: Path) -> None:
    archive = next(dist.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "constraints.txt", "tests/conftest.py"} <= names
    assert not [name for name in names if "node_modules" in name or ".venv" in name]


def test_octui_works_from_the_wheel_outside_its_checkout(dist: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*install, str(next(dist.glob("*.whl")))], check=True, capture_output=True)
    script = (
        "import octui, octui.paths\n"
        "from octui import AsyncOpenCodeClient, RunConfig\n"
        "print(octui.__file__)\n"
        "print(*sorted(p.name for p in octui.paths.package_data_dir('themes').glob('*.toml')))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    where, themes = done.stdout.splitlines()
    assert Path(where).is_relative_to(target)
    assert len(themes.split()) >= 4
