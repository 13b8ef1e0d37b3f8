"""The storyboard over HTTP: read, changed one thing at a time, never overwriting what somebody else wrote."""

from __future__ import annotations

import difflib

import pytest

from flows.api.storyboard.episodes import name_of
from flows.studio.commands.alternates import alternates
from flows.studio.filming.models import LoadedModels
from flows.studio.production import run
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, MemeText
from flows.studio.production.steps import LocalSteps
from scripts_llm.screenplay.fields import MAX_PROMPT
from tests.flows.api.conftest import FISH


def changed(before, after):
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [row for row in rows if not row.startswith(("---", "+++", "@@"))]


def board(client):
    return client.get(f"/api/v1/episodes/{FISH}").json()


def test_a_board_has_scenes_shots_lines_and_what_is_to_be_made(client):
    found = board(client)
    assert (found["show"], found["title"], found["code"]) == ("Fish & Chips", "The Fish", "s01e01")
    assert found["head"]["num_shots"] == found["head"]["num_lines"] == 0
    assert found["head"]["num_kept"] == 4
    (scene,) = found["scenes"]
    assert [shot["label"] for shot in scene["shots"]] == ["s01.1", "s01.2"]
    assert [line["line"] for line in scene["lines"]] == ["It blinked.", "Cod."]
    assert all(shot["digest"] and len(shot["takes"]) == 1 for shot in scene["shots"])
    assert all(line["wav"] for line in scene["lines"])


def test_a_changed_line_changes_those_bytes_and_is_counted(client, api, shelf):
    before = shelf.text
    assert api("PATCH", "lines/s01-02", line="Hake: # fresh", old="Cod.").status_code == 204
    assert changed(before, shelf.text) == [
        "-      - {who: don, line: Cod., laugh: small}",
        '+      - {who: don, line: "Hake: # fresh", laugh: small}',
    ]
    found = board(client)
    assert found["head"]["num_lines"] == 1
    assert found["scenes"][0]["lines"][1]["why"] == "words changed"
    assert api("PATCH", "lines/s01-02", line="Cod.", old="Hake: # fresh").status_code == 204
    assert board(client)["head"]["num_lines"] == 0  # the old recording is found again


def test_a_conflict_has_the_words_of_the_file_and_writes_nothing(client, api, shelf):
    shelf.write(shelf.text.replace("It blinked.", "Theirs."))
    before = shelf.text
    answer = api("PATCH", "lines/s01-01", line="Mine.", old="It blinked.")
    assert (answer.status_code, answer.json()["now"]) == (409, "Theirs.")
    assert shelf.text == before
    assert api("PATCH", "lines/s01-01", line="Mine.", old="Theirs.").status_code == 204
    assert "Mine." in shelf.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("lines/s01-01", {"line": "", "old": "It blinked."}),
        ("lines/s01-01", {"line": "x" * 501, "old": "It blinked."}),
        ("lines/s01-01", {"who": "nobody", "old": "joe"}),
        ("lines/s01-01", {"laugh": "hilarious"}),
        ("lines/s01-01", {"line": "a", "laugh": "big", "old": None}),
        ("lines/s01-01", {"old": "It blinked."}),
        ("lines/s01-01", {"file": "/etc/passwd"}),
        ("shots/s01.1", {"file": "/etc/passwd"}),
        ("shots/s01.1", {"prompt": "x" * (MAX_PROMPT + 1), "old": "Joe talking, the Don listening"}),
        ("shots/s01.1", {"size": "huge", "old": "medium"}),
        ("shots/s01.1", {"pick": 0}),
        ("shots/s01.1", {"pick": "one"}),
        ("scenes/s01", {"slugline": " ", "old": "INT. FISH SHOP - DAY"}),
        ("scenes/s01", {"id": "s02", "old": "s01"}),
        ("scenes/s01", {"sfx": [], "old": None}),
        ("scenes/s01", {"skip": "perhaps"}),
    ],
)
def test_what_a_page_may_not_write_is_refused_in_one_line(api, shelf, path, body):
    before = shelf.script.read_bytes()
    answer = api("PATCH", path, **body)
    assert answer.status_code == 422, answer.text
    assert "\n" not in answer.json()["detail"]
    assert shelf.script.read_bytes() == before


def test_typed_controls_never_reach_the_file(api, shelf):
    api("PATCH", "lines/s01-01", line="A\x1b[31m\u202e b\x07", old="It blinked.")
    text = shelf.text
    assert "\x1b" not in text
    assert "\\u202e" not in text
    assert "\\e" not in text


