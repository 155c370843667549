"""What is in a transcript, and in its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tui.sessions import (
    API,
    GATEWAY,
    PROMPT,
    START,
    WORKER,
    Script,
    record,
    step_finish,
    step_start,
    text,
    tool,
)
from tests.tui.test_hostile import EVIL, hostile_session

from octui.client.serve.events import Option, Permission, Question, QuestionItem
from octui.export import data, html, markdown
from octui.export.transcript import Called, Requested, Transcript
from octui.recording.facts import RequestAnswered, RequestAsked, RunState
from octui.recording.session import Session
from octui.tui.theming import load_themes, theme_folders


def transcript(folder: Path) -> Transcript:
    return Transcript(Session.open(folder))


def as_json(folder: Path) -> dict[str, Any]:
    written = "".join(data.write(transcript(folder)))
    assert written.isascii()
    found: dict[str, Any] = json.loads(written)
    return found


def test_a_run_is_told_from_its_prompt_to_its_outcome_in_the_order_of_time(tmp_path: Path) -> None:
    told = as_json(record(tmp_path, [GATEWAY]).folder)
    (run,) = told["runs"]
    assert [entry["kind"] for entry in run["entries"]] == [
        *("prompt", "state", "state", "tool", "tool", "step", "answer", "step", "state")
    ]
    assert run["entries"][0] == {"kind": "prompt", "at": START, "text": PROMPT}
    assert (run["state"], round(run["cost"], 6), run["tokens"]["total"]) == ("succeeded", 0.15, 41_100)
    edit = run["entries"][3]
    assert edit["changes"] == [
        {
            "file": "src/limits.py",
            "additions": 1,
            "deletions": 1,
            "patch": "@@ -12,2 +12,2 @@\n def limit():\n-    return 10\n+    return 100\n",
        }
    ]
    assert run["entries"][4]["todos"][0] == {"status": "completed", "content": "raise the limit"}


def test_a_cost_from_which_steps_are_missing_is_marked_in_every_format(tmp_path: Path) -> None:
    cut_off = Script("api", [step_start(), step_finish(), step_start()], RunState.FAILED)
    folder = record(tmp_path, [cut_off, GATEWAY]).folder
    api, gateway = as_json(folder)["runs"]
    assert (api["cost"], api["cost_is_incomplete"], gateway["cost_is_incomplete"]) == (0.01, True, False)
    told, both = Transcript(Session.open(folder)), html.themes(load_themes(theme_folders()).themes, "octui-dark")
    for document in ("".join(markdown.write(told)).replace("\\", ""), "".join(html.write(told, *both))):
        assert "≥$0.01" in document
        assert "≥$0.16 in all" in document
        assert "≥$0.15" not in document


def test_all_runs_are_there_with_what_they_need_a_person_for(tmp_path: Path) -> None:
    api, worker = as_json(record(tmp_path, [API, WORKER]).folder)["runs"]
    assert api["name"] == "api"
    assert (worker["state"], worker["error"]) == ("failed", "the run ended without a final answer")
    assert worker["attention"] == ["opencode rejected by itself: bash (alembic upgrade head)"]
    (refused,) = [entry for entry in worker["entries"] if entry["kind"] == "tool"]
    assert refused["refused"] == "permission rejected"


def test_what_was_asked_stands_with_its_answer(tmp_path: Path) -> None:
    journal = record(tmp_path, [API], live=True)
    push = Permission(id="p1", permission="bash", patterns=("git push",), metadata={"command": "git push"})
    which = QuestionItem(question="Which?", options=(Option(label="This"), Option(label="That")))
    journal.fact(RequestAsked(at=START + 20, run="api", permission=push))
    journal.fact(RequestAnswered(at=START + 25, run="api", request_id="p1", answer="once"))
    journal.fact(RequestAsked(at=START + 30, run="api", question=Question(id="q1", questions=(which,))))
    first, second = [each for each in transcript(journal.folder).entries("api") if isinstance(each, Requested)]
    assert first.permission == push
    assert (first.answer, first.answered_at) == ("once", START + 25)
    assert second.questions == [which]
    assert (second.answer, second.answered_at) == ("", None)


def test_a_bare_log_of_opencode_has_a_transcript_too(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    log.write_bytes((record(tmp_path / "s", [GATEWAY]).folder / "gateway.jsonl").read_bytes())
    (run,) = as_json(log)["runs"]
    assert run["name"] == "run"
    assert run["state"] == "succeeded"
    assert [entry["kind"] for entry in run["entries"]] == ["tool", "tool", "step", "answer", "step"]


def test_what_looks_like_a_secret_is_masked_wherever_it_stands(tmp_path: Path) -> None:
    key = "s3cr3t-key"
    events = [
        tool("bash", "", input={"command": f"curl -H 'Authorization: Bearer {key}' https://u:{key}@host"}, output=key),
        tool("x", "", input={"api_key": key}, output=f"api_key={key}"),
        text(f"I used https://host/?token={key}"),
    ]
    written = "".join(data.write(transcript(record(tmp_path, [Script("a", events)]).folder)))
    (call, *_) = list(transcript(record(tmp_path, [Script("a", events)]).folder).entries("a"))[3:]
    assert isinstance(call, Called)
    assert written.count(key) == 1, "only where nothing says that it is one"
    assert call.output == key


def test_json_holds_hostile_texts_to_the_letter_and_none_of_their_bytes(tmp_path: Path) -> None:
    run, _ = as_json(hostile_session(tmp_path))["runs"]
    texts = [entry["text"] for entry in run["entries"] if entry["kind"] == "reasoning"]
    assert texts == [EVIL]


def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    rows = [{"type": "text", "timestamp": at, "part": {"text": str(at)}} for at in (3000, 1000, 2000)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run,) = as_json(log)["runs"]
    assert [entry["text"] for entry in run["entries"]] == ["3000", "1000", "2000"]
