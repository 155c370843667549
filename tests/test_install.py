from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.executables import make_script

from octui import paths
from octui.errors import OpenCodeError
from octui.install import install_opencode, installed_binary

_PLACEHOLDER = "import sys; sys.exit('postinstall script was not run')"

_NPM = """\
import os, pathlib, sys
arguments = sys.argv[1:]
prefix = pathlib.Path(arguments[arguments.index("--prefix") + 1])
package = prefix / "node_modules/opencode-ai"
(package / "bin").mkdir(parents=True)
version = arguments[-1].removeprefix("opencode-ai@")
binary = package / "bin/opencode.exe"
binary.write_text(f"#!{sys.executable}\\n" + BINARY.replace("VERSION", version))
binary.chmod(0o755)
(package / "postinstall.mjs").write_text(version)
(prefix / "node_modules/.bin").mkdir()
(prefix / "node_modules/.bin/opencode").symlink_to("../opencode-ai/bin/opencode.exe")
"""

_NODE = """\
import pathlib, sys
version = pathlib.Path(sys.argv[1]).read_text()
pathlib.Path("bin/opencode.exe").write_text(f"#!{sys.executable}\\nprint({version!r})")
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``PATH`` with nothing on it but what a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("OCTUI_HOME", str(tmp_path / "octui"))
    return folder


def _npm_that_installs(tools: Path, binary: str) -> None:
    make_script(tools / "npm", f"BINARY = {binary!r}\n{_NPM}")


def _leftovers() -> list[str]:
    return sorted(path.name for path in paths.data_dir().iterdir())


def test_opencode_is_installed_into_octuis_own_folder(tools: Path) -> None:
    _npm_that_installs(tools, "print('VERSION')")
    assert install_opencode("1.2.3") == installed_binary()
    assert installed_binary().is_file()
    assert installed_binary().is_relative_to(paths.data_dir())
    assert _leftovers() == ["opencode"]
    assert paths.data_dir().stat().st_mode & 0o077 == 0


def test_what_a_killed_install_left_is_removed(tools: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (paths.data_dir() / f"octui-install-{dead.pid}-abcdefgh" / "new").mkdir(parents=True)
    _npm_that_installs(tools, "print('VERSION')")
    install_opencode("1.2.3")
    assert _leftovers() == ["opencode"]


def test_a_placeholder_is_replaced_by_the_packages_own_script(tools: Path) -> None:
    _npm_that_installs(tools, _PLACEHOLDER)
    make_script(tools / "node", _NODE)
    install_opencode("1.2.3")
    assert "1.2.3" in installed_binary().read_text()


def test_a_second_install_replaces_the_first(tools: Path) -> None:
    _npm_that_installs(tools, "print('VERSION')")
    install_opencode("1.2.3")
    install_opencode("1.2.4")
    assert "1.2.4" in installed_binary().read_text()
    assert _leftovers() == ["opencode"]


@pytest.mark.parametrize(
    "binary", [_PLACEHOLDER, "print('0.0.1')"], ids=["a placeholder without node", "another version"]
)
def test_what_does_not_run_is_not_kept(tools: Path, binary: str) -> None:
    _npm_that_installs(tools, "print('VERSION')")
    install_opencode("1.2.3")
    _npm_that_installs(tools, binary)
    with pytest.raises(OpenCodeError, match="does not run"):
        install_opencode("1.2.4")
    assert "1.2.3" in installed_binary().read_text()
    assert _leftovers() == ["opencode"]


def test_a_missing_npm_is_told_in_one_sentence(tools: Path) -> None:
    assert shutil.which("npm") is None
    with pytest.raises(OpenCodeError, match=r"npm was not found.*Node\.js"):
        install_opencode()


def test_the_reason_npm_gives_is_told(tools: Path) -> None:
    code = "print('npm error code ETARGET\\nnpm error notarget No matching version found'); raise SystemExit(1)"
    make_script(tools / "npm", code)
    with pytest.raises(OpenCodeError, match="No matching version found"):
        install_opencode("9.9.9")
    assert _leftovers() == []


def test_an_npm_that_takes_too_long_is_ended(tools: Path) -> None:
    make_script(tools / "npm", "import time; time.sleep(3600)")
    with pytest.raises(OpenCodeError, match="took more than"):
        install_opencode(timeout_s=0.2)
    assert _leftovers() == []