@pytest.mark.parametrize("path", ["scenes/s09", "shots/s01.9", "lines/s01-09", "shots/..", "scenes/%2e%2e"])
def test_what_is_not_there_is_not_found(api, path):
    key = {"scenes": {"skip": True}, "shots": {"prompt": "x"}, "lines": {"line": "x"}}[path.partition("/")[0]]
    assert api("PATCH", path, **key).status_code in (404, 405)


def test_scenes_are_added_moved_deleted_and_brought_back(client, api, shelf):
    shelf.write(shelf.text.replace("  - id: s01", "  # Anna: the first one\n  - id: s01"))
    first = shelf.text
    assert api("POST", "scenes", slugline="INT. PIER - NIGHT").json() == {"scene": "s02"}
    assert api("PUT", "order", old=["s01", "s02"], new=["s02", "s01"]).status_code == 204
    assert [scene["id"] for scene in board(client)["scenes"]] == ["s02", "s01"]
    assert shelf.text.index("s02") < shelf.text.index("# Anna") < shelf.text.index("id: s01")
    assert api("PUT", "order", old=["s01", "s02"], new=["s01", "s02"]).json()["now"] == ["s02", "s01"]
    before = shelf.script.read_bytes()
    assert api("DELETE", "scenes/s01").status_code == 204
    assert "# Anna" not in shelf.text
    assert board(client)["head"]["undo"] == "s01 deleted"
    assert api("POST", "undo").status_code == 204
    assert shelf.script.read_bytes() == before
    assert api("POST", "undo").status_code == 422
    assert board(client)["head"]["num_shots"] == 1  # the new scene's; the moved one keeps its clips
    assert api("DELETE", "scenes/s02").status_code == 204
    assert shelf.text.rstrip() == first.rstrip()


def test_an_undo_is_gone_once_somebody_else_changes_the_script(client, api, shelf):
    api("PATCH", "scenes/s01", skip=True, old=False)
    assert board(client)["head"]["undo"]
    shelf.write(shelf.text + "# a comment\n")
    assert board(client)["head"]["undo"] == ""
    assert api("POST", "undo").status_code == 422


def test_lines_and_shots_are_added_moved_and_deleted(client, api):
    assert api("POST", "elements", scene="s01", who="joe", line="And again.", index=1).status_code == 204
    assert api("POST", "elements", scene="s01", beat=0.8).status_code == 204
    assert api("POST", "elements", scene="s01", prompt="the Don sleeping", size="close-up").status_code == 204
    (scene,) = board(client)["scenes"]
    lines = [line["beat"] or line["line"] for line in scene["lines"]]
    assert lines == ["It blinked.", "And again.", "Cod.", 0.8]
    assert len(scene["shots"]) == 3
    assert api("PUT", "lines/s01-02/place", index=0).status_code == 204
    assert api("DELETE", "lines/s01-02").status_code == 204
    assert api("DELETE", "shots/s01.1").status_code == 204
    (scene,) = board(client)["scenes"]
    assert [line["beat"] or line["line"] for line in scene["lines"]] == ["And again.", "Cod.", 0.8]
    assert [shot["prompt"] for shot in scene["shots"]] == ["The Don talking", "the Don sleeping"]
    assert api("POST", "elements", scene="s01", who="nobody", line="x").status_code == 422


def test_takes_are_listed_and_one_is_picked_in_the_script(client, api, shelf):
    assert shelf.film_another_take("s01.1") == 2
    shot = board(client)["scenes"][0]["shots"][0]
    assert [take["number"] for take in shot["takes"]] == [1, 2]
    assert api("PATCH", "shots/s01.1", pick=2, old=None).status_code == 204
    assert "pick: 2" in shelf.text
    found = board(client)["scenes"][0]["shots"][0]
    assert found["digest"] == shot["takes"][1]["digest"]
    assert found["why"] is None


def test_an_approval_falls_when_words_or_takes_change(client, api, shelf):
    def is_approved():
        return board(client)["scenes"][0]["is_approved"]

    assert api("POST", "scenes/s01/approve", approved=True).status_code == 204
    assert is_approved()
    api("PATCH", "scenes/s01", lock=True, old=False)
    assert is_approved()
    api("PATCH", "lines/s01-01", line="Other.", old="It blinked.")
    assert not is_approved()
    api("PATCH", "lines/s01-01", line="It blinked.", old="Other.")
    assert is_approved()
    shelf.film_another_take("s01.1")
    assert is_approved()
    api("PATCH", "shots/s01.1", pick=2, old=None)
    assert not is_approved()
    api("POST", "scenes/s01/approve", approved=True)
    assert is_approved()
    api("POST", "scenes/s01/approve", approved=False)
    assert not is_approved()


