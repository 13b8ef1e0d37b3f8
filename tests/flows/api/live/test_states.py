"""The states that pages get: in the page's language, and whole from the first one on."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from flows.api.live import states
from flows.api.pages.words import language
from flows.api.routes.live import events


def test_what_runs_say_comes_in_the_pages_language():
    progress = {"label": "step 1 of 2", "left": "about 4 min left", "done": 1}
    state = {**states.jobs_state([], ""), "working": [{"said": "! a", "progress": progress}]}
    shown = states.in_language(state, language("ru").told)
    said = {"label": "шаг 1 из 2", "left": "осталось около 4 мин", "done": 1}
    assert shown == {**state, "working": [{"said": "! a", "progress": said}]}
    assert states.in_language(state, language("en").told) == state


def test_a_stream_speaks_the_language_that_its_page_asks_for(site, client):
    async def first_state(cookie: bytes) -> str:
        scope = {"type": "http", "app": client.app, "query_string": b"", "headers": [(b"cookie", cookie)]}
        stream = events(Request(scope)).body_iterator
        await anext(stream)
        return str(await anext(stream))

    progress = {"label": "writing the script", "left": ""}
    site.live.jobs = {**states.jobs_state([], ""), "working": [{"said": "", "progress": progress}]}
    assert '"label": "пишется сценарий"' in asyncio.run(first_state(b"lang=ru"))
    assert '"label": "writing the script"' in asyncio.run(first_state(b"lang=en"))


def test_a_page_that_comes_before_the_first_look_gets_a_whole_state(site):
    assert site.live.jobs["working"] == []
