"""A farm of real processes: our scheduler, cameras that nap, and a head; what is killed, and what is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("distributed")

from flows.studio.commands import clip
from flows.studio.errors import StudioError
from flows.studio.farm.head import Farm
from flows.studio.filming import models
from flows.studio.filming.camera import FilmedShot, film_shots
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.pictures import ShotPictures
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clips
from flows.studio.workspace import artifacts
from tests.flows.studio.farm import nap_camera
from tests.flows.studio.farm.lab import Lab, film, planned, running, wait_until

SLOW_STEP = "nap:0.2"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A farm with two cameras, w1 and w2, that tests leave as they found it."""
    with running(tmp_path_factory.mktemp("farm"), "w1", "w2") as lab:
        with lab.head() as farm:
            lab.wait_for_cameras(farm, 2)
        yield lab


@pytest.fixture
def farm(lab: Lab) -> Iterator[Farm]:
    with lab.head() as farm:
        yield farm


def all_filmed(farm: Farm, shots: Any, folder: Path, **more: Any) -> list[FilmedShot]:
    return list(farm.film_shots(shots, film(), folder, on_step=lambda *step: None, **more))


def test_all_clips_arrive_and_only_the_head_writes_the_folder(lab, farm, tmp_path):
    shots, steps = planned(5, "plain"), []
    filmed = list(farm.film_shots(shots, film(), tmp_path, on_step=lambda *step: steps.append(step)))
    stored = artifacts.stored(tmp_path, ".mp4")
    assert {shot.digest for shot in shots} == stored.keys()
    assert {one.clip.notes["camera"] for one in filmed} == {"w1", "w2"}
    assert clips.read_clip(filmed[0].clip.path).shape == (4, 32, 64, 3)
    assert len(list(tmp_path.iterdir())) == 10  # five clips, five recipes, nothing else
    assert {step[0].label for step in steps} == {shot.label for shot in shots}
    assert all(step[2:] == (4, None) for step in steps)
    assert len({pid for pid, _ in lab.notes("load")}) == len(lab.notes("load")) == 2  # one loading a process


def with_pictures(shot: PlannedShot, pictures: ShotPictures) -> PlannedShot:
    return replace(shot, pictures=pictures, recipe={**shot.recipe, **pictures.recipe})


def test_pictures_go_with_orders_and_a_shot_waits_for_the_one_that_it_begins_with(lab, farm, tmp_path):
    """The pixels are those of one machine; they follow from every pixel of the pictures."""
    named = []
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 255, (50, 70 + 700 * number, 3), dtype=np.uint8)
        named.append(tmp_path / f"{number}.png")
        Image.fromarray(noise).save(named[-1])
    first, *others, last = planned(5, "pictures")
    begins = with_pictures(first, ShotPictures(first=named[0], references=tuple(named[1:])))
    follows = with_pictures(last, ShotPictures(previous=begins.digest))
    shots = (follows, *others, begins)  # the one that waits comes first
    with LoadedModels("cpu") as models:
        models.get = lambda source, **more: nap_camera.NapModel("nap")
        on_step = lambda *step: None  # noqa: E731
        alone = [*film_shots(shots[::-1], film(), models, tmp_path / "one" / "clips", on_step=on_step)]
    many = all_filmed(farm, shots, tmp_path / "many" / "clips")
    clip_of = {one.shot.digest: one.clip.path for one in many}
    assert len(clip_of) == 5
    for one in alone:
        assert (clips.read_clip(one.clip.path) == clips.read_clip(clip_of[one.shot.digest])).all()
    assert [prompt for _, prompt in lab.notes("begin") if prompt == last.prompt] == [last.prompt]


def test_a_shot_whose_beginning_was_never_filmed_comes_back_with_its_fault(lab, farm, tmp_path):
    fails = planned(1, "fail too")[0]
    follows = with_pictures(planned(2, "follows")[1], ShotPictures(previous=fails.digest))
    filmed = all_filmed(farm, (follows, fails), tmp_path)
    assert {one.shot.prompt: one.fault for one in filmed} == {
        "fail too 1": "no picture",
        "follows 2": "the shot before it has no clip, whose last frame it would begin with",
    }


