"""An episode from its premise to its film, and what a run makes of an edit; TOON films in two steps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import episode
from flows.studio.commands import cut
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.media import ffmpeg
from flows.studio.picture import render
from flows.studio.production import messages, run
from flows.studio.production.episode import Episode
from flows.studio.production.request import CutRequest, Outcome
from flows.studio.typography.caption_style import style_names
from flows.studio.workspace.folder import locked
from scripts_llm.errors import ScriptError
from t2v.pipeline import TextToVideo
from tests.flows.fish import FISH, fish_request, fish_story, make, nothing_to_do


def _lying(folder: Path) -> dict[str, set[tuple[str, int]]]:
    """The clips and voices that lie there, with their times."""
    return {
        kind: {
            (path.name, path.stat().st_mtime_ns)
            for path in (folder / kind).iterdir()
            if path.suffix == suffix
        }
        for kind, suffix in (("clips", ".mp4"), ("voices", ".wav"))
    }


def _new(folder: Path, before: dict[str, set[tuple[str, int]]]) -> tuple[int, int]:
    """How many clips and voices were made since."""
    now = _lying(folder)
    assert all(before[kind] <= now[kind] for kind in now), "an artifact was thrown away or made again"
    return len(now["clips"] - before["clips"]), len(now["voices"] - before["voices"])


def _edit(home: Path, old: str, new: str) -> None:
    path = home / "output" / FISH / "script.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
    prefect_server: str,
    heard: Any,
    tiny_premise: str,
    tiny_script: str,
) -> tuple[Path, Outcome, Any]:
    """A finished episode, made by the real flow, in a folder that has everything odd in its name."""
    home = tmp_path_factory.mktemp("a home: isn't [it], Дом")
    (home / "fish.yaml").write_text(tiny_premise, "utf-8")
    script = home / "output" / FISH / "script.yaml"
    script.parent.mkdir(parents=True)
    script.write_text(tiny_script, "utf-8")
    screen = heard()
    return home, episode.make_episode(Episode.open(fish_request(home)), screen, LoadedModels()), screen


@pytest.fixture
def home(made: tuple[Path, Outcome, Any], tmp_path: Path) -> Path:
    """A copy of the finished episode, to be edited."""
    return Path(shutil.copytree(made[0], tmp_path / "home"))


# ---------------------------------------------------------------------------------------------- making


def test_a_premise_becomes_a_checked_film_with_all_that_belongs_to_it(
    made: tuple[Path, Outcome, Any],
) -> None:
    home, outcome, screen = made
    folder = home / "output" / FISH
    assert (outcome.code, outcome.path) == (0, folder / "episode.mp4")
    assert str(folder / "episode.mp4") in outcome.lines[-1]
    for name in ("episode.srt", "episode.vtt", "poster.png", "contact_sheet.png", "manifest.json"):
        assert (folder / name).stat().st_size > 0
    assert "It blinked." in (folder / "episode.srt").read_text("utf-8")
    assert not [path for path in folder.rglob("*") if ".part" in path.name]
    assert any("2 shots ×" in line and "2 steps of" in line for line in screen.lines)
    assert "TOON reads listening as standing" in screen.lines
    assert any(line.startswith("the first clip: ") for line in screen.lines)
    assert "scene 1 of 1, shot 2, step 2 of 2" in screen.labels


def test_the_manifest_holds_what_is_needed_to_make_it_again(made: tuple[Path, Outcome, Any]) -> None:
    folder = made[0] / "output" / FISH
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    first = manifest["shots"][0]
    assert first["prompt"] == "Joe talking, the Don listening"
    assert "man (blue apron) talking" in first["composed"]
    assert first["understood"].startswith("medium shot, blue man with apron talking")
    assert (first["mapped"], first["unknown"]) == ({"listening": "standing"}, [])
    assert (folder / "clips" / first["clip"]).is_file()
    assert manifest["film_model"]["num_steps"] == 2
    assert len(manifest["film_model"]["weights"]) == 16
    assert manifest["files"].keys() >= {"episode.mp4", "episode.srt", "poster.png"}
    assert manifest["gag_cards"] == []
    assert manifest["settings"]["seed"] == 7
    assert -15 <= manifest["film"]["loudness_lufs"] <= -13


def test_prefect_shows_the_run_by_its_name_with_its_shots_and_its_sheet(
    made: tuple[Path, Outcome, Any], prefect_server: str
) -> None:
    import httpx
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
    mine = {str(run.id) for run in runs if run.name == "Fish & Chips s01e01"}
    assert mine
    found = httpx.post(f"{prefect_server}/artifacts/filter", json={}).json()
    shown = {artifact["type"]: artifact["data"] for artifact in found if artifact["flow_run_id"] in mine}
    assert shown["progress"] == 100
    assert shown["image"].startswith("data:image/jpeg")
    assert [row["id"] for row in json.loads(shown["table"])] == ["s01.1", "s01.2"]


def test_a_second_run_has_nothing_to_do_and_says_how_to_go_on(made: tuple[Path, Outcome, Any]) -> None:
    home = made[0]
    before = {path: path.stat().st_mtime_ns for path in (home / "output").rglob("*")}
    outcome = nothing_to_do(fish_request(home))
    assert outcome is not None
    assert outcome.code == 0
    assert "nothing to do" in outcome.lines[0]
    assert "episode.mp4" in outcome.lines[0]
    assert "--episode next" in outcome.lines[1]
    assert {path: path.stat().st_mtime_ns for path in (home / "output").rglob("*")} == before


def test_finding_nothing_to_do_needs_neither_prefect_nor_torch(
    made: tuple[Path, Outcome, Any], checkout: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from flows.studio.production import messages, run;"
        "from flows.studio.production.episode import Episode;"
        "from flows.studio.production.request import EpisodeRequest;"
        "o = EpisodeRequest(premise=Path(sys.argv[1]), output=Path(sys.argv[2]), writer='offline');"
        "e = Episode.open(o); messages.announce(e);"
        "assert run.begin(e, None).__enter__().plan.is_done(None);"
        "print([m for m in ('torch', 'prefect', 'moviepy', 'openai') if m in sys.modules])"
    )
    home = made[0]
    done = subprocess.run(
        [sys.executable, "-c", code, str(home / "fish.yaml"), str(home / "output")],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


# ------------------------------------------------------------------------------------------- going on


def test_other_words_make_one_voice_its_shot_and_the_cut_and_going_back_makes_nothing(
    home: Path, heard: Any
) -> None:
    folder = home / "output" / FISH
    before, film = _lying(folder), (folder / "episode.mp4").read_bytes()
    _edit(home, "It blinked.", "It winked.")
    assert nothing_to_do(fish_request(home)) is None
    outcome, screen = fish_story(home, heard)
    assert outcome.code == 0
    assert _new(folder, before) == (1, 1), "the shot that shows the speaker moves its lips otherwise"
    assert "  s01-01 voice: words changed" in screen.lines
    assert "  s01.1 clip: filmed again if its new lines move the lips otherwise" in screen.lines
    assert "to make: 1 shot, 1 voice line; 2 kept" in screen.lines
    assert "It winked." in (folder / "episode.srt").read_text("utf-8")
    assert (folder / "episode.mp4").read_bytes() != film
    both = _lying(folder)
    _edit(home, "It winked.", "It blinked.")
    assert fish_story(home, heard)[0].code == 0
    assert _new(folder, both) == (0, 0)
    assert "It blinked." in (folder / "episode.srt").read_text("utf-8")


def test_another_prompt_films_one_shot_and_its_clip_is_cut_in(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    _edit(home, "The Don talking", "The Don dancing")
    screen = fish_story(home, heard)[1]
    assert _new(folder, before) == (1, 0)
    assert "  s01.2 clip: prompt changed" in screen.lines
    both = _lying(folder)
    _edit(home, "The Don dancing", "The Don talking")
    fish_story(home, heard)
    assert _new(folder, both) == (0, 0)


def test_without_hibari_new_words_are_murmured_and_it_is_said_why(
    home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _lying(home / "output" / FISH)
    _edit(home, "It blinked.", "It winked at me.")
    with monkeypatch.context() as blocked:
        blocked.setitem(sys.modules, "hibari", None)
        outcome, screen = fish_story(home, heard, until="voices")
    assert outcome.code == 0
    assert _new(home / "output" / FISH, before) == (1, 1), "what was spoken stays"
    (note,) = [note for note in outcome.notes if note.startswith("murmured")]
    assert note in screen.text
    assert "hibari is not installed" in note
    assert "pip install 'hibari-tts[fast]==0.2.1'" in note
    assert "\n" not in note
    outcome, screen = fish_story(home, heard, until="voices")
    assert "1 voice line" in screen.text, "hibari is back, and speaks the line"
    assert not [note for note in outcome.notes if note.startswith("murmured")]


def test_an_inserted_line_is_the_only_one_that_is_spoken_and_its_speakers_shot_is_filmed(
    home: Path, heard: Any
) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    _edit(home, "      - joe: It blinked.\n", "      - joe: Look!\n      - joe: It blinked.\n")
    screen = fish_story(home, heard)[1]
    assert _new(folder, before) == (1, 1)
    assert "  s01-01 voice: new" in screen.lines


def test_a_shot_inserted_and_a_scene_put_before_it_make_only_themselves(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    scene = '  - slugline: EXT. STREET - NIGHT\n    shots: [{size: establishing, prompt: "street, night"}]\n'
    _edit(home, "scenes:\n", f"scenes:\n{scene}")
    outcome, _ = fish_story(home, heard, until="voices")
    assert outcome.code == 0
    assert _new(folder, before) == (1, 0)
    text = (folder / "script.yaml").read_text("utf-8")
    assert "id: s02" in text
    assert text.startswith("# my own comment\n")


def test_a_look_flows_from_the_premise_into_the_shots_that_show_it(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8").replace("man, blue apron", "man, red apron"), "utf-8")
    screen = fish_story(home, heard, until="clips")[1]
    assert _new(folder, before) == (1, 0)
    assert "  s01.1 clip: the scene's action, a look or the style changed" in screen.lines


def test_options_that_are_not_given_again_keep_their_value(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    assert nothing_to_do(fish_request(home).model_copy(update={"writer": None})) is not None
    screen = fish_story(home, heard, until="clips", seed=8)[1]
    assert _new(folder, before) == (2, 0)
    assert "  s01.1 clip: seed changed" in screen.lines
    assert nothing_to_do(fish_request(home, until="clips")) is not None, "the seed is remembered"
    both = _lying(folder)
    fish_story(home, heard, until="clips", seed=7)
    assert _new(folder, both) == (0, 0), "going back to the old seed films nothing"
    assert nothing_to_do(fish_request(home, until="clips")) is not None


# ------------------------------------------------------------------------------------- what goes wrong


def test_a_shot_that_fails_twice_becomes_a_gag_card_and_is_tried_again(
    home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "output" / FISH
    _edit(home, "The Don talking", "The Don flying")
    model = TextToVideo
    real: Callable[..., Any] = model.generate
    tries = []

    def fails_for_the_flight(self: Any, prompt: str | dict[int, str], **settings: Any) -> Any:
        if "flying" in str(prompt):
            tries.append(prompt)
            raise RuntimeError("out of memory")
        return real(self, prompt, **settings)

    monkeypatch.setattr(model, "generate", fails_for_the_flight)
    outcome, screen = fish_story(home, heard)
    assert outcome.code == 3
    assert len(tries) == 2
    assert outcome.notes == ("1 gag card (s01.2)",)
    assert any("s01.2 failed twice (RuntimeError: out of memory)" in line for line in screen.lines)
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["gag_cards"] == ["s01.2"]
    assert nothing_to_do(fish_request(home)) is None

    monkeypatch.setattr(model, "generate", real)
    before = _lying(folder)
    outcome, screen = fish_story(home, heard)
    assert outcome.code == 0
    assert "  s01.2 clip: it failed last time" in screen.lines
    assert _new(folder, before) == (1, 0)
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["gag_cards"] == []


def test_ctrl_c_passes_through_and_the_next_run_goes_on_where_it_stopped(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    shutil.rmtree(folder / "clips")

    def stop(label: str) -> None:
        if label.endswith("shot 2, step 1 of 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(fish_request(home), heard(stop))
    assert len(list((folder / "clips").glob("*.mp4"))) == 1
    assert not [path for path in folder.rglob("*") if ".part" in path.name]
    before = _lying(folder)
    assert fish_story(home, heard)[0].code == 0
    assert _new(folder, before) == (1, 0)


def test_another_shape_is_cut_from_what_is_there_and_films_nothing(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = _lying(folder)
    tall = cut.cut(fish_request(home), CutRequest("9:16", 512), heard())
    assert tall.path == folder / "episode.9x16.mp4"
    assert "512x910" in tall.lines[0]
    short = cut.cut(fish_request(home), CutRequest(scenes=("s01",), framing="crop"), heard())
    assert short.path == folder / "s01.16x9.mp4"
    assert "192x108" in short.lines[0]
    assert _new(folder, before) == (0, 0)
    for film in (tall.path, short.path):
        assert film.with_suffix(".srt").stat().st_size > 0
    whole = ffmpeg.probe(folder / "episode.mp4")
    assert ffmpeg.probe(tall.path).num_frames == whole.num_frames
    assert ffmpeg.probe(short.path).num_frames < whole.num_frames  # no title card
    again = cut.cut(fish_request(home), CutRequest("9:16", 512), heard())
    assert again.path == tall.path


def test_a_cut_of_what_was_never_filmed_or_is_no_scene_is_refused(home: Path, heard: Any) -> None:
    with pytest.raises(StudioError, match="--scenes: wanted some of s01, got s09"):
        cut.cut(fish_request(home), CutRequest(scenes=("s09",)), heard())
    with pytest.raises(StudioError, match="wanted --aspect, --lines or --scenes"):
        cut.cut(fish_request(home), CutRequest(), heard())
    shutil.rmtree(home / "output" / FISH / "clips")
    with pytest.raises(StudioError, match=r"2 clips or voices are not there.*coldopen episode") as told:
        cut.cut(fish_request(home), CutRequest("9:16"), heard())
    assert told.value.code == 2


def test_when_the_time_is_up_no_further_shot_is_begun_and_the_next_run_goes_on(
    home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "output" / FISH
    shutil.rmtree(folder / "clips")
    monkeypatch.setattr(run, "time_is_up", lambda stop_at: bool(list((folder / "clips").glob("*.mp4"))))
    with pytest.raises(StudioError, match=r"1 of 2 shots were filmed; the time was up"):
        make(fish_request(home), heard())
    monkeypatch.undo()
    before = _lying(folder)
    assert fish_story(home, heard)[0].code == 0
    assert _new(folder, before) == (1, 0)


def test_the_show_remembers_what_the_episode_told(made: tuple[Path, Outcome, Any]) -> None:
    told = (made[0] / "output" / FISH).parent / "continuity.yaml"
    assert "- episode: s01e01\n    title: The Fish\n" in told.read_text("utf-8")


KILLED = """
import os, signal, sys
from pathlib import Path
from flows.studio.filming.models import LoadedModels
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from flows.studio.production.run import make_episode
from flows.studio.production.steps import LocalSteps

