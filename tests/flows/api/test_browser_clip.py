"""One clip in a real browser, filmed by the real small model."""

from __future__ import annotations

import pytest

from tests.flows.api.browser import Tab, chromium, served, wait_for
from tests.flows.api.routes.test_clips import png

pytestmark = pytest.mark.browser
MINUTES = 240.0  # that torch may take to be loaded on a busy machine


def test_a_prompt_is_filmed_with_a_preview_and_the_film_plays_by_itself(tmp_path):
    picture = tmp_path / "first.png"
    picture.write_bytes(png())
    with served(tmp_path / "output") as board, chromium() as browser:
        tab = Tab(browser, board)
        page = tab.open("/clip")
        page.fill("#c-prompt", "orange cat in the kitchen")
        for name, value in {"steps": "6", "frames": "4", "size": "32x32", "seed": "3", "count": "2"}.items():
            page.fill(f"#c-{name}", value)
        page.click("details:has(#c-image) summary")
        page.set_input_files("#c-image", str(picture))
        wait_for(lambda: "first.png" in page.locator("[data-forget=image]").inner_text())
        page.click("#film")
        previews = page.locator(".clip-job img.preview:not([hidden])")
        films = page.locator(".clip-job video")
        wait_for(lambda: previews.count() or films.count() == 2, MINUTES)
        wait_for(lambda: films.count() == 2, MINUTES)
        for film in films.all():
            wait_for(lambda film=film: film.evaluate("v => v.currentTime > 0 && !v.paused"))
        wait_for(lambda: page.locator("a[href$='.gif?download=true']").count() == 2)
        (job,) = page.evaluate("fetch('/api/v1/clips').then(answer => answer.json())")
        assert (job["state"], len(job["clips"])) == ("done", 2)
        assert (board.output / ".board" / "jobs" / "000001" / "preview.webp").is_file()
        page.reload()
        assert page.locator("#c-prompt").input_value() == "orange cat in the kitchen"
        assert page.locator("#c-steps").input_value() == "6"
        page.locator(".clips a:has-text('As this one')").nth(1).click()
        wait_for(lambda: page.locator("#c-seed").input_value() == "4")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert tab.faults == []
