"""What all tests share: a home of their own, the real opencode, and a scripted model for it to ask.

Environment:
    OPENCODE_BINARY: The opencode to test with; by default the one in ``tools/opencode``.
    OPENCODE_INTEGRATION: ``0`` leaves the tests on the real opencode out.
    OPENCODE_INTEGRATION_TIMEOUT_S: Seconds such a test may take, 120 by default.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support import faults
from tests.support.faults import fault
from tests.support.leftovers import Leftovers
from tests.support.repository import make_repository
from tests.support.shared_server import SharedServer, shared

from octui.client.binary import binary_version
from octui.demo.model_server import OFFLINE_ENVIRONMENT, ModelServer, provider_config
from octui.paths import versions_file
from octui.recording.journal import Journal

# Machines are shared and may be slow: a property must hold, whatever time it takes.
settings.register_profile("octui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("octui")

ROOT = Path(__file__).resolve().parents[1]
_LOCAL_OPENCODE = ROOT / "tools/opencode/node_modules/.bin/opencode"
_OPENCODE = os.environ.get("OPENCODE_BINARY") or str(_LOCAL_OPENCODE)
_WITH_INTEGRATION = os.environ.get("OPENCODE_INTEGRATION", "1") != "0"
_NO_MODELS = Path(__file__).parent / "support/no_models.json"
_TIMEOUT_S = float(os.environ.get("OPENCODE_INTEGRATION_TIMEOUT_S") or 120)


MANY_FILES = 300
"""When so many more files are open than at the last look, those that no test holds any more are let go of."""

_left_open = [0]

_lent: list[SharedServer] = []
_lending = ExitStack()
"""The server that tests share, while there is one."""

__all__ = ["fault"]


def pytest_configure(config: pytest.Config) -> None:
    """Give the whole session a temporary folder, to see in the end what was left in it."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Leftovers(), "leftovers")


