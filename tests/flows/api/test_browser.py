"""The board as people use it: in a real browser, with keyboard, phone and a text editor beside it."""

from __future__ import annotations

import difflib
import json
import re

import pytest

from tests.flows.api.browser import Tab, chromium, served, wait_for
from tests.flows.api.conftest import FISH, make_shelf

PATH = f"/shows/{FISH}"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_premise, tiny_script):
    """One shelf and one server for the tests of this file; each begins with the same script."""
    shelf = make_shelf(tmp_path_factory.mktemp("board"), tiny_premise, tiny_script)
    shelf.film_another_take("s01.1")
    with served(shelf.output, "--paused") as board:
        yield shelf, board


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def shelf(home, tiny_script):
    home[0].write(tiny_script)
    return home[0]


@pytest.fixture
def tab(home, browser, shelf):
    tab = Tab(browser, home[1])
    yield tab
    tab.context.close()


def changed(before, after):
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [row for row in rows if not row.startswith(("---", "+++", "@@"))]


def test_the_board_shows_every_card_and_asks_no_other_host(tab):
    page = tab.open(PATH)
    assert page.locator("[data-shot]").count() == 2
    assert page.locator("[data-line]").count() == 2
    assert page.title() == "Fish & Chips s01e01: The Fish"
    wait_for(lambda: page.locator(".picture img").first.evaluate("img => img.naturalWidth") > 0)
    assert "key=" not in page.url
    assert {url.partition("://")[2].partition("/")[0] for url in tab.asked if "://" in url} == {
        f"127.0.0.1:{tab.board.port}"
    }
    assert tab.said == []


def test_a_line_is_changed_by_keyboard_alone_and_focus_stays(tab, shelf):
    page, before = tab.open(PATH), shelf.text
    page.locator('[id="words-s01-01"]').focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("It winked.")
    page.keyboard.press("Enter")
    wait_for(lambda: "1 line to make" in tab.text(".bar .todo"))
    assert changed(before, shelf.text) == ["-      - joe: It blinked.", "+      - joe: It winked."]
    assert page.evaluate("document.activeElement.id") == "words-s01-01"
    assert "words changed" in tab.text('[id="line-s01-01"] .warning')
    page.keyboard.type("!")
    assert page.locator(".edit.dirty").count() == 1
    page.keyboard.press("Escape")
    assert page.locator('[id="words-s01-01"]').input_value() == "It winked."
    assert changed(before, shelf.text) == ["-      - joe: It blinked.", "+      - joe: It winked."]
    shelf.write(shelf.text.replace("It winked.", "It yawned."))  # also where somebody has typed before
    wait_for(lambda: page.locator('[id="words-s01-01"]').input_value() == "It yawned.")
    assert page.locator(".edit.dirty").count() == 0
    assert tab.said == []


def test_an_editors_change_shows_within_a_second_and_typed_text_survives_it(tab, shelf):
    page = tab.open(PATH)
    page.locator('[id="words-s01-01"]').fill("Mine.")
    shelf.write(shelf.text.replace("Cod.", "Hake.").replace("It blinked.", "Theirs."))
    wait_for(lambda: page.locator('[id="words-s01-02"]').input_value() == "Hake.")
    assert page.locator('[id="words-s01-01"]').input_value() == "Mine."
    page.locator('[id="words-s01-01"]').press("Enter")
    wait_for(lambda: page.locator(".conflict").count())
    assert tab.text(".conflict q") == "Theirs."
    assert "Theirs." in shelf.text
    page.get_by_role("button", name="Put mine there").click()
    wait_for(lambda: "Mine." in shelf.text)
    assert "Theirs." not in shelf.text
    wait_for(lambda: page.locator(".conflict").count() == 0)
    assert tab.faults == []


