"""The farm's cameras on the pages: asked for by another process, and nobody waits for it."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict

import pytest
from starlette.testclient import TestClient

from flows.api.live import cameras
from flows.api.live.cameras import FarmWatch
from flows.api.live.site import Site
from flows.api.server.app import create_app
from flows.api.server.security import Rules
from flows.studio.farm import orders
from flows.studio.farm.address import parse_address
from flows.studio.farm.roster import Listed
from flows.studio.filming import models
from tests.flows.api.browser import wait_for
from tests.flows.api.conftest import FISH, KEY, PORT
from tests.flows.studio.farm.lab import film, planned, running

ADDRESS = "tcp://127.0.0.1:8786"
TELLS = "import sys; print(sys.argv[1], flush=True); sys.stdin.read()"  # a line, and then nothing more


def listed(name, *, weights="0badcafe", release=None, **films):
    model = orders.Model(weights, (), "TOON")
    offers = frozenset(model.needs)
    return Listed(
        name,
        offers,
        release or orders.release(),
        {weights: "TOON"},
        {},
        {},
        "cuda:0",
        "2.9",
        "gpu1.lan",
        films,
    )


@pytest.fixture
def told(monkeypatch):
    """What the process that asks the farm tells."""

    def tell(*found, **more):
        text = json.dumps({"cameras": [asdict(one) for one in found], **more}, default=sorted)
        command = (sys.executable, "-c", TELLS, text)
        monkeypatch.setattr(cameras, "COMMAND", command)

    return tell


@pytest.fixture
def watch():
    now = [0.0]
    watch = FarmWatch(parse_address(ADDRESS), clock=lambda: now[0])
    watch.now = now
    yield watch
    watch.close()


@pytest.fixture
def client(shelf, watch):
    site = Site(shelf.output, shelf.output.parent / "premises", watch)
    app = create_app(site, Rules.of(KEY, PORT))
    yield TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers={"authorization": f"Bearer {KEY}"})
    site.close()


def known(watch):
    watch.want()
    watch.step()
    wait_for(lambda: watch.state.is_known)


def test_who_films_what_and_who_stands_aside_and_why(client, told, watch):
    toon = models.fingerprint("toon")
    told(
        listed("w1", weights=toon, show="Fish & Chips", label="s01.2", step=5, num_steps=12),
        listed("w2", weights=toon),
        listed("w3", weights="0badcafe"),
        listed("w4", weights=toon, release="0.1 1234"),
    )
    known(watch)
    page = client.get("/queue").text
    assert "4 cameras, 1 films, 1 stands aside" in page
    assert "films Fish &amp; Chips s01.2" in page
    assert "step 5 of 12" in page
    assert f"its release is 0.1 1234, ours is {orders.release()}" in page
    of_the_show = client.get(f"/shows/{FISH}").text
    assert "4 cameras, 1 films, 2 stand aside" in of_the_show
    assert "but TOON 0badcafe; start it with --video-model" in of_the_show
    russian = client.get(f"/farm?episode={FISH}&lang=ru").text
    assert "4 камеры, 1 снимает, 2 не снимают" in russian
    assert "есть TOON 0badcafe; запустите её с --video-model" in russian
    found = client.get("/api/v1/cameras").json()
    assert [(one["name"], one["label"], bool(one["why"])) for one in found["cameras"]] == [
        ("w1", "s01.2", False),
        ("w2", "", False),
        ("w3", "", False),
        ("w4", "", True),
    ]


def test_a_farm_that_does_not_answer_makes_no_page_slow(client, told, watch, monkeypatch):
    monkeypatch.setattr(cameras, "COMMAND", (sys.executable, "-c", "import sys; sys.stdin.read()"))
    client.get("/queue")
    watch.step()
    begun = time.monotonic()
    assert "asking…" in client.get("/queue").text
    assert time.monotonic() - begun < 1
    watch.close()
    told(
        fault=f"{ADDRESS}: no answer (Connection refused); does `coldopen farm` run there, is the port open?"
    )
    known(watch)
    assert "no answer (Connection refused)" in client.get("/queue").text


def test_the_farm_is_asked_only_while_somebody_looks(told, watch):
    told(listed("w1"))
    watch.step()
    assert watch._process is None
    known(watch)
    process = watch._process
    watch.now[0] += cameras.UNSEEN_SECONDS + 1
    watch.step()
    assert process.poll() is not None
    assert not watch.state.is_known
    known(watch)  # and again


def test_what_is_no_state_is_not_taken_for_one(watch, monkeypatch):
    text = '[1]\n{"cameras": [{"name": "w1"}]}\nnonsense\n{"cameras": []}'
    monkeypatch.setattr(cameras, "COMMAND", (sys.executable, "-c", TELLS, text))
    known(watch)
    assert (watch.state.cameras, watch.state.fault) == ((), "")


def test_without_a_farm_pages_say_nothing_of_cameras(shelf):
    site = Site(shelf.output, shelf.output.parent / "premises")
    app = create_app(site, Rules.of(KEY, PORT))
    client = TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers={"authorization": f"Bearer {KEY}"})
    assert 'id="farm"' not in client.get("/queue").text
    assert client.get("/farm").status_code == 404
    assert client.get("/api/v1/cameras").status_code == 404


def test_a_real_farm_is_told_with_what_its_cameras_film(tmp_path):
    with running(tmp_path / "farm", "w1", source="nap:0.5") as lab, lab.head() as farm:
        lab.wait_for_cameras(farm, 1)
        watch = FarmWatch(parse_address(lab.address, folder=lab.keys))
        try:
            known(watch)
            (card,) = watch.state.cards(orders.model_of(film()))
            assert (card.name, card.label, card.why) == ("w1", "", "")
            filmed = farm.film_shots(planned(1, "seen"), film(), tmp_path, on_step=lambda *step: None)
            filming = iter(filmed)
            thread = threading.Thread(target=lambda: next(filming))
            thread.start()
            wait_for(lambda: watch.state.cameras and watch.state.cards(None)[0].label == "s01.1", 60)
            thread.join()
        finally:
            watch.close()
