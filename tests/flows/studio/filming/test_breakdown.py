"""Which shots a scene gets where its script lists none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from flows.studio.filming import breakdown, prompt
from scripts_llm.screenplay.premise import Premise, Setting
from scripts_llm.screenplay.script import Line, Scene, Script, Shot, Size

PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Joe and the Don",
        "logline": "A fishmonger rents his room to a cat.",
        "characters": {
            "joe": {"name": "Joe Carp", "look": "man, blue apron"},
            "don": {"name": "The Don", "look": "large orange cat, black hat, cigar"},
            "ray": {"look": "red robot"},
            "pat": {"look": "green woman"},
        },
    }
)


def _scene(*who: str, action: str = "", setting: str = "kitchen", **more: object) -> Scene:
    lines = [Line(who=one, line=f"Line {number}.") for number, one in enumerate(who)]
    return Scene(slugline="INT. KITCHEN - DAY", setting=setting, action=action, dialogue=lines, **more)


def _shots(scene: Scene, *, limit: int = 3, new: bool = True) -> list[tuple[str | None, str | None]]:
    shots = breakdown.break_down_scene(scene, PREMISE, limit=limit, is_new_place=new)
    return [(shot.size, shot.who) for shot in shots]


def test_a_new_place_is_established_then_the_speaker_among_the_others_then_the_other_face() -> None:
    assert _shots(_scene("joe", "don")) == [("establishing", None), ("medium", "joe"), ("close-up", "don")]


def test_a_known_place_is_not_established_again() -> None:
    assert _shots(_scene("joe", "don"), new=False) == [
        ("medium", "joe"),
        ("close-up", "don"),
        ("close-up", "joe"),
    ]


def test_one_shot_is_the_speaker_among_the_others() -> None:
    assert _shots(_scene("don", "joe"), limit=1) == [("medium", "don")]


@pytest.mark.parametrize("limit", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("who", [("joe",), ("joe", "don"), ("joe", "don", "ray")])
def test_whoever_speaks_has_a_shot_where_they_are_seen_speaking(
    who: tuple[str, ...], new: bool, limit: int
) -> None:
    scene = _scene(*who)
    shots = breakdown.break_down_scene(scene, PREMISE, limit=limit, is_new_place=new)
    assert len(shots) <= limit
    for speaker in who[:limit]:
        own = [shot.prompt for shot in shots if shot.who == speaker]
        seen = [prompt.characters_named(words or "", PREMISE.characters) for words in own]
        assert any(speaker in those for those in seen)
        assert all("talking" in str(words) for words in own)


def test_the_words_name_people_place_and_time_and_all_stand_as_the_action_says() -> None:
    scene = _scene("don", "joe", action="Joe is sleeping while the Don holds a fish.")
    wide, two, face = breakdown.break_down_scene(scene, PREMISE, limit=3, is_new_place=True)
    assert two.prompt == "Joe Carp sleeping, the Don talking, holding a fish, kitchen, day"
    assert face.prompt == "Joe Carp talking, kitchen, day"
    for words in (wide.prompt, two.prompt):
        assert prompt.characters_named(words or "", PREMISE.characters) == ("joe", "don")


def test_a_night_is_a_night_and_an_angry_line_is_an_argument() -> None:
    scene = Scene(
        slugline="INT. FISH SHOP - NIGHT",
        dialogue=(Line(who="joe", line="Out!", parenthetical="shouting"),),
    )
    shots = breakdown.break_down_scene(scene, PREMISE, limit=2, is_new_place=False)
    assert [shot.prompt for shot in shots] == ["Joe Carp arguing, fish shop, night"] * 2


@pytest.mark.parametrize("action", ["Joe and the Don argue.", "Joe fights the Don while Pat sleeps."])
def test_two_who_argue_are_both_seen_arguing(action: str) -> None:
    wide, two, face = breakdown.break_down_scene(
        _scene("joe", "don", action=action), PREMISE, limit=3, is_new_place=True
    )
    for words in (wide.prompt, two.prompt):
        assert (words or "").startswith("Joe Carp arguing, the Don arguing")
        assert ("pat sleeping" in (words or "").lower()) == ("Pat" in action)
    assert face.prompt == "The Don arguing, kitchen, day"


def test_two_who_speak_in_anger_argue_and_one_alone_does_not_make_a_quarrel() -> None:
    lines = [Line(who="joe", line="Out!", parenthetical="shouting"), Line(who="don", line="Never.")]
    scene = Scene(slugline="INT. BAR - DAY", action="Joe cooks.", dialogue=lines)
    (two,) = breakdown.break_down_scene(scene, PREMISE, limit=1, is_new_place=False)
    assert two.prompt == "Joe Carp arguing, the Don listening, bar, day"
    lines[1] = Line(who="don", line="Never.", parenthetical="angrily")
    scene = Scene(slugline="INT. BAR - DAY", action="Joe cooks.", dialogue=lines)
    (two,) = breakdown.break_down_scene(scene, PREMISE, limit=1, is_new_place=False)
    assert two.prompt == "Joe Carp arguing, the Don arguing, bar, day"


def test_who_argues_alone_does_so_while_speaking() -> None:
    scene = _scene("joe", "don", action="Joe is arguing on the left. The Don is talking on the right.")
    two, don, joe = breakdown.break_down_scene(scene, PREMISE, limit=3, is_new_place=False)
    assert two.prompt == "Joe Carp arguing, the Don talking, kitchen, day"
    assert (don.prompt, joe.prompt) == ("The Don talking, kitchen, day", "Joe Carp arguing, kitchen, day")


def test_a_quarrel_is_seen_whole_also_where_its_two_were_framed_before() -> None:
    scene = _scene("joe", "don", action="Joe is arguing on the left. The Don is talking on the right.")
    framed: dict[tuple[str, Size, str | None], int] = {("kitchen", "medium", "joe"): 2}
    first = breakdown.break_down_scene(scene, PREMISE, limit=3, is_new_place=False, framed=framed)[0]
    assert first.size == "establishing"
    assert (first.prompt or "").startswith("Joe Carp arguing, the Don talking")


def test_a_view_that_was_had_twice_is_left_out_rather_than_had_again() -> None:
    sizes: tuple[Size, ...] = ("medium", "close-up", "establishing")
    framed = {("kitchen", size, who): 2 for size in sizes for who in ("joe", "don")}
    scene = _scene("joe", "don")
    shots = breakdown.break_down_scene(scene, PREMISE, limit=3, is_new_place=False, framed=framed)
    assert len(shots) == 2


HOLDING = "Joe Carp listening, holding a fish"


@pytest.mark.parametrize(
    ("action", "said", "is_closed", "of", "prompt_of_it"),
    [
        ("Joe holds a fish. The Don talks.", "Give me the goldfish!", True, "goldfish", HOLDING),
        ("Joe holds a fish. The Don talks.", "Отдай карпа!", True, "карпа", HOLDING),
        ("Joe holds a fish. The Don talks.", "Never.", True, None, None),
        ("Joe stands. Close on the grand piano.", "The piano is mine.", False, "piano", "The grand piano"),
        ("Joe stands. Close on the grand piano.", "The piano is mine.", True, None, None),
    ],
)
def test_a_thing_talked_about_is_seen_as_far_as_the_camera_shows_it(
    action: str, said: str, is_closed: bool, of: str | None, prompt_of_it: str | None
) -> None:
    lines = (Line(who="joe", line=said), Line(who="don", line="No."), Line(who="joe", line="Yes."))
    scene = Scene(slugline="INT. KITCHEN - DAY", action=action, dialogue=lines)
    script = Script(schema=1, title="T", scenes=(scene.model_copy(update={"shots": ()}), scene))
    shots = breakdown.break_down(script, PREMISE, is_closed=is_closed)[1]
    things = [shot for shot in shots if shot.of]
    assert [shot.of for shot in things] == ([of] if of else [])
    if things:
        assert (things[0].size, things[0].who) == ("close-up", None)
        assert things[0].prompt == f"{prompt_of_it}, kitchen, day"


def test_a_silent_scene_shows_its_action() -> None:
    scene = Scene(slugline="EXT. STREET - DAY", action="It rains.")
    shots = breakdown.break_down_scene(scene, PREMISE, limit=3, is_new_place=True)
    assert shots[0].size == "establishing"
    assert all(shot.prompt == "It rains, street, day" for shot in shots)


def test_a_setting_says_how_it_is_established() -> None:
    shop = Setting(look="fish shop with blue tiles", establishing="empty fish shop, rain outside")
    premise = PREMISE.model_copy(update={"settings": {"shop": shop}})
    first = breakdown.break_down_scene(
        _scene("joe", "don", setting="shop"), premise, limit=3, is_new_place=True
    )[0]
    assert (first.size, first.prompt) == ("establishing", "empty fish shop, rain outside")


def _longest_run(sizes: Sequence[str]) -> int:
    """How many equal framings come in a row at most."""
    longest = run = 1 if sizes else 0
    for earlier, later in pairwise(sizes):
        run = run + 1 if earlier == later else 1
        longest = max(longest, run)
    return longest


def _episode(num_scenes: int) -> Script:
    casts = [("joe", "don"), ("joe", "don", "ray"), ("don",), ("ray", "joe", "pat")]
    places = ["kitchen", "kitchen", "office", "bar", "kitchen"]
    scenes = [
        _scene(*casts[number % len(casts)], setting=places[number % len(places)])
        for number in range(num_scenes)
    ]
    return Script(schema=1, title="Fish", scenes=tuple(scenes))


@pytest.mark.parametrize("num_scenes", [1, 8, 9, 10, 12, 40])
@pytest.mark.parametrize("asked", [None, 1, 2, 4, 6])
def test_no_framing_comes_three_times_in_a_row(num_scenes: int, asked: int | None) -> None:
    premise = PREMISE.model_copy(update={"format": PREMISE.format.model_copy(update={"shots": asked})})
    written = breakdown.break_down(_episode(num_scenes), premise)
    sizes = [str(shot.size) for index in range(num_scenes) for shot in written[index]]
    assert _longest_run(sizes) <= 2
    assert all(1 <= len(shots) <= (asked or 3) for shots in written.values())


@pytest.mark.parametrize("num_scenes", [8, 10, 12])
def test_an_episode_has_about_thirty_shots(num_scenes: int) -> None:
    written = breakdown.break_down(_episode(num_scenes), PREMISE)
    assert 2 * num_scenes <= sum(len(shots) for shots in written.values()) <= 30


def test_shots_and_ids_that_a_person_wrote_stay_and_no_id_is_given_twice() -> None:
    own = (Shot(size="close-up", prompt="the Don winks"),)
    script = Script(
        schema=1,
        title="Fish",
        scenes=(
            _scene("joe", id="s01"),
            _scene("don", shots=own),
            _scene("joe", id="s07", shots=()),
            _scene("joe"),
        ),
    )
    assert breakdown.assign_scene_ids(script) == {1: "s08", 3: "s09"}
    assert set(breakdown.break_down(script, PREMISE)) == {0, 3}


def test_a_place_that_was_seen_is_not_new_in_a_later_scene() -> None:
    written = breakdown.break_down(_episode(5), PREMISE)
    establishing = [index for index in written if written[index][0].size == "establishing"]
    assert establishing == [0, 2, 3]
    assert all(earlier < later for earlier, later in pairwise(establishing))


def test_who_dances_while_talking_is_seen_dancing() -> None:
    (two,) = breakdown.break_down_scene(
        _scene("joe", "don", action="Joe is dancing, holding a fish. The Don is standing."),
        PREMISE,
        limit=1,
        is_new_place=False,
    )
    assert (two.prompt or "").startswith("Joe Carp dancing, holding a fish, the Don standing")


def test_nobody_is_framed_alike_in_one_place_a_third_time() -> None:
    scenes = tuple(_scene("joe", "don", action="Joe is standing. The Don is standing.") for _ in range(4))
    script = Script(schema=1, title="Alike", scenes=scenes)
    shots = [shot for several in breakdown.break_down(script, PREMISE).values() for shot in several]
    counted = Counter((shot.size, shot.who) for shot in shots)
    assert len(counted) >= 6
    first = [shot for several in list(breakdown.break_down(script, PREMISE).values())[:2] for shot in several]
    assert max(Counter((shot.size, shot.who) for shot in first).values()) <= 2
