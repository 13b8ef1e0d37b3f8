"""What a night leaves behind."""

from __future__ import annotations

import json
import re
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.studio.commands import clean
from flows.studio.errors import StudioError
from flows.studio.production import batch, script, story_memory
from flows.studio.production.batch import Result
from flows.studio.production.episode import Episode
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome
from flows.studio.workspace import disk_usage, files, folder
from scripts_llm.files import continuity

BEGAN = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


@pytest.fixture
def options(tmp_path):
    return BatchRequest(premises=tmp_path / "premises", output=tmp_path / "output")


@pytest.fixture
def results(tmp_path):
    film = tmp_path / "output" / "show" / "s01e01" / "episode.mp4"
    return [
        Result(tmp_path / "a.yaml", Outcome(0, film), seconds=12.0),
        Result(tmp_path / "b.yaml", None, "b.yaml:1:1: wanted a show"),
    ]


def test_every_night_is_recorded_the_newest_first_and_the_page_is_drawn(options, results):
    batch.save_night(options, results, BEGAN)
    second = batch.save_night(options, results[:1], BEGAN)
    nights = files.read_json(options.output / "nights.json")["nights"]
    assert nights[0] == second
    assert [each["summary"] for each in nights] == ["1 of 1 made.", "1 of 2 made."]
    assert [each["exit_code"] for each in nights] == [0, 3]
    assert "b.yaml:1:1: wanted a show" in (options.output / "index.html").read_text("utf-8")


def test_a_command_gets_the_summary_as_json(options, results, tmp_path):
    record = batch.night_record(options, results, BEGAN)
    told = tmp_path / "told it's.json"
    copy = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read(), 'utf-8')"
    command = shlex.join([sys.executable, "-c", copy, str(told)])
    assert batch.call_on_done(command, record) is None
    assert json.loads(told.read_text("utf-8")) == record
    assert [show["made"] for show in record["shows"]] == ["yes", "no"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-here x", "No such file"),
        ("unclosed 'quote", "No closing quotation"),
        ("", "wanted a command"),
        (
            shlex.join([sys.executable, "-c", "import sys; sys.exit('out of paper')"]),
            r"code 1 \(out of paper",
        ),
    ],
)
def test_a_command_that_fails_is_told_in_one_line(options, results, command, said):
    fault = batch.call_on_done(command, batch.night_record(options, results, BEGAN))
    assert fault is not None
    assert "\n" not in fault
    assert re.search(said, fault)


@pytest.mark.parametrize(
    ("asked", "now", "at"),
    [
        ("07:00", datetime(2026, 3, 1, 2, 30), datetime(2026, 3, 1, 7, 0)),
        ("7:00", datetime(2026, 3, 1, 22, 0), datetime(2026, 3, 2, 7, 0)),
        ("00:00", datetime(2026, 12, 31, 23, 59), datetime(2027, 1, 1, 0, 0)),
        ("02:30", datetime(2026, 3, 1, 2, 30), datetime(2026, 3, 2, 2, 30)),
    ],
)
def test_a_time_of_day_is_the_next_one(asked, now, at):
    assert batch.next_time(asked, now) == at


@pytest.mark.parametrize("asked", ["24:00", "7", "soon", "07:60", ""])
def test_what_is_no_time_of_day_is_wrong_input(asked):
    with pytest.raises(StudioError, match="wanted a time of day such as 07:00") as told:
        batch.next_time(asked, BEGAN)
    assert told.value.code == 2


def test_a_night_that_will_not_fit_says_so_and_what_would_help(options, monkeypatch):
    plan = batch.Night((), (), num_bytes=3_000_000_000)
    monkeypatch.setattr(disk_usage, "free_bytes", lambda output: 1_200_000_000)
    assert batch.describe_lack_of_space(plan, options.output) == (
        "this night wants about 3.0 GB, and 1.2 GB are free; it goes on as far as it gets"
    )
    assert batch.describe_lack_of_space(batch.Night((), (), 1), options.output) is None


def test_cleaning_says_what_it_frees_before_and_after(tmp_path):
    for code in ("s01e01", "s01e02"):
        place = folder.EpisodeFolder(tmp_path / "show" / code, folder.parse_code(code))
        place.clips.mkdir(parents=True)
        (place.clips / "a.mp4").write_bytes(b"x" * 4_000_000)
        files.write_json(place.manifest, {})
        place.film.write_bytes(b"film")
    before = clean.clean(tmp_path, keep=1, dry_run=True)
    assert before.lines[0].endswith("s01e01: 4 MB in 1 files")
    assert before.lines[-1].startswith("would free 4 MB; 8 MB in ")
    assert clean.clean(tmp_path, keep=1, dry_run=False).lines[-1].startswith("freed 4 MB; 4 MB in ")
    assert clean.clean(tmp_path, keep=1, dry_run=False).lines[-1].startswith("freed 0 MB; ")


# ------------------------------------------------------------------------------ what a show remembers


@pytest.fixture
def told(tiny, tmp_path):
    """Writes an episode's script and lets the show remember it, as a run does."""

    def write(episode: str | None = None):
        request = EpisodeRequest(premise=tiny, episode=episode, writer="offline", output=tmp_path / "output")
        opened = Episode.open(request)
        opened.folder.root.mkdir(parents=True, exist_ok=True)
        remembered = story_memory.remember(script.write_script(opened, say=lambda line: None))
        files.write_json(opened.folder.manifest, {})
        return remembered

    return write


def test_every_episode_adds_what_it_told_and_the_next_one_knows_it(told):
    first = told()
    second = told("next")
    known = continuity.read_continuity(story_memory.continuity_path(second))
    assert [each.episode for each in known.episodes] == ["s01e01", "s01e02"]
    assert known.episodes[0].title == first.script.title
    assert [each.episode for each in story_memory.read_continuity_before(second).episodes] == ["s01e01"]
    assert story_memory.read_continuity_before(first).episodes == ()


def test_an_entry_that_a_person_changed_stays(told):
    first = told()
    path = story_memory.continuity_path(first)
    by_hand = path.read_text("utf-8").replace("title: ", "title: The real ", 1)
    path.write_text(by_hand, "utf-8")
    story_memory.remember(first)
    assert path.read_text("utf-8") == by_hand


def test_an_edited_script_is_remembered_as_it_is_now(told):
    first = told()
    story_memory.remember(replace(first, script=first.script.model_copy(update={"title": "Another"})))
    assert continuity.read_entry(story_memory.continuity_path(first), "s01e01").title == "Another"


def test_an_episode_deleted_and_begun_anew_takes_its_place_again(told):
    first = told()
    path = story_memory.continuity_path(first)
    path.write_text(path.read_text("utf-8").replace("title: ", "title: Old ", 1), "utf-8")
    for entry in sorted(first.folder.root.rglob("*"), reverse=True):
        entry.unlink() if entry.is_file() else entry.rmdir()
    again = told()
    (entry,) = continuity.read_continuity(path).episodes
    assert entry.title == again.script.title


def test_two_episodes_at_once_both_stand_in_the_shows_memory(told):
    """Each holds the file while it adds its entry; none writes over what the other has added."""
    first = told()
    jobs = []
    for number in range(2, 10):
        place = folder.EpisodeFolder(
            first.folder.root.with_name(f"s01e{number:02d}"), folder.EpisodeCode(1, number)
        )
        jobs.append(replace(first, folder=place).remember(told=None))
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(story_memory.remember, jobs))
    known = continuity.read_continuity(story_memory.continuity_path(first))
    assert [each.episode for each in known.episodes] == [f"s01e{number:02d}" for number in range(1, 10)]