def test_what_is_in_the_folder_is_not_ordered(lab, farm, tmp_path):
    shots = planned(3, "once")
    all_filmed(farm, shots, tmp_path)
    assert all(one.clip for one in all_filmed(farm, shots, tmp_path))
    assert len(lab.begun("once")) == 3


def test_a_shot_that_fails_twice_comes_back_with_its_fault(lab, farm, tmp_path):
    (filmed,) = all_filmed(farm, planned(1, "fail"), tmp_path)
    assert (filmed.clip, filmed.fault) == (None, "no picture")
    assert len(lab.begun("fail 1")) == 2
    assert list(tmp_path.iterdir()) == []


def test_two_heads_with_the_same_shots_film_each_once(lab, tmp_path):
    shots, results = planned(6, "both"), []

    def run(folder: Path) -> None:
        with lab.head() as farm:
            results.append(all_filmed(farm, shots, folder))

    heads = [threading.Thread(target=run, args=(tmp_path,)) for _ in range(2)]
    for head in heads:
        head.start()
    for head in heads:
        head.join()
    assert [sum(one.clip is not None for one in each) for each in results] == [6, 6]
    assert len(lab.begun("both")) == 6


def test_leaving_calls_off_what_is_out_within_a_step(lab, farm, tmp_path):
    filming = farm.film_shots(planned(8, "leave"), film(), tmp_path, on_step=lambda *step: None)
    next(filming)
    filming.close()
    wait_until(lambda: not any(camera.films for camera in farm.roster()), "idle cameras")
    num_begun = len(lab.begun("leave"))
    all_filmed(farm, planned(2, "after"), tmp_path)
    assert len(lab.begun("leave")) == num_begun < 8


def test_no_shot_is_begun_once_the_time_is_up_and_those_at_work_are_kept(lab, farm, tmp_path):
    begun = len(lab.begun("late"))
    filming = farm.film_shots(
        planned(9, "late"),
        film(),
        tmp_path,
        on_step=lambda *step: None,
        may_begin=lambda: len(lab.begun("late")) == begun,
    )
    filmed = list(filming)
    assert 1 <= len(filmed) == len(lab.begun("late")) <= 4
    assert all(one.clip for one in filmed)


def test_a_short_show_does_not_wait_for_a_long_one(lab, tmp_path):
    ended: dict[str, float] = {}

    def run(name: str, count: int) -> None:
        with lab.head() as farm:
            all_filmed(farm, planned(count, name), tmp_path / name)
        ended[name] = time.monotonic()

    long = threading.Thread(target=run, args=("long", 16))
    long.start()
    wait_until(lambda: len(lab.begun("long")) >= 3, "the long show's third shot")
    run("short", 3)
    num_of_long = len(lab.begun("long"))
    long.join()
    assert ended["short"] < ended["long"]
    assert num_of_long < 16  # first come, first served would have made the long one first


def test_clip_films_on_all_cameras_at_once(lab, farm, tmp_path, monkeypatch, heard):
    monkeypatch.setattr(models, "describe_model", lambda source, **more: nap_camera.facts_of(source))
    monkeypatch.setattr(models, "fingerprint", nap_camera.fingerprint)
    monkeypatch.setattr(clip, "fingerprint", nap_camera.fingerprint)
    screen = heard()
    options = clip.ClipOptions(out=tmp_path / "nap.mp4", video_model="nap", seed=5, count=6)
    paths = clip.make("clips of naps", options, screen, farm)
    assert [path.name for path in paths] == [f"nap-{number}.mp4" for number in range(1, 7)]
    assert all(path.stat().st_size for path in paths)
    assert len(set(lab.begun("clips of naps"))) == 2
    assert len(lab.begun("clips of naps")) == 6
    assert any(label.endswith("step 4 of 4") for label in screen.labels)