def test_the_files_words_can_be_kept(tab, shelf):
    page = tab.open(PATH)
    page.locator('[id="words-s01-01"]').fill("Mine.")
    shelf.write(shelf.text.replace("It blinked.", "Theirs."))
    page.locator('[id="words-s01-01"]').press("Enter")
    page.get_by_role("button", name="Keep the file's").click()
    wait_for(lambda: page.locator('[id="words-s01-01"]').input_value() == "Theirs.")
    assert page.locator(".edit.dirty").count() == 0
    assert "Mine." not in shelf.text


def test_takes_are_compared_and_one_is_picked(tab, shelf):
    page = tab.open(PATH)
    page.locator('[id="shot-s01.1"]').focus()
    page.keyboard.press("c")
    wait_for(lambda: page.locator("dialog.compare[open] img").count() == 2)
    page.keyboard.press("2")
    wait_for(lambda: "pick: 2" in shelf.text)
    wait_for(lambda: "Take 2 of 2" in tab.text('[id="shot-s01.1"] .compare'))
    wait_for(lambda: page.locator("dialog[open]").count() == 0)
    page.locator('[id="shot-s01.1"]').focus()
    page.keyboard.press("1")
    wait_for(lambda: "pick: 1" in shelf.text)


def test_scenes_are_added_moved_deleted_and_brought_back(tab, shelf):
    page = tab.open(PATH)
    page.locator("#new-scene").fill("INT. PIER - NIGHT")
    page.keyboard.press("Enter")
    wait_for(lambda: page.locator("[data-scene]").count() == 2)
    page.get_by_role("button", name="Move s02 up").click()
    wait_for(lambda: shelf.text.index("id: s02") < shelf.text.index("id: s01"))
    wait_for(lambda: page.locator("[data-scene]").first.get_attribute("data-scene") == "s02")
    page.locator('[id="h-s01"]').drag_to(page.locator('[id="h-s02"]'))
    wait_for(lambda: shelf.text.index("id: s01") < shelf.text.index("id: s02"))
    before = shelf.text
    page.locator('[id="scene-s01"] .more summary').click()
    page.locator('[id="scene-s01"]').get_by_role("button", name="Delete the scene").click()
    wait_for(lambda: page.locator("[data-scene]").count() == 1)
    assert "id: s01" not in shelf.text
    page.get_by_role("button", name="Undo").click()
    wait_for(lambda: page.locator("[data-scene]").count() == 2)
    assert shelf.text == before
    assert tab.faults == []


def test_two_pages_see_each_other(tab, home, browser, shelf):
    other = Tab(browser, home[1], viewport={"width": 390, "height": 844})
    try:
        page, phone = tab.open(PATH), other.open(PATH)
        phone.locator('[id="words-s01-02"]').fill("Hake.")
        phone.locator('[id="words-s01-02"]').press("Enter")
        wait_for(lambda: page.locator('[id="words-s01-02"]').input_value() == "Hake.")
        page.locator('[id="scene-s01"]').get_by_role("button", name="Lock").click()
        wait_for(lambda: phone.locator('[id="words-s01-02"][readonly]').count() == 1)
    finally:
        other.context.close()


def test_jobs_appear_on_every_page_and_can_be_left_out(tab, home, browser):
    page, other = tab.open(PATH), Tab(browser, home[1])
    try:
        queue = other.open("/queue")
        assert "paused" in tab.text("#main") or "paused" in other.text("#main")
        page.locator('[id="shot-s01.2"] .retake').click()
        wait_for(lambda: "s01.2" in (queue.locator("#queue-list").text_content() or ""))
        wait_for(lambda: tab.text("#queue-count") == "1")
        queue.get_by_role("button", name="Leave out").click()
        wait_for(lambda: queue.locator(".job.stopped").count() == 1)
    finally:
        other.context.close()


