"""Runs as they are watched: on the card, after a reload, in a second tab; and lines that are heard."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
import soundfile

from flows.studio.workspace import posix
from tests.flows.api.browser import Served, Tab, chromium, free_port, wait_for
from tests.flows.api.conftest import FISH
from tests.flows.api.test_killed import SLOW

PATH = f"/shows/{FISH}"

pytestmark = pytest.mark.browser


@pytest.fixture
def board(shelf, tmp_path, monkeypatch, checkout):
    """A board that films, slowly."""
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    monkeypatch.setenv("COLDOPEN_VOICES", "embedded")
    board = Served(shelf.output, free_port(), path=f"{tmp_path}{os.pathsep}{checkout}")
    board.more = ("--premises", str(tmp_path / "premises"))
    board.start()
    yield board
    if board.process.poll() is None:
        board.kill(hard=False)


def test_a_take_is_live_on_its_card_after_a_reload_and_on_a_phone_and_stops(board, shelf):
    with chromium() as browser:
        tab, phone = Tab(browser, board), Tab(browser, board, viewport={"width": 390, "height": 844})
        page = tab.open(PATH)
        page.locator('[id="shot-s01.2"] .retake').click()
        wait_for(lambda: page.locator('[id="filming-s01.2"]').is_visible())
        assert page.locator('[id="filming-s01.1"]').is_hidden()
        wait_for(lambda: "step" in tab.text("#progress .label"))
        page.reload()
        begun = time.monotonic()
        wait_for(lambda: page.locator('[id="filming-s01.2"]').is_visible())
        assert time.monotonic() - begun < 1
        small = phone.open(PATH)
        wait_for(lambda: small.locator("#stop").is_visible())
        begun = time.monotonic()
        small.locator("#stop").click()
        for each in (page, small):
            wait_for(lambda each=each: each.locator("#progress").is_hidden())
            wait_for(lambda each=each: each.locator('[id="filming-s01.2"]').is_hidden())
        assert time.monotonic() - begun < 2
        assert tab.said == []


def test_an_episode_that_a_terminal_works_on_says_so(board, shelf):
    with chromium() as browser:
        tab = Tab(browser, board)
        tab.open(PATH)
        (shelf.root / ".lock").write_text(f'{{"pid": {os.getpid()}, "since": "2026-11-30 21:40:00"}}')
        wait_for(lambda: f"process {os.getpid()} since 2026-11-30 21:40:00" in tab.text(".bar .worked"))
        (shelf.root / ".lock").write_text("")
        wait_for(lambda: tab.page.locator(".bar .worked").count() == 0)
        assert posix.is_running(os.getpid())


def test_a_line_is_heard_and_a_changed_one_is_spoken_first(board, shelf):
    """By the voice worker; a recording of one's own stands in for the voice, which is slow to load."""
    tone = 0.3 * np.sin(np.arange(24_000) * 0.05)
    soundfile.write(shelf.root / "mine.wav", tone, 48_000)
    shelf.write(shelf.text.replace("- joe: It blinked.", "- {who: joe, line: It blinked., file: mine.wav}"))
    with chromium() as browser:
        tab = Tab(browser, board)
        page = tab.open(PATH)
        assert page.locator('[id="line-s01-01"] .hear').get_attribute("data-wav") is None
        page.locator('[id="line-s01-01"] .hear').click()
        wait_for(lambda: page.locator('[id="line-s01-01"] .hear').get_attribute("data-wav"), 60)
        assert shelf.plan().missing_lines == ()  # Make does not speak it again
        wait_for(lambda: any("/voices/" in url for url in tab.asked))
        wait_for(lambda: tab.text(".bar .todo").startswith("1 shot to make"))  # its lips move otherwise


def test_a_sentence_becomes_a_storyboard_within_five_seconds(board):
    with chromium() as browser:
        tab = Tab(browser, board)
        page = tab.open("/")
        page.locator("#logline").fill("A ghost opens a tax office")
        begun = time.monotonic()
        page.keyboard.press("Enter")
        wait_for(lambda: page.locator("[data-scene]").count() > 3)
        assert time.monotonic() - begun < 5
        assert "to make" in tab.text(".bar .todo")
        assert page.locator(".shot .empty").first.text_content().strip() == "new"
