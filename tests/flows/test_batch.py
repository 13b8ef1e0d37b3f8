"""A folder of shows: which episodes, in which order, and what the morning hears of them."""

from __future__ import annotations

import contextlib

import pytest

from flows import batch
from flows.cli.app import main
from flows.studio.errors import StudioError
from flows.studio.production import batch as batches
from flows.studio.production.batch import Result, Task
from flows.studio.production.console import Console
from flows.studio.production.request import BatchRequest, Outcome
from flows.studio.workspace import files, folder

PREMISE = "show: {show}\nlogline: A cat runs for mayor.\n"
BROKEN = "show: Broken\nlogline: [no\n"


@pytest.fixture
def options(tmp_path):
    (tmp_path / "premises").mkdir()
    return BatchRequest(premises=tmp_path / "premises", writer="offline", output=tmp_path / "output")


@pytest.fixture
def add(options):
    """Writes a premise, and an episode of its show if one is wanted: begun, filmed or with gag cards."""

    def add_premise(name: str, show: str, *, begun=False, film=False, gags=(), text=PREMISE):
        path = options.premises / f"{name}.yaml"
        path.write_text(text.format(show=show), encoding="utf-8")
        episode = folder.choose_episode(options.output, show, season=1, wanted=None)
        if begun or film:
            episode.root.mkdir(parents=True)
            episode.script.write_text("title: x\n", encoding="utf-8")
            files.write_json(episode.manifest, {"gag_cards": list(gags)})
        if film:
            episode.film.write_bytes(b"a film")
        return path

    return add_premise


def made(path, code=0, notes=()):
    return Result(path, Outcome(code, path.with_suffix(".mp4"), notes=notes), seconds=61.4)


def test_every_show_gets_its_next_episode_in_the_order_of_the_files(add, options):
    second, first = add("b", "The Moon Bar"), add("a", "Robot Roommates", film=True)
    assert batches.plan_night(options).tasks == (Task(first, "next"), Task(second, "next"))


def test_what_is_unfinished_comes_first_and_its_show_still_gets_the_next_one(add, options):
    fresh, begun = add("a", "Robot Roommates", film=True), add("b", "The Moon Bar", begun=True)
    assert batches.plan_night(options).tasks == (Task(begun, None), Task(fresh, "next"), Task(begun, "next"))


def test_an_episode_with_gag_cards_is_unfinished(add, options):
    path = add("a", "Robot Roommates", film=True, gags=["s02.1"])
    assert batches.plan_night(options).tasks[0] == Task(path, None)


def test_the_second_premise_of_a_show_is_refused_with_the_names_of_both(add, options):
    first, second = add("a", "The Moon Bar"), add("b", "the moon bar!")
    plan = batches.plan_night(options)
    assert plan.tasks == (Task(first, "next"),)
    assert [result.premise for result in plan.refused] == [second]
    assert str(first) in plan.refused[0].fault
    assert str(second) in plan.refused[0].fault


def test_a_broken_premise_is_told_and_keeps_nobody_else_from_being_made(add, options):
    good, broken = add("a", "The Moon Bar"), add("b", "Broken", text=BROKEN)
    plan = batches.plan_night(options)
    assert plan.tasks == (Task(good, "next"),)
    assert [result.premise for result in plan.refused] == [broken]
    assert plan.refused[0].fault.startswith(f"{broken}:2:10: wanted ")
    assert "^" not in plan.refused[0].fault


def test_a_show_whose_unfinished_episode_failed_tonight_begins_no_other(tmp_path):
    failed = Result(tmp_path / "a.yaml", None, "no")
    assert not batches.is_to_be_made(Task(failed.premise, "next"), [failed])
    assert batches.is_to_be_made(Task(tmp_path / "b.yaml", "next"), [failed, made(tmp_path / "b.yaml")])


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((0, 0), 0),
        ((0, 3), 3),
        ((0, None), 3),
        ((3, None), 3),
        ((None, None), 1),
        ((1, None), 1),
        ((0, 1), 3),
    ],
)
def test_the_exit_code_says_whether_all_some_or_none_were_made(tmp_path, codes, code):
    path = tmp_path / "a.yaml"
    results = [Result(path, None, "no") if each is None else made(path, each) for each in codes]
    assert batches.exit_code(results) == code