class Console:
    def say(self, text): pass
    warn = show_preview = say
    def progress(self, label, done=0, total=0, *, shot=""):
        if label.endswith("shot 2, step 2 of 2"):
            os.kill(os.getpid(), signal.SIGKILL)

options = EpisodeRequest(premise=Path(sys.argv[1]), output=Path(sys.argv[2]), writer="offline")
make_episode(Episode.open(options), Console(), LocalSteps(LoadedModels()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
def test_kill_9_loses_the_shot_in_hand_and_nothing_else(home: Path, heard: Any, checkout: Path) -> None:
    folder = home / "output" / FISH
    shutil.rmtree(folder / "clips")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home / "fish.yaml"), str(home / "output")],
        cwd=checkout,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()
    before = _lying(folder)
    assert len(before["clips"]) == 1
    assert fish_story(home, heard)[0].code == 0
    assert _new(folder, before) == (1, 0)


def test_two_runs_at_once_do_not_disturb_each_other(home: Path, heard: Any) -> None:
    work = Episode.open(fish_request(home))
    shutil.rmtree(work.folder.voices)
    with locked(work.folder), pytest.raises(StudioError, match="is being worked on by process"):
        make(fish_request(home), heard())


SMALL = """
import resource, sys
from pathlib import Path
from flows.studio.production import script
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from flows.studio.errors import StudioError

options = EpisodeRequest(premise=Path(sys.argv[1]), output=Path(sys.argv[2]), writer="offline")
work = Episode.open(options)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    script.write_script(work, say=print)
except StudioError as error:
    print(error.code, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_disk_that_refuses_the_script_is_one_line_and_leaves_nothing(tiny: Path, checkout: Path) -> None:
    output = tiny.parent / "output"
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(tiny), str(output)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("1 "), done.stderr
    assert "the file may not grow so large" in done.stdout
    assert [path for path in output.rglob("*") if path.is_file()] == []


def test_a_premise_that_is_wrong_is_refused_before_any_server_starts(home: Path) -> None:
    (home / "fish.yaml").write_text("show: [Fish]\n", "utf-8")
    with pytest.raises(ScriptError, match=r"fish\.yaml:1:7"):
        messages.announce(Episode.open(fish_request(home)))
    with pytest.raises(ScriptError):
        nothing_to_do(fish_request(home))


def test_someone_in_the_script_who_is_not_cast_is_told_with_line_and_column(home: Path) -> None:
    _edit(home, "- joe: It blinked.", "- jo: It blinked.")
    with pytest.raises(ScriptError, match=r"script\.yaml:13:9.*jo"):
        nothing_to_do(fish_request(home))


def test_the_film_decodes_to_what_its_timeline_says(made: tuple[Path, Outcome, Any]) -> None:
    home = made[0]
    folder = home / "output" / FISH
    found = render.ffmpeg.probe(folder / "episode.mp4")
    assert (found.width, found.height) == (192, 108)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert found.num_frames == manifest["film"]["num_frames"]
    assert style_names()
