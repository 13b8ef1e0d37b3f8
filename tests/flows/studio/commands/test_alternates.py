"""`script --alternates`: shown, or written; one exchanged, which makes one voice and one cut anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.cli.app import main
from flows.studio.commands.alternates import alternates
from flows.studio.errors import StudioError
from flows.studio.production.episode import Episode
from flows.studio.production.plan import make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import complete_script
from scripts_llm.files.read import read_script
from scripts_llm.screenplay.script import Line
from tests.flows.fish import make
from tests.scripts_llm.conftest import FakeServer, Reply, server

__all__ = ["server"]  # the fixture

FISH = "fish-chips/s01e01"
CAST = ["joe", "don"]


@pytest.fixture
def home(tiny: Path, heard: Any) -> Path:
    """The tiny show with a script of four scenes by the offline writer."""
    tiny.write_text(tiny.read_text("utf-8").replace("scenes: 1", "scenes: 4"), "utf-8")
    make(request(tiny.parent, writer="offline", until="script"), heard())
    return tiny.parent


def request(home: Path, **more: Any) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", **more)


def ask(home: Path, heard: Any, target: str | None, pick: int | None = None, **more: Any) -> Outcome:
    return alternates(request(home, **more), target, pick, heard())


def path_of(home: Path) -> Path:
    return home / "output" / FISH / "script.yaml"


def button(home: Path, index: int) -> Line:
    line = read_script(path_of(home), CAST).scenes[index].dialogue[-1]
    assert isinstance(line, Line)
    return line


def test_three_are_written_into_the_line_and_shown_and_the_rest_stays(home: Path, heard: Any) -> None:
    before = path_of(home).read_text("utf-8")
    outcome = ask(home, heard, "s02")
    line = button(home, 1)
    assert len(line.alternates) == 3
    after = path_of(home).read_text("utf-8")
    changed = [
        (old, new) for old, new in zip(before.split("\n"), after.split("\n"), strict=True) if old != new
    ]
    assert len(changed) == 1, "one row has them"
    assert [row.strip() for row in outcome.lines[1:5]] == [
        f"now  {line.line}",
        *(f"{number}  {text}" for number, text in enumerate(line.alternates, 1)),
    ]
    assert "--alternates s02 --pick 1" in outcome.lines[-1]
    assert ask(home, heard, "s02").lines[1:5] == outcome.lines[1:5]
    assert path_of(home).read_text("utf-8") == after, "to show them writes nothing"


def test_an_exchange_makes_one_voice_and_one_cut_anew(home: Path, heard: Any) -> None:
    ask(home, heard, "s02")
    episode = complete_script(Episode.open(request(home)))
    plan = make_plan(episode)
    old = {line.label: line.digest for line in plan.lines}
    shots = [shot.digest for shot in plan.shots]
    before = button(home, 1)
    outcome = ask(home, heard, "s02", 2)
    now = button(home, 1)
    assert (now.line, now.alternates[1], now.laugh) == (before.alternates[1], before.line, before.laugh)
    assert outcome.lines[0].endswith(now.line)
    assert before.line in outcome.lines[1]
    plan = make_plan(complete_script(Episode.open(request(home))))
    new = {line.label: line.digest for line in plan.lines}
    assert [label for label in new if new[label] != old[label]] == [outcome.lines[0].partition(":")[0]]
    assert [shot.digest for shot in plan.shots] == shots
    ask(home, heard, "s02", 2)
    assert button(home, 1) == before


def test_alternates_beside_a_line_change_nothing_that_was_made(home: Path, heard: Any) -> None:
    def recipes() -> Any:
        plan = make_plan(complete_script(Episode.open(request(home))))
        return [*(shot.recipe for shot in plan.shots), *(line.recipe for line in plan.lines)]

    before = recipes()
    ask(home, heard, "s03")
    assert recipes() == before


@pytest.mark.parametrize(
    ("target", "pick", "said"),
    [
        ("s2", None, r"wanted a scene like s04 or a line like s04-02, got 's2', did you mean s02\?"),
        ("s02-99", None, r"s02 has \d lines, got 's02-99'"),
        ("s02-01", None, "s02-01 has no alternates, and they are written for last lines alone"),
        ("s02", 1, r"has 0 alternates, got --pick 1"),
        (None, 1, "--pick: wanted the line that is to be exchanged, try --alternates s04"),
    ],
)
def test_what_there_is_not_is_told(
    home: Path, heard: Any, target: str | None, pick: int | None, said: str
) -> None:
    before = path_of(home).read_bytes()
    with pytest.raises(StudioError, match=said) as refused:
        ask(home, heard, target, pick)
    assert refused.value.code == 2
    assert path_of(home).read_bytes() == before


def test_a_locked_scene_is_shown_and_not_changed(home: Path, heard: Any) -> None:
    ask(home, heard, "s02")
    path = path_of(home)
    text = path.read_text("utf-8")
    for scene in ("s02", "s03"):
        text = text.replace(f"  - id: {scene}", f"  - id: {scene}\n    lock: true")
    path.write_text(text, "utf-8")
    assert ask(home, heard, "s02").lines[2].strip().startswith("1  ")
    for target, pick in (("s02", 1), ("s03", None)):
        with pytest.raises(StudioError, match="is locked"):
            ask(home, heard, target, pick)
    assert path.read_text("utf-8") == text


def test_a_line_of_ones_own_is_named_by_its_number(home: Path, heard: Any) -> None:
    path = path_of(home)
    first = read_script(path, CAST).scenes[1].dialogue[0]
    assert isinstance(first, Line)
    text = path.read_text("utf-8")
    row = next(row for row in text.split("\n") if first.line in row)
    own = f"      - {{who: {first.who}, line: My own., alternates: [Another.]}}  # mine"
    path.write_text(text.replace(row, own), "utf-8")
    assert ask(home, heard, "s02").lines[0].startswith("s02-01, ")
    assert ask(home, heard, "s02-01", 1).lines[0] == "s02-01: Another."
    assert own.replace("My own.", "?").replace("Another.", "My own.").replace(
        "?", "Another."
    ) in path.read_text("utf-8")


def test_a_model_writes_and_ranks_them(home: Path, heard: Any, server: FakeServer, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    lines = ["A cod.", "A haddock.", "Two haddocks."]

    def rank(asked: dict[str, Any]) -> Reply:
        text = asked["messages"][-1]["content"]
        (scene,) = json.loads(text.partition("<script>")[2].partition("</script>")[0])
        order = sorted(scene["candidates"], key=lambda letter: scene["candidates"][letter] != "Two haddocks.")
        return Reply(json.dumps({"scenes": [{"number": scene["number"], "orders": [order] * 3}]}))

    server.replies = [Reply(json.dumps({"scenes": [{"number": 2, "lines": lines}]})), rank]
    before = button(home, 1).line
    outcome = ask(home, heard, "s02", writer=f"small-model@{server.url}")
    assert outcome.lines[2].strip() == "1  Two haddocks."
    assert any("the writing took 2 calls" in line for line in outcome.lines)
    assert button(home, 1).line == before, "only a person exchanges it"
    server.replies = [Reply("no"), Reply("no")]
    with pytest.raises(StudioError, match=r"--writer small-model@.*wanted alternates, got an unusable"):
        ask(home, heard, "s03", writer=f"small-model@{server.url}")


def test_the_command_line_shows_and_exchanges(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = ["--premise", str(home / "fish.yaml"), "--output", str(home / "output")]
    for words in (["--alternates", "s02"], ["--alternates", "s02", "--pick", "1"], ["--pick", "1"]):
        with pytest.raises(SystemExit) as done:
            main(["script", *show, *words])
        assert done.value.code == (2 if words[0] == "--pick" else 0)
    told = capsys.readouterr()
    assert "s02-" in told.out
    assert "before: " in told.out
    assert "try --alternates s04" in told.err


def test_a_premise_that_wants_them_gets_them_with_the_script(tiny: Path, heard: Any) -> None:
    tiny.write_text(
        tiny.read_text("utf-8").replace("scenes: 1", "scenes: 4") + "writer: {alternates: 2}\n", "utf-8"
    )
    screen = heard()
    make(request(tiny.parent, until="script"), screen)
    assert "written by the offline writer" in path_of(tiny.parent).read_text("utf-8")
    assert [len(button(tiny.parent, index).alternates) for index in range(4)] == [2, 2, 2, 2]


def test_others_come_once_the_first_ones_are_taken_out(home: Path, heard: Any) -> None:
    path = path_of(home)
    came = set()
    for attempt in range(5):
        ask(home, heard, "s02")
        came.add(button(home, 1).alternates)
        text = path.read_text("utf-8")
        row = next(row for row in text.split("\n") if "alternates: [" in row)
        bare = row.partition(", alternates: [")[0]
        path.write_text(text.replace(row, f"{bare}}}  # not the first {attempt + 1}"), "utf-8")
    assert len(came) > 1