def pytest_report_header() -> str:
    if not _WITH_INTEGRATION:
        return "opencode: tests on the real opencode are left out (OPENCODE_INTEGRATION=0)"
    return f"opencode: {_OPENCODE}, at most {_TIMEOUT_S:g} s a test"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of faults where they were asked for."""
    if "fault" not in config.getoption("markexpr"):
        return
    reports = [report for found in terminalreporter.stats.values() for report in found if _is_teardown(report)]
    failed = [report.nodeid for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, ())]
    terminalreporter.section("faults")
    for line in faults.table(faults.rows_of(reports, failed)):
        terminalreporter.write_line(line)


def _is_teardown(report: object) -> bool:
    return getattr(report, "when", "") == "teardown"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.get_closest_marker("integration")]
    fast = [item for item in items if not item.get_closest_marker("integration")]
    if not _WITH_INTEGRATION:
        config.hook.pytest_deselected(items=slow)
        items[:] = fast
        return
    items[:] = _spread(slow, fast, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _spread(slow: list[pytest.Item], fast: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order tests for xdist's ``worksteal``, which first gives each worker one slice of the list.

    Each slice begins with its share of the slow tests, so that the quick ones fill the gaps at the end. Each worker
    that needs the server that tests share starts one, and ends it after the last of them, so half of the workers have
    all those tests, one after the other. A single process runs the quick ones first: their failures are told at once.
    """
    sharing, alone = [item for item in slow if _shares(item)], [item for item in slow if not _shares(item)]
    if workers == 1:
        return fast + sharing + alone
    hosts = max(1, workers // 2)
    hands = [sharing[n::hosts] if n < hosts else [] for n in range(workers)]
    for item in alone:
        min(hands, key=len).append(item)
    size = -(-len(fast) // workers)
    slices = [hand + fast[n * size : (n + 1) * size] for n, hand in enumerate(hands)]
    return [item for one in slices for item in one]


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets: their paths may have about 100 bytes only, and pytest's own folders have long names."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # What is left in it fails the session: see `Leftovers`.


@pytest.fixture(autouse=True)
def home(tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with XDG folders in it, and no network for opencode: no test sees or touches the user's own."""
    folder = tmp_path / "home"
    move_into(folder, monkeypatch)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    return folder


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect garbage as ever, which a start of octui puts off, and before files of what nobody holds add up."""
    thresholds = gc.get_threshold()
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    if _open_files() > _left_open[0] + MANY_FILES:
        gc.collect()
        _left_open[0] = _open_files()


@pytest.fixture(autouse=True)
def journals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close journals that a test leaves open: beyond 1,024 files `select` fails in whatever test comes later."""
    left: list[Journal] = []
    make = Journal.__init__

    def remember(journal: Journal, *args: Any, **kwargs: Any) -> None:
        left.append(journal)
        make(journal, *args, **kwargs)

    monkeypatch.setattr(Journal, "__init__", remember)
    yield
    for journal in left:
        with suppress(AttributeError, OSError):  # It may not have been made, or be harmed on purpose.
            journal.close()


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def move_into(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder the home, and clean the environment of whatever could make tests differ."""
    for name in list(os.environ):
        if name.startswith(("OPENCODE_", "OCTUI_", "GIT_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    for name, value in OFFLINE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # Compiling that no short run pays back: an eighth of its work, and another twentieth.
    monkeypatch.setenv("BUN_JSC_useFTLJIT", "0")
    monkeypatch.setenv("BUN_JSC_thresholdForOptimizeAfterWarmUp", "5000")
    # Collecting garbage beside the work, on processors that have other tests to run: a sixth of a run.
    monkeypatch.setenv("BUN_JSC_useConcurrentGC", "0")
    # opencode reads its list of all models anew in each folder: a third of a start, and more of a session's memory.
    monkeypatch.setenv("OPENCODE_MODELS_PATH", str(_NO_MODELS))
    for variable, name in {
        "HOME": "",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
    }.items():
        (home / name).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(home / name))


@pytest.fixture(scope="session")
def version_notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What octui keeps of the real opencode's version; opencode takes half a second to tell it."""
    notes = tmp_path_factory.mktemp("notes") / "versions.json"
    binary_version(_find_opencode(), notes)
    return notes


@pytest.fixture
def opencode_binary(home: Path, version_notes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real opencode; octui finds it through ``OPENCODE_BINARY``, and has been asked for its version before."""
    found = _find_opencode()
    monkeypatch.setenv("OPENCODE_BINARY", str(found))
    versions_file().parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(version_notes, versions_file())
    return found


@pytest.fixture(scope="session")
def session_temporary() -> Path:
    """The temporary folder of the whole session, whatever a test has instead."""
    return Path(tempfile.gettempdir())


@pytest.fixture
def shared_server(tmp_path_factory: pytest.TempPathFactory, session_temporary: Path) -> SharedServer:
    """A server of the real opencode that other tests use, too; its model has been asked nothing yet."""
    if not _lent:
        with pytest.MonkeyPatch.context() as monkeypatch:
            move_into(tmp_path_factory.mktemp("shared"), monkeypatch)
            monkeypatch.setenv("TMPDIR", str(session_temporary))
            monkeypatch.setattr(tempfile, "tempdir", str(session_temporary))
            _lent.append(_lending.enter_context(shared(_find_opencode())))
    (server,) = _lent
    server.model._requests.clear()
    return server


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the server that tests share once none of them follows: idle, it takes a tenth of a processor."""
    if _shares(item) and not _shares(nextitem):
        _take_back()


def pytest_sessionfinish() -> None:
    """End it where the tests were broken off."""
    _take_back()


def _take_back() -> None:
    _lent.clear()
    _lending.close()


def _shares(item: pytest.Item | None) -> bool:
    return "shared_server" in getattr(item, "fixturenames", ())


def _find_opencode() -> Path:
    found = shutil.which(_OPENCODE)
    if found is None:
        pytest.fail(
            f"There is no opencode at {_OPENCODE}. Install it with: npm install --prefix {ROOT / 'tools/opencode'} "
            "(or set OPENCODE_INTEGRATION=0 to leave these tests out)",
            pytrace=False,
        )
    return Path(found).absolute()


@pytest.fixture
def integration_timeout_s() -> float:
    """Seconds a test on the real opencode may take."""
    return _TIMEOUT_S


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """A running scripted model.

    Attributes:
        server: What it was asked is in ``server.requests``.
        config: For ``RunConfig.config_overrides``.
    """

    server: ModelServer
    config: dict[str, Any]


@pytest.fixture
def scripted_model() -> Iterator[ScriptedModel]:
    """A model that follows the directives in its prompt; see `octui.demo.script.script_from_prompt`."""
    with ModelServer() as server:
        yield ScriptedModel(server, provider_config(server.base_url))


@pytest.fixture
def git_workspace(tmp_path: Path) -> Path:
    """A small git repository for an agent to work in."""
    return make_repository(
        tmp_path / "workspace",
        {
            "README.md": "# Greeter\n\nSays hello.\n",
            "greeter.py": 'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n',
        },
    )
