"""Which variables a process of opencode gets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support.executables import make_script

from octui.client import environment
from octui.client.binary import binary_version
from octui.client.environment import VARIABLES, Decision, inherited, process_environment, with_absolute_paths
from octui.client.isolation import Homes
from octui.client.user_config import CONTENT
from octui.discovery.queries import Queries

NO_VARIABLES = {
    "OPENCODE_SKILL_DESCRIPTION",  # A constant of the source text.
    "OPENCODE__",  # The end of a name of the web page.
    "OPENCODE_PHOTON_WASM_PATH",  # A property of `globalThis`.
}


def homes(*, private: bool = True, **more: object) -> Homes:
    return Homes(Path("/d"), has_private_data=private, has_private_config=private, keeps_permission=not private, **more)  # type: ignore[arg-type]


@pytest.mark.integration
def test_the_table_has_every_variable_of_the_real_opencode(opencode_binary: Path) -> None:
    program = opencode_binary.resolve().read_bytes()
    names = {name.decode() for name in re.findall(rb"OPENCODE_[A-Z0-9_]+", program)}
    assert len(names) > 50
    assert names - NO_VARIABLES - VARIABLES.keys() == set()


def test_every_decision_has_a_reason() -> None:
    assert {variable.decision for variable in VARIABLES.values()} == set(Decision)
    assert all(variable.reason for variable in VARIABLES.values())


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("private", [True, False])
def test_a_variable_is_inherited_as_the_table_says(name: str, private: bool) -> None:
    env = process_environment({name: "{}", "PATH": "/bin"}, homes(private=private), {})
    decision = VARIABLES[name].decision
    passes = decision is Decision.PASSED or (not private and decision in (Decision.WITH_DATA, Decision.WITH_CONFIG))
    assert (name in env) == passes
    assert env["PATH"] == "/bin"


def test_a_variable_of_a_later_opencode_is_passed_on() -> None:
    assert inherited({"OPENCODE_SOMETHING_NEW": "1"}) == {"OPENCODE_SOMETHING_NEW": "1"}


def test_what_is_kept_of_the_users_content_lies_below_the_overrides() -> None:
    kept = {
        "provider": {"a": {"name": "A"}, "b": {}},
        "model": "a/b",
        "plugin": ["mine"],
        "agent": {"x": {"tools": {}}},
    }
    own = {"provider": {"a": {"name": "B"}}, "plugin": ["p"], "agent": {"x": {"permission": {"bash": "deny"}}}}
    env = process_environment({CONTENT: "x"}, homes(content=kept), {CONTENT: json.dumps(own)})
    assert json.loads(env[CONTENT]) == {
        "provider": {"a": {"name": "B"}, "b": {}},
        "model": "a/b",
        "plugin": ["mine", "p"],
        "agent": {"x": {"tools": {}, "permission": {"bash": "deny"}}},
    }


def test_content_that_nothing_is_kept_of_is_dropped() -> None:
    assert CONTENT not in process_environment({CONTENT: '{"theme": "x"}'}, homes(), {})


def test_permissions_of_the_users_never_replace_overrides() -> None:
    env = process_environment({"OPENCODE_PERMISSION": "user"}, homes(private=False), {"OPENCODE_PERMISSION": "own"})
    assert env["OPENCODE_PERMISSION"] == "own"


def test_relative_paths_of_configuration_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    env = with_absolute_paths({"OPENCODE_CONFIG": "ci.json", "OPENCODE_CONFIG_DIR": "", "X": "y"})
    assert env == {"OPENCODE_CONFIG": str(tmp_path / "ci.json"), "OPENCODE_CONFIG_DIR": "", "X": "y"}


def test_an_opencode_that_is_asked_for_its_version_or_models_gets_no_variables_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_PID", "1")
    monkeypatch.setenv("OPENCODE_DB", "/shared.db")
    code = "import os, sys\nclean = 'OPENCODE_PID' not in os.environ\n"
    code += "if sys.argv[1] == 'models': print('a/clean' if clean and 'OPENCODE_DB' not in os.environ else 'a/not')\n"
    code += "else: print('1.18.33' if clean else 'not clean')"
    binary = make_script(tmp_path / "opencode", code)
    assert binary_version(binary) == "1.18.33"
    assert Queries(binary).models(tmp_path) == ("a/clean",)


def test_nobody_else_puts_together_the_variables_of_an_opencode() -> None:
    source = Path(environment.__file__).parents[1]
    modules = [path for room in ("client", "discovery", "fleet") for path in (source / room).rglob("*.py")]
    whole = re.compile(r"dict\(os\.environ\)|os\.environ\.(items|copy)")
    found = [path.name for path in modules if whole.search(path.read_text())]
    assert found == ["guardian.py"]  # Its process is no opencode.
