"""What a run says while it works."""

from __future__ import annotations

import io
import sys
import threading

import numpy as np
import pytest

from flows.studio.production.console import Console, duration, running_time


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def screen(clock, lines):
    with Console(write=lines.append, clock=clock, silence=9) as screen:
        yield screen


def test_what_is_said_is_written_at_once(screen, lines):
    screen.say("Joe and the Don s01e01")
    screen.warn("publish: not used yet")
    assert lines == ["Joe and the Don s01e01", "! publish: not used yet"]


def test_progress_without_a_terminal_writes_nothing_by_itself(screen, lines):
    for step in range(20):
        screen.progress(f"filming scene 1 of 9, step {step} of 20", step / 20, 34)
    assert lines == []


def test_nine_silent_seconds_are_broken_by_what_is_being_done(screen, lines, clock):
    screen.progress("filming scene 3 of 9, step 12 of 20", 7.6, 34)
    clock.now = 8.9
    screen.break_silence()
    assert lines == []
    clock.now = 9.0
    screen.break_silence()
    assert lines == ["  … filming scene 3 of 9, step 12 of 20"]


def test_a_line_of_any_kind_starts_the_silence_anew(screen, lines, clock):
    screen.progress("speaking", 1, 9)
    clock.now = 8.0
    screen.say("clips/s01.1-3fa94c1e.mp4")
    clock.now = 16.0
    screen.break_silence()
    assert lines == ["clips/s01.1-3fa94c1e.mp4"]


def test_the_time_left_follows_from_what_was_made_so_far(screen, clock):
    screen.progress("filming", 0, 30)
    clock.now = 60.0
    screen.progress("filming", 10, 30)
    assert screen.time_left() == "about 2 min left"


def test_what_was_there_before_the_run_does_not_count_as_speed(screen, clock):
    screen.progress("filming", 20, 30)
    clock.now = 60.0
    screen.progress("filming", 25, 30)
    assert screen.time_left() == "about 60 s left"


def test_another_piece_of_work_starts_a_new_clock(screen, clock):
    screen.progress("filming", 30, 30)
    clock.now = 600.0
    screen.progress("speaking", 0, 60)
    clock.now = 610.0
    screen.progress("speaking", 30, 60)
    assert screen.time_left() == "about 10 s left"


def test_no_time_is_guessed_where_no_end_is_known_or_nothing_is_made_yet(screen, clock):
    screen.progress("starting Prefect")
    clock.now = 60.0
    assert screen.time_left() == ""
    screen.progress("filming", 0, 30)
    clock.now = 120.0
    assert screen.time_left() == ""


def test_the_heartbeat_beats_by_itself():
    said = threading.Event()
    with Console(write=lambda line: said.set() if "loading" in line else None, silence=0.02) as screen:
        screen.progress("loading the film model")
        assert said.wait(timeout=60)


def test_a_closed_screen_is_silent(screen, lines, clock):
    screen.progress("mastering")
    screen.close()
    clock.now = 60.0
    screen.break_silence()
    assert lines == []


def test_a_terminal_gets_a_bar_with_the_lines_above_it(monkeypatch, clock):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Console(terminal=True, clock=clock) as screen:
        screen.say("12 shots x 9 s = about 2 min")
        screen.progress("filming scene 3 of 9, step 12 of 20", 1, 4)
        clock.now = 30.0
        screen.progress("filming scene 3 of 9, step 13 of 20", 2, 4)
        screen.say("clips/s03.1-3fa94c1e.mp4 [lies there]")
    shown = sys.stdout.getvalue()
    assert shown.startswith("12 shots x 9 s = about 2 min\n")
    assert "clips/s03.1-3fa94c1e.mp4 [lies there]" in shown
    assert "Filming scene 3 of 9, step 13 of 20" in shown
    assert "about 60 s left" in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (45, "45 s"), (90, "2 min"), (3599, "1 h 0 min"), (4200, "1 h 10 min")],
)
def test_durations_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(8.0, "8 s"), (59.7, "1 min 0 s"), (92.9, "1 min 33 s")])
def test_a_films_length_is_told_to_the_second(seconds, words):
    assert running_time(seconds) == words


PICTURE = np.full((64, 112, 3), 200, np.uint8)


def test_a_pipe_or_a_log_gets_no_picture_whatever_is_asked_for(monkeypatch, lines, capsys):
    monkeypatch.setenv("COLDOPEN_PREVIEW", "kitty")
    monkeypatch.setenv("TERM", "xterm-kitty")
    drawn = []
    for screen in (Console(write=lines.append), Console()):
        with screen:
            screen.show_preview(lambda: drawn.append(1) or PICTURE)
            screen.show_picture(PICTURE)
            screen.progress("step 1 of 2", 1, 2)
    assert drawn == lines == []
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("protocol", "begin", "erased"),
    [("kitty", "\x1b_Ga=t,", True), ("iterm2", "\x1b]1337;File=", False), ("sixel", "\x1bP0;1;0q", False)],
)
def test_a_terminal_shows_the_picture_over_the_bar_and_takes_it_away(
    monkeypatch, clock, protocol, begin, erased
):
    monkeypatch.setenv("COLDOPEN_PREVIEW", protocol)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    with Console(terminal=True, clock=clock) as screen:
        screen.progress("step 1 of 2", 1, 2)
        screen.show_preview(lambda: PICTURE)
        screen.progress("step 2 of 2", 2, 2)
        screen.say("one line")
    shown = sys.stdout.getvalue()
    assert f"\x1b7\x1b[11A\r{begin}" in shown  # drawn from eleven empty lines above the bar
    before = shown.split(begin)[0]
    assert before.endswith("\n" * 11 + "\x1b7\x1b[11A\r")
    assert "Step 2 of 2" in shown.split(begin)[-1]
    assert shown.count(begin) == 1 or not erased  # kitty is sent a picture once
    assert ("a=d,d=I" in shown[-60:]) is erased


def test_no_preview_is_nothing_to_show(monkeypatch, clock):
    monkeypatch.setenv("COLDOPEN_PREVIEW", "blocks")
    with Console(terminal=True, clock=clock) as screen:
        screen.show_preview(None)
        assert screen.shows_pictures