def test_a_server_that_is_killed_is_told_and_comes_back_by_itself(tab, home, shelf):
    page = tab.open(PATH)
    wait_for(lambda: page.locator("#live").text_content() == "")
    home[1].kill()
    wait_for(lambda: "No answer" in (page.locator("#live").text_content() or ""))
    shelf.write(shelf.text.replace("Cod.", "Hake."))
    home[1].start()
    wait_for(lambda: page.locator('[id="words-s01-02"]').input_value() == "Hake.")
    assert "No answer" not in (page.locator("#live").text_content() or "")


def test_a_phone_has_no_sideways_scroll_and_targets_for_thumbs(home, browser, shelf):
    tab = Tab(browser, home[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        for path in ("/", PATH, "/clip", "/queue", "/nights", "/api"):
            page = tab.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        page = tab.open(PATH)
        small = page.evaluate(
            "[...document.querySelectorAll('main button, .bar button')].filter(b => b.offsetParent)"
            ".map(b => [b.textContent.trim(), b.getBoundingClientRect().height]).filter(([, h]) => h < 43.5)"
        )
        assert small == []
        sizes = page.evaluate(
            "[...document.querySelectorAll('textarea')].map(t => getComputedStyle(t).fontSize)"
        )
        assert set(sizes) == {"16px"}  # a smaller one is zoomed in on by phones
    finally:
        tab.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_of_accessibility(home, browser, shelf, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = Tab(browser, home[1], color_scheme=scheme, bypass_csp=True)  # axe is put into the page as a string
    try:
        for path in ("/", PATH, f"{PATH}?lang=ru", "/clip", "/queue", "/nights", "/nights/morning", "/api"):
            found = Axe().run(tab.open(path))
            broken = [(one["id"], one["nodes"][0]["html"][:160]) for one in found.response["violations"]]
            assert broken == [], path
    finally:
        tab.context.close()


def test_nothing_jumps_while_a_page_loads(home, browser, shelf):
    tab = Tab(browser, home[1])
    try:
        tab.context.add_init_script(
            "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())"
            " if (!entry.hadRecentInput) window.shift += entry.value; })"
            ".observe({type: 'layout-shift', buffered: true});"
        )
        page = tab.open(PATH)
        page.wait_for_timeout(600)
        assert page.evaluate("window.shift") < 0.02
    finally:
        tab.context.close()


def test_a_page_speaks_the_readers_language(home, browser, shelf):
    tab = Tab(browser, home[1], locale="ru-RU")
    try:
        page = tab.open(PATH)
        assert page.evaluate("document.documentElement.lang") == "ru"
        assert page.locator("#make").text_content() == "Снять"
    finally:
        tab.context.close()


def test_a_page_of_another_origin_reads_starts_and_stops_nothing(home, browser, shelf):
    """What the browser itself lets another website do, with the cookie there."""
    tab = Tab(browser, home[1])
    try:
        tab.context.route(
            "http://evil.example/*",
            lambda route: route.fulfill(
                content_type="text/html", body=f'<a id="link" href="{tab.board.url}{PATH}">to the board</a>'
            ),
        )
        tab.page.goto("http://evil.example/")
        jobs = f"{tab.board.url}/api/v1/jobs"
        body = json.dumps({"kind": "episode", "episode": FISH})
        hows = (
            "{mode: 'no-cors', method: 'POST', body}",
            "{method: 'POST', body}",
            "{credentials: 'include'}",
        )
        for how in hows:
            asked = f"async body => {{ try {{ await fetch('{jobs}', {how}); }} catch {{ }} }}"
            tab.page.evaluate(asked, body)
        tab.page.locator("#link").click()
        tab.page.wait_for_url(re.compile("/shows/"))
        assert tab.page.locator("[data-shot]").count() == 2  # a link opens the board all the same
        assert tab.page.evaluate("fetch('/api/v1/jobs').then(r => r.json())") is not None
        jobs_now = tab.page.evaluate("fetch('/api/v1/jobs').then(r => r.json())")
        assert [job for job in jobs_now if job["kind"] == "episode"] == []
    finally:
        tab.context.close()