def test_a_camera_with_another_model_stands_aside_and_is_named(lab, tmp_path):
    said: list[str] = []
    lab.start_camera("w3", source="other:0")
    with lab.head(said) as farm:
        lab.wait_for_cameras(farm, 3)
        filmed = all_filmed(farm, planned(4, "label"), tmp_path)
        w3 = next(camera for camera in farm.roster() if camera.name == "w3")
    assert {one.clip.notes["camera"] for one in filmed} <= {"w1", "w2"}
    assert [
        line for line in said if line.startswith("camera w3 stands aside: it has not nap 82ebadaf but other")
    ]
    assert "other" in str(w3)
    lab.kill(lab.cameras.pop("w3"))


def test_a_camera_whose_trial_fails_films_all_the_same(lab, tmp_path):
    lab.start_camera("w5", source="nap:untried")
    with lab.head() as farm:
        lab.wait_for_cameras(farm, 3)
        (w5,) = (camera for camera in farm.roster() if camera.name == "w5")
        filmed = all_filmed(farm, planned(9, "untried"), tmp_path)
    lab.kill(lab.cameras.pop("w5"))
    assert w5.seconds == {}
    assert "w5" in {one.clip.notes["camera"] for one in filmed}
    assert "of unknown speed, for a trial failed" in (lab.home / "processes.log").read_text("utf-8")