@pytest.mark.slow  # a film model is built
def test_approving_marks_the_shots_that_a_camera_waits_for(client, api, shelf, saved_model):
    assert "approved" not in shelf.text
    api("POST", "scenes/s01/approve", approved=True)
    assert "approved" not in shelf.text  # nothing waits
    video = f"video: {{steps: 2, camera: {saved_model('modelscope')}, approve: true}}"
    shelf.premise.write_text(shelf.premise.read_text("utf-8").replace("video: {steps: 2}", video))
    assert board(client)["waits_for_approval"]
    api("POST", "scenes/s01/approve", approved=True)
    assert shelf.text.count("approved: true") == 2


def test_a_script_with_a_fault_is_told_with_its_place_and_the_scenes_stay(client, shelf):
    board(client)
    shelf.write(shelf.text.replace("slugline: INT", "slugline INT"))
    found = board(client)
    assert found["fault"].startswith("script.yaml:7:5: wanted `key: value`")
    assert len(found["scenes"]) == 1
    answer = client.get(f"/shows/{FISH}")
    assert answer.status_code == 200
    assert "script.yaml:7" in answer.text


def test_an_episode_without_a_script_has_a_page_that_says_so(client, shelf):
    shelf.script.unlink()
    assert board(client)["scenes"] == []
    assert "Write it" in client.get(f"/shows/{FISH}").text


def test_jobs_are_asked_for_with_the_commands_own_options(client, site):
    answer = client.post("/api/v1/jobs", json={"kind": "retake", "episode": FISH, "shot": "s01.1"})
    assert answer.status_code == 202
    assert answer.headers["location"] == "/api/v1/jobs/1"
    job = site.queue.get(1).job
    assert job.options["shot"] == "s01.1"
    assert job.options["code"] == "s01e01"
    assert job.title == "Fish & Chips s01e01 s01.1"
    for wrong in (
        {"kind": "retake", "episode": FISH},
        {"kind": "retake", "episode": FISH, "shot": "../x"},
        {"kind": "episode", "episode": FISH, "output": "/etc"},
        {"kind": "episode", "episode": FISH, "premise": "/etc/passwd"},
        {"kind": "nonsense"},
        {},
        [],
    ):
        assert client.post("/api/v1/jobs", json=wrong).status_code == 422, wrong
    missing = {"kind": "episode", "episode": "../../etc"}
    assert client.post("/api/v1/jobs", json=missing).status_code == 404


def test_a_sentence_becomes_a_storyboard_with_its_script(client, shelf):
    answer = client.post("/api/v1/shows", json={"logline": "A cat runs for mayor"})
    assert answer.status_code == 201, answer.text
    found = client.get(f"/api/v1/episodes/{answer.json()['episode']}").json()
    assert found["scenes"]
    assert found["head"]["num_shots"] > 0
    assert found["head"]["num_kept"] == 0
    page = client.get(answer.json()["page"])
    assert page.status_code == 200
    again = client.post("/api/v1/shows", json={"logline": "A cat runs for mayor"})
    assert again.status_code == 422
    following = client.post(f"/api/v1/shows/{answer.json()['episode'].partition('/')[0]}/episodes")
    assert following.json()["episode"].endswith("s01e02")


@pytest.mark.parametrize("name", ["don_na_rybnoy", "monday_toaster"])
def test_shows_that_come_along_are_begun_whatever_letters_they_have(client, name):
    answer = client.post("/api/v1/shows", json={"shipped": name})
    assert answer.status_code == 201, answer.text
    assert client.get(answer.headers["location"]).json()["scenes"]
    page = client.get(answer.json()["page"])
    assert page.status_code == 200
    assert ">0 shots" not in page.text
    for part in ("head", "films", "scenes", "scenes/s01"):
        assert client.get(f"{answer.json()['page']}/{part}").status_code == 200
    asked = {"kind": "episode", "episode": answer.json()["episode"]}
    assert client.post("/api/v1/jobs", json=asked).status_code == 202
    again = client.post("/api/v1/shows", json={"shipped": name})
    assert again.json()["episode"] == answer.json()["episode"]  # it goes on with the one that is there
    assert client.post("/api/v1/shows", json={"shipped": "nothing"}).status_code == 404


