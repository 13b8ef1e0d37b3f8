"""Who the figures of a shot are, what they do, and which shots a camera films that can act."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.studio.acting.cues import Part
from flows.studio.errors import StudioError
from flows.studio.filming import shots as shot_list
from flows.studio.filming import vocabulary
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import DIRECTIONS, UNSPOKEN, PlannedShot
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot
from t2v.configs import TOON
from t2v.sampling.prompts import translate_prompt
from t2v.toon.direction import Direction, parse_direction

PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Fish",
        "logline": "?",
        "characters": {"joe": {"look": "blue man with an apron"}, "don": {"look": "orange cat with a hat"}},
    }
)
FILM = FilmSettings(
    model="toon",
    weights="0123456789abcdef",
    height=128,
    width=224,
    num_frames=16,
    num_steps=20,
    guidance_scale=2.5,
    negative_prompt="",
    dialect="toon",
    is_drawn=True,
)
ACTED = replace(FILM, directed=True, lips=True)
LINES = (Line(who="joe", line="No."), Line(who="don", line="Yes."))


def planned(shot: Shot, parts: list[Part] | None = None, *, action: str = "", film: FilmSettings = ACTED):
    scene = Scene(id="s01", slugline="INT. BAR - DAY", action=action, shots=(shot,), dialogue=LINES)
    of_shots = None if parts is None else {"s01.1": parts}
    script = Script(title="Fish", scenes=(scene,))
    (only,) = shot_list.plan_shots(script, PREMISE, film, seed=7, parts=of_shots)
    return only


def figure(shot: PlannedShot, frame: int, number: int = 0) -> Direction:
    return parse_direction(shot.directions[frame][number].split())


TWO = Shot(size="medium", prompt="Joe talking and the Don standing", who="joe")


def test_a_camera_that_cannot_act_films_what_it_filmed():
    before = planned(TWO, film=FILM)
    assert DIRECTIONS not in before.recipe
    assert planned(TWO, [Part("line", "joe", "3")], film=FILM).recipe == before.recipe
    assert not before.directions


def test_who_speaks_is_the_figure_with_the_look():
    shot = planned(TWO, [Part("line", "don", "3333")], action="Joe and the Don are in a bar.")
    assert figure(shot, 0, 0).mouth == "shut"
    assert figure(shot, 0, 1).mouth == "wide"
    exact = Shot(prompt_exact="a red dog, an orange cat and a blue man, in the bar", who="don")
    assert figure(planned(exact, [Part("line", "don", "3333")]), 0, 1).mouth == "wide"


def test_the_scenes_action_is_done_and_the_shots_own_words_come_first():
    scene = "Joe sits on a chair, the Don dances."
    shot = planned(TWO, [Part("line", "joe", "3")], action=scene)
    assert figure(shot, 5, 0).body == "seated"
    assert figure(shot, 4, 1).lean != "none"
    assert "cat with hat dancing" in shot.prompt
    own = Shot(size="close-up", prompt="Joe falls over")
    assert figure(planned(own, [], action=scene), 15).body == "lying"


def test_a_toast_dances_without_a_name():
    meme = planned(Shot(prompt="a toaster dances in the kitchen"), [])
    assert {figure(meme, frame).lean for frame in range(16)} == {"none", "left", "right"}


def test_who_leaves_leaves_last_and_who_enters_enters_once():
    leaving = "The Don leaves."
    first = planned(TWO, [Part("line", "don", "33")], action=leaving)
    last = planned(TWO, [Part("line", "don", "33", is_last=True)], action=leaving)
    assert figure(first, 15, 1).back == "hidden"
    assert figure(last, 13, 1).back == "seen"
    entering = "The Don comes in."
    shots = (Shot(prompt="the Don standing"), Shot(prompt="the Don standing, day"))
    scene = Scene(id="s01", slugline="INT. BAR - DAY", action=entering, shots=shots)
    both = shot_list.plan_shots(Script(title="x", scenes=(scene,)), PREMISE, ACTED, seed=7, parts={})
    assert [figure(shot, 1).step != "none" for shot in both] == [True, False]


def test_nobody_in_the_picture_has_no_directions():
    empty = planned(Shot(size="establishing", prompt="empty kitchen, night"), [Part("line", "joe", "3")])
    assert DIRECTIONS not in empty.recipe


def test_lines_without_voices_are_waited_for_where_their_speaker_is_seen():
    waiting = planned(TWO, [Part("line", "joe")])
    assert waiting.unspoken
    assert waiting.recipe[DIRECTIONS] == UNSPOKEN
    assert waiting.directions == ()
    face = Shot(size="close-up", prompt="the Don standing", who="don")
    listening = planned(face, [Part("line", "joe")])
    assert not listening.unspoken
    assert listening.recipe == planned(face, [Part("line", "joe", "332211")]).recipe


def test_with_lips_off_whom_the_shot_is_for_talks_as_usual():
    shot = planned(TWO, film=replace(ACTED, lips=False))
    assert len({figure(shot, frame).mouth for frame in range(16)}) > 2
    assert {figure(shot, frame, 1).mouth for frame in range(16)} == {"shut"}
    assert shot.cues == ()


def test_every_frames_prompt_says_it_of_the_right_figure():
    words = "medium shot, (blue:1.3) man standing and an orange cat talking, in the bar, day"
    for prompt in (words, planned(TWO, [Part("line", "joe", "31")]).prompt):
        (text,) = vocabulary.directed_prompts(prompt, [["mouth-wide arms-up", "mouth-shut arms-down"]])
        read = "".join(part.text for part in translate_prompt(text, TOON))
        assert read.index("man") < read.index("mouth-wide arms-up") < read.index("cat")
        assert read.index("cat") < read.index("mouth-shut arms-down")


def test_new_actions_reach_a_directed_toon():
    shot = planned(Shot(prompt="Joe falls over"), [])
    (part,) = translate_prompt(shot.prompt, TOON)
    assert "falling over" in part.text


@pytest.mark.parametrize(
    ("direct", "message"),
    [
        ({16: "joe: arms out"}, "s01.1 direct: wanted a frame from 0 to 15, got 16"),
        ({0: "jo: arms out"}, "s01.1 direct 0: wanted somebody of this shot, got 'jo', did you mean 'joe'?"),
        ({0: "joe: looks at dan"}, "got 'dan', did you mean 'don'?"),
        ({3: "joe: arms owt"}, "s01.1 direct 3: wanted a direction, got 'arms owt'"),
    ],
)
def test_what_is_wrong_by_hand_is_told(direct: dict[int, str], message: str):
    with pytest.raises(StudioError) as error:
        planned(TWO.model_copy(update={"direct": direct}), [])
    assert message in str(error.value)


def test_by_hand_is_part_of_the_recipe_of_a_camera_that_acts():
    by_hand = TWO.model_copy(update={"direct": {8: "joe: falls over"}})
    assert planned(by_hand, []).digest != planned(TWO, []).digest
    assert figure(planned(by_hand, []), 15).body == "lying"
    assert planned(by_hand, film=FILM).digest == planned(TWO, film=FILM).digest


def test_nobody_can_be_directed_in_an_empty_shot():
    with pytest.raises(StudioError, match="nobody is seen in this shot"):
        planned(Shot(prompt="empty kitchen, night", direct={0: "arms out"}), [])
