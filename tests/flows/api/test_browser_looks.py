"""What pages look like while a run is at work, on a phone and in Russian; other wordings of a line."""

from __future__ import annotations

import numpy as np
import pytest

from flows.api.jobs.journal import from_a_terminal
from flows.studio.production.console import Console
from tests.flows.api.browser import Tab, chromium, served, wait_for
from tests.flows.api.conftest import FISH, make_shelf

PATH = f"/shows/{FISH}"
SHOT = '      - {size: close-up, prompt: "The Don talking", who: don}\n'
LINE = "      - {who: don, line: Cod., laugh: small}"
OTHERS = "      - {who: don, line: Cod., laugh: small, alternates: [Hake., Eel.]}"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_premise, tiny_script):
    script = tiny_script.replace(SHOT, 3 * SHOT).replace(LINE, OTHERS)
    shelf = make_shelf(tmp_path_factory.mktemp("looks"), tiny_premise, script)
    with served(shelf.output, "--paused") as board:
        yield shelf, board


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def run(home):
    """A run of a terminal at work, with a picture and a line."""
    console = Console(write=lambda text: None, terminal=False, silence=1e9)
    options = {"code": "s01e01"}
    with from_a_terminal(
        home[0].output, "episode", options, title="Fish & Chips s01e01", episode=FISH, console=console
    ):
        console.progress("scene 1 of 1, shot 2, step 5 of 12", 5, 12, shot="s01.2")
        console.show_picture(np.zeros((64, 112, 3), np.uint8))
        console.warn("s01.1 failed twice (no room); a gag card takes its place")
        yield console


def test_a_phone_shows_a_run_whole(home, browser, run):
    tab = Tab(browser, home[1], viewport={"width": 390, "height": 844}, is_mobile=True, locale="ru")
    try:
        for path in ("/", PATH, "/clip", "/queue", "/nights", f"/nights/morning?episode={FISH}"):
            page = tab.open(path)
            wait_for(lambda: tab.text("#queue-count") == "1")
            assert page.evaluate("document.documentElement.scrollWidth") == 390, path
            last = page.locator("nav a").last.bounding_box()
            assert last["x"] + last["width"] <= 390, "the last page of the list is seen"
        page = tab.open("/queue")
        page.locator(".job .preview").wait_for()
        assert page.locator(".job h3").bounding_box()["width"] > 150
        page = tab.open(PATH)
        page.locator("#progress .preview").wait_for()
        stop = page.locator("#stop").bounding_box()
        assert stop["x"] + stop["width"] <= 390
        assert stop["y"] + stop["height"] <= 844
    finally:
        tab.context.close()


def test_a_run_speaks_the_readers_language(home, browser, run):
    tab = Tab(browser, home[1], locale="ru")
    try:
        tab.open(PATH)
        wait_for(lambda: tab.text("#progress .label").startswith("сцена 1 из 1, кадр 2, шаг 5 из 12"))
        assert "сцена 1 из 1" in tab.text("#live")
        tab.open("/queue")
        wait_for(lambda: "сцена 1 из 1" in tab.text(".job .label"))
        run.progress("speaking line 2 of 4", 1, 4)
        wait_for(lambda: tab.text(".job .label").startswith("озвучивается реплика 2 из 4"))
        assert tab.faults == []
    finally:
        tab.context.close()


def test_another_wording_is_exchanged_by_a_click_and_back_by_another(home, browser):
    shelf, board = home
    before = shelf.text
    tab = Tab(browser, board)
    try:
        page = tab.open(PATH)
        page.locator('[id="line-s01-02"] .others summary').click()
        page.get_by_role("button", name="Say instead: Eel.").click()
        wait_for(lambda: page.locator('[id="words-s01-02"]').input_value() == "Eel.")
        assert shelf.text == before.replace(
            OTHERS, OTHERS.replace("Cod.", "?").replace("Eel.", "Cod.").replace("?", "Eel.")
        )
        page.get_by_role("button", name="Say instead: Cod.").click()
        wait_for(lambda: page.locator('[id="words-s01-02"]').input_value() == "Cod.")
        assert shelf.text == before
        assert tab.faults == []
    finally:
        tab.context.close()


def test_a_preset_fills_the_controls_and_takes_them_out_again(home, browser):
    tab = Tab(browser, home[1])
    try:
        page = tab.open("/clip")
        wide, square = (page.get_by_role("button", name=name, exact=True) for name in ("16:9", "1:1"))
        wide.click()
        size = page.locator("#c-size").input_value()
        assert size
        assert f"size={size}" in page.url
        square.click()
        assert page.locator("#c-size").input_value() not in ("", size)
        assert (wide.get_attribute("aria-pressed"), square.get_attribute("aria-pressed")) == ("false", "true")
        page.get_by_role("button", name="loop", exact=True).click()
        assert "loop=true" in page.url
        page.reload()
        assert square.get_attribute("aria-pressed") == "true"
        square.click()
        assert page.locator("#c-size").input_value() == ""
        assert tab.faults == []
    finally:
        tab.context.close()