def test_a_meme_without_a_premise_file_has_a_board_and_is_made_by_its_texts(client, site, shelf):
    text = MemeText(picture="a toaster dances", top="MONDAY")
    episode = Episode.open(EpisodeRequest(meme=text, output=shelf.output))
    run.make_episode(
        Episode.open(EpisodeRequest(meme=text, output=shelf.output, until="script")),
        Console(write=lambda line: None, terminal=False, silence=1e9),
        LocalSteps(LoadedModels()),
    )
    name = name_of(episode.folder)
    found = client.get(f"/api/v1/episodes/{name}").json()
    assert (found["is_meme"], len(found["scenes"])) == (True, 1)
    assert found["scenes"][0]["shots"][0]["prompt"] == "a toaster dances"
    assert client.post("/api/v1/jobs", json={"kind": "episode", "episode": name}).status_code == 202
    options = site.queue.get(1).job.options
    assert (options["meme"], options["meme_text"]["top"]) == (True, "MONDAY")


def test_an_episode_whose_premise_is_gone_says_so(client, shelf):
    shelf.premise.unlink()
    assert "fish.yaml" in client.get(f"/api/v1/episodes/{FISH}").json()["fault"]
    assert client.get(f"/shows/{FISH}").status_code == 200
    answer = client.post("/api/v1/jobs", json={"kind": "episode", "episode": FISH})
    assert (answer.status_code, "fish.yaml" in answer.json()["detail"]) == (404, True)


def test_plan_and_check_say_what_the_commands_say(client):
    assert client.get(f"/api/v1/episodes/{FISH}/plan").json()["lines"][0].startswith("Fish & Chips s01e01")
    answer = client.get(f"/api/v1/episodes/{FISH}/check").json()
    assert answer["code"] in (0, 2)
    assert answer["lines"]


OTHERS = '      - {who: don, line: Cod., laugh: small, alternates: [Hake., "Eel: still"]}  # mine'


def test_an_alternate_is_exchanged_as_the_command_does(client, api, shelf, tmp_path):
    shelf.write(shelf.text.replace("      - {who: don, line: Cod., laugh: small}", OTHERS))
    before = shelf.text
    page = client.get(f"/shows/{FISH}").text
    assert "2 other wordings" in page
    assert "Eel: still" in page
    answer = api("POST", "lines/s01-02/alternate", number=2, old="Cod.", new="Eel: still")
    assert answer.status_code == 204
    ours = shelf.text
    assert changed(before, ours) == [
        f"-{OTHERS}",
        '+      - {who: don, line: "Eel: still", laugh: small, alternates: [Hake., Cod.]}  # mine',
    ]
    assert board(client)["scenes"][0]["lines"][1]["why"] == "words changed"
    assert client.post(f"/api/v1/episodes/{FISH}/undo").status_code == 204
    assert shelf.text == before
    request = EpisodeRequest(premise=shelf.premise, episode="s01e01", output=shelf.output)
    alternates(request, "s01-02", 2, Console(write=lambda text: None, terminal=False, silence=1e9))
    assert shelf.text == ours


def test_an_alternate_that_is_another_one_by_now_is_a_conflict(api, shelf):
    shelf.write(shelf.text.replace("      - {who: don, line: Cod., laugh: small}", OTHERS))
    before = shelf.text
    assert api("POST", "lines/s01-02/alternate", number=1, old="Trout.", new="Hake.").json()["now"] == "Cod."
    assert api("POST", "lines/s01-02/alternate", number=1, old="Cod.", new="Trout.").status_code == 409
    assert api("POST", "lines/s01-02/alternate", number=3, old="Cod.", new="Hake.").status_code == 409
    assert api("POST", "lines/s01-01/alternate", number=1, old="It blinked.", new="x").status_code == 409
    assert api("POST", "lines/s01-09/alternate", number=1, old="Cod.", new="Hake.").status_code == 404
    assert shelf.text == before
    api("PATCH", "scenes/s01", lock=True, old=False)
    answer = api("POST", "lines/s01-02/alternate", number=1, old="Cod.", new="Hake.")
    assert (answer.status_code, answer.json()["detail"]) == (422, "s01 is locked; unlock it first")
