"""publish.txt: what can be pasted into a video site as it is."""

from __future__ import annotations

import re

import pytest

from flows.studio.rates import FPS
from flows.studio.release import publish
from flows.studio.timeline.model import Span, Timeline
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from scripts_llm.screenplay.premise import Premise, Publish
from scripts_llm.screenplay.script import Scene, Script

SHOW = Premise(show="Joe and the Don", logline="A fishmonger and a cat.")
PARTS = ("cold_open", "act_1", "act_1", "act_2", "tag")


def script_of(*parts: str) -> Script:
    scenes = tuple(
        Scene(id=f"s{n:02d}", part=part, slugline="INT. SHOP - DAY") for n, part in enumerate(parts, 1)
    )
    return Script(title="Another Gerald", logline="Joe loses a fish.", scenes=scenes)


def timeline_of(*seconds: int) -> Timeline:
    """Spans of scenes, and the title card behind the first."""
    spans, now = [], 0
    for number, length in enumerate(seconds, 1):
        spans.append(Span(f"s{number:02d}", now * FPS, (now + length) * FPS, "scene"))
        now += length
        if number == 1:
            spans.append(Span("title", now * FPS, (now + 3) * FPS, "title"))
            now += 3
    return Timeline(1280, 720, tuple(spans), (), (), (), (), ())


def test_a_chapter_a_part_the_first_at_nought():
    found = publish.chapters(script_of(*PARTS), timeline_of(12, 10, 12, 20, 11))
    assert [(chapter.second, chapter.name) for chapter in found] == [
        (0, "Cold open"),
        (15, "Act one"),
        (37, "Act two"),
        (57, "Tag"),
    ]


@pytest.mark.parametrize(
    "seconds", [(5, 4, 5, 20, 11), (12, 10, 12, 20, 4), (1, 1, 1, 1, 1), (40, 1, 1, 1, 1)]
)
def test_chapters_are_ten_seconds_long_and_three_or_none(seconds):
    found = publish.chapters(script_of(*PARTS), timeline_of(*seconds))
    assert len(found) == 0 or len(found) >= 3
    ends = [*(chapter.second for chapter in found[1:]), sum(seconds) + 3]
    assert all(end - chapter.second >= 10 for chapter, end in zip(found, ends, strict=bool(found)))
    assert not found or found[0].second == 0


def test_a_script_without_parts_has_no_chapters():
    scenes = (Scene(id="s01", slugline="INT. SHOP - DAY"),)
    assert publish.chapters(Script(title="x", scenes=scenes), timeline_of(60)) == ()


def test_a_title_has_a_hundred_characters_at_most_and_no_half_word():
    assert (
        publish.shorten_title("Joe and the Don S01E01: Another Gerald")
        == "Joe and the Don S01E01: Another Gerald"
    )
    long = publish.shorten_title("word " * 40)
    assert len(long) <= 100
    assert long.endswith("word…")
    assert len(publish.shorten_title("x" * 300)) == 100


def test_hashtags_are_words_of_any_script_and_none_comes_twice():
    show = Premise(show="Рыба и кот", logline="x")
    assert publish.hashtags(("sitcom", "cats & dogs", "!!"), show) == (
        "#sitcom",
        "#CatsDogs",
        "#РыбаИКот",
        "#AIgenerated",
    )


def test_the_whole_text_is_ready_to_paste(tmp_path):
    place = EpisodeFolder(tmp_path, EpisodeCode(1, 3))
    premise = SHOW.model_copy(update={"publish": Publish(title="{show} {season}x{episode:02} {title}")})
    made = {
        "film_model": {"model": "modelscope", "licence": "CC-BY-NC-4.0"},
        "lines": [{"voice": "hibari-tts (Apache-2.0)"}, {"voice": "hibari-tts (Apache-2.0)"}],
        "script": {"written_by": "the offline writer"},
    }
    credit = publish.credit_lines(made, premise)
    publish.write_publish(place, premise, script_of(*PARTS), timeline_of(12, 10, 12, 20, 11), credit)
    text = (tmp_path / "publish.txt").read_text("utf-8")
    assert text.startswith("Joe and the Don 1x03 Another Gerald\n\nJoe loses a fish.\n\n0:00 Cold open\n")
    assert "Filmed by modelscope (CC-BY-NC-4.0)." in text
    assert text.count("hibari-tts") == 1
    assert "AI-generated" in text
    assert "Not for commercial use" in text
    assert text.rstrip().endswith("#JoeAndTheDon #sitcom #AIgenerated")
    assert not re.search(r"\n\n\n|[{}]", text)


def test_what_may_be_sold_is_not_forbidden():
    assert "commercial" not in publish.credit_lines({"film_model": {"licence": "Apache-2.0"}}, SHOW)
    bound = {"title": "Hunyuan", "licence": "Tencent", "territory": "not in the European Union"}
    assert "Hunyuan: not in the European Union\n" in publish.credit_lines({"film_model": bound}, SHOW)


def test_a_title_with_a_slot_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="only slots"):
        Publish(title="{show.__class__}")