def test_a_model_that_nobody_has_is_told_after_a_while(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("COLDOPEN_FARM_WAIT", "0.02")
    settings = replace(film(), weights="0123456789abcdef")
    with lab.head() as farm:
        filming = farm.film_shots(planned(1), settings, tmp_path, on_step=lambda *step: None)
        with pytest.raises(StudioError, match="no camera of the farm films") as error:
            next(filming)
    assert error.value.code == 2
    assert "w1: it has not" in str(error.value)


def test_a_camera_that_joins_late_gets_its_share_and_killed_loses_one_shot_at_most(lab, farm, tmp_path):
    late: list[int] = []
    filmed = []
    filming = farm.film_shots(
        planned(2000, "late join"),
        film(),
        tmp_path,
        on_step=lambda *step: None,
        may_begin=lambda: len(filmed) < 3 or not late or len(filmed) < late[0] + 4,
    )
    for one in filming:
        filmed.append(one)
        if len(filmed) == 1:
            lab.start_camera("w4", source=SLOW_STEP)
        if "w4" in lab.cameras and lab.cameras["w4"].pid in lab.begun("late join"):
            late.append(len(filmed))
            _kill_in_mid_shot(lab, "w4")
    prompts = [one.shot.prompt for one in filmed]
    begun = [prompt for _, prompt in lab.notes("begin") if prompt.startswith("late join")]
    assert late, "the camera that joined got no shot"
    assert all(one.clip for one in filmed)
    assert len(prompts) == len(set(prompts))
    assert set(prompts) == set(begun)  # what was begun was filmed
    assert len(begun) <= len(prompts) + 1


def _wait_for_mid_shot(lab: Lab, name: str) -> None:
    pid = lab.cameras[name].pid

    def is_filming() -> bool:
        return lab.begun().count(pid) > [each for each, _ in lab.notes("end")].count(pid)

    wait_until(is_filming, f"a shot on {name}")


def _kill_in_mid_shot(lab: Lab, name: str) -> None:
    _wait_for_mid_shot(lab, name)
    lab.kill(lab.cameras.pop(name))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP")
def test_a_camera_that_falls_silent_loses_its_shot_to_another_and_joins_again(tmp_path):
    """SIGSTOP: its connection stays open, and nothing comes. The farm waits five seconds here, else 120."""
    shots, filmed = planned(5), []
    with (
        running(tmp_path / "lab", "w1", "w2", source=SLOW_STEP, silent_seconds=5) as lab,
        lab.head() as farm,
    ):
        lab.wait_for_cameras(farm, 2)
        head = threading.Thread(target=lambda: filmed.extend(all_filmed(farm, shots, tmp_path / "clips")))
        head.start()
        _wait_for_mid_shot(lab, "w1")
        lab.cameras["w1"].send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        head.join(timeout=100)
        seconds = time.monotonic() - stopped
        assert not head.is_alive()
        assert [camera.name for camera in farm.roster()] == ["w2"]
        lab.cameras["w1"].send_signal(signal.SIGCONT)
        lab.wait_for_cameras(farm, 2)
        more = all_filmed(farm, planned(8, "later"), tmp_path / "later")
    assert {one.shot.digest for one in filmed} == {shot.digest for shot in shots}
    assert all(one.clip for one in (*filmed, *more))
    assert seconds < 60
    assert len(lab.begun("shot")) == len(shots) + 1  # one was begun by both
    assert {one.clip.notes["camera"] for one in more} == {"w1", "w2"}


@pytest.mark.slow
def test_a_shot_that_kills_its_cameras_becomes_a_gag_card_and_the_others_are_filmed(tmp_path):
    with running(tmp_path / "lab", "w1") as lab, lab.head() as farm:
        stop = threading.Event()

        def keep_running() -> None:  # as `coldopen camera` does
            while not stop.wait(0.05):
                if lab.cameras["w1"].poll() is not None:
                    lab.cameras["w1"].communicate()
                    lab.start_camera("w1")

        thread = threading.Thread(target=keep_running)
        thread.start()
        shots = (*planned(1, "die"), *planned(3, "live")[1:])
        filmed = all_filmed(farm, shots, tmp_path / "clips")
        stop.set()
        thread.join()
    faults = {one.shot.prompt: one.fault for one in filmed}
    assert faults.keys() == {"die 1", "live 2", "live 3"}
    assert "KilledWorker" in faults["die 1"]
    assert faults["live 2"] == faults["live 3"] == ""


def test_a_scheduler_that_is_killed_and_started_again_costs_no_clip(tmp_path):
    said: list[str] = []
    with running(tmp_path / "lab", "w1", "w2", source=SLOW_STEP) as lab, lab.head(said) as farm:
        lab.wait_for_cameras(farm, 2)
        filming = farm.film_shots(planned(8), film(), tmp_path / "clips", on_step=lambda *step: None)
        filmed = [next(filming), next(filming)]
        lab.kill(lab.scheduler)
        lab.start_scheduler()
        filmed += filming
        loads = lab.notes("load")
    assert len(filmed) == 8
    assert all(one.clip for one in filmed)
    assert len({one.shot.digest for one in filmed}) == 8
    assert len(loads) == 2  # the cameras kept their models
    assert any("the farm is lost" in line for line in said)
    assert any("the farm is back" in line for line in said)


@pytest.mark.slow
def test_a_head_that_is_killed_leaves_idle_cameras(tmp_path):
    import subprocess

    program = """
import sys
from pathlib import Path
from tests.flows.studio.farm import nap_camera
from tests.flows.studio.farm.lab import Lab, film, planned
lab = Lab(Path(sys.argv[1]), port=int(sys.argv[2]))
with lab.head() as farm:
    list(farm.film_shots(planned(20), film(), Path(sys.argv[3]), on_step=lambda *step: None))
"""
    with running(tmp_path / "lab", "w1", source=SLOW_STEP) as lab, lab.head() as farm:
        lab.wait_for_cameras(farm, 1)
        words = [sys.executable, "-c", program, str(lab.home), str(lab.port), str(tmp_path / "clips")]
        with subprocess.Popen(
            words, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
        ) as head:
            wait_until(lambda: len(lab.begun()) >= 2, "the second shot")
            head.kill()
        wait_until(lambda: not any(camera.films for camera in farm.roster()), "an idle camera")
        num_begun = len(lab.begun())
        all_filmed(farm, planned(1, "next"), tmp_path / "other")
        assert len(lab.begun("shot")) == num_begun < 20