def test_the_summary_names_every_premise_with_its_film_its_fault_and_what_is_to_know(tmp_path):
    results = [
        made(tmp_path / "a.yaml"),
        made(tmp_path / "b.yaml", 3, ("1 gag card (s02.1)",)),
        Result(tmp_path / "c.yaml", None, "c.yaml:2:3: wanted a sentence, got a list"),
    ]
    head, *lines = batches.summary(results)
    assert head == "2 of 3 made."
    assert lines == [
        f"  made      a.yaml: {tmp_path / 'a.mp4'}",
        f"  gag cards b.yaml: {tmp_path / 'b.mp4'}",
        "            1 gag card (s02.1)",
        "  not made  c.yaml: c.yaml:2:3: wanted a sentence, got a list",
    ]
    assert [row["made"] for row in batches.table(results)] == ["yes", "with gag cards", "no"]
    assert batches.table(results)[0]["seconds"] == "61"


@pytest.mark.parametrize("wrong", ["nowhere", "a file", "empty"])
def test_a_wrong_folder_is_exit_code_2_and_says_what_to_try(tmp_path, wrong):
    path = tmp_path / "premises"
    if wrong == "a file":
        path.write_text("show: x\n", encoding="utf-8")
    elif wrong == "empty":
        path.mkdir()
    with pytest.raises(StudioError, match="coldopen new") as told:
        batches.announce(BatchRequest(premises=path))
    assert told.value.code == 2


def test_the_first_line_says_how_many_shows_and_where_to(add, options):
    add("a", "The Moon Bar")
    assert batches.announce(options) == (
        f"The next episode of 1 show in {options.premises}, unfinished ones first, into {options.output}."
    )


def test_what_was_said_of_the_film_model_holds_for_every_show(prefect_server, add, options):
    add("a", "The Moon Bar")
    video = {"size": "100x100", "steps": 3}
    said: list[str] = []
    with Console(write=said.append) as screen:
        outcome = batch.make_batch(options.model_copy(update={"video": video}), screen)
    assert outcome.code == 1
    wanted = (
        "  not made  a.yaml: video: size: TOON wants width and height in steps of 8, got 100x100, try 96x96"
    )
    assert outcome.lines[1] == wanted
    one = Task(options.premises / "a.yaml", "next")
    assert batches.episode_request(one, options.model_copy(update={"video": video})).video == video


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--size", "large"], "--size: wanted width and height like 256x256, got 'large'"),
        (["--memory", "much"], "--memory: wanted \"auto\" or gigabytes like 8GB, got 'much'"),
        (["--video-model", "./nowhere"], "video: ./nowhere: no such film model: wanted"),
    ],
)
def test_a_wrong_video_option_ends_the_night_before_it_begins(add, options, capsys, more, told):
    add("a", "The Moon Bar")
    with pytest.raises(SystemExit) as caught:
        main(["batch", "--premises", str(options.premises), "--output", str(options.output), *more])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(told)
    assert not options.output.exists()


def test_every_show_is_tried_whatever_became_of_the_others(prefect_server, add, options):
    """Somebody else is working on two of the shows, and one premise is broken: three faults, none made."""
    add("a", "The Moon Bar")
    add("b", "Broken", text=BROKEN)
    add("c", "Robot Roommates")
    said: list[str] = []
    with Console(write=said.append) as screen, contextlib.ExitStack() as others:
        for show in ("The Moon Bar", "Robot Roommates"):
            held = folder.choose_episode(options.output, show, season=1, wanted="next")
            others.enter_context(folder.locked(held))
        outcome = batch.make_batch(options, screen)
    assert outcome.code == 1
    assert outcome.lines[0] == "0 of 3 made."
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        assert any(line.startswith(f"  not made  {name}: ") for line in outcome.lines)
    assert sum("is being worked on by process" in line for line in outcome.lines) == 2


def test_shows_at_once_do_not_share_a_bound_on_money(tmp_path):
    request = BatchRequest(premises=tmp_path, at_once=2, max_cost=5)
    with pytest.raises(StudioError, match="do not see each other's costs") as error:
        batches.announce(request)
    assert error.value.code == 2
