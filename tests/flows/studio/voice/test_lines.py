"""A line that is spoken is kept with the times of its words."""

from __future__ import annotations

from itertools import pairwise

from flows.studio.voice import lines
from flows.studio.voice.casting import cast_voices
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Line, Scene, Script


def test_a_spoken_line_notes_when_each_of_its_words_is_heard(tmp_path):
    premise = Premise(show="A Show", logline="A fish blinks.", characters={"joe": Character()})
    line = Line(who="joe", line="It blinked. I saw it.")
    scene = Scene(id="s01", slugline="INT. KITCHEN - DAY", dialogue=(line,))
    (asked,) = lines.plan_lines(Script(title="One", scenes=(scene,)), premise)
    made = lines.speak_line(asked, cast_voices(premise.characters)["joe"], tmp_path).notes
    places = made["words"]
    assert len(places) == 5
    assert all(0 <= a < b <= made["num_samples"] for a, b in places)
    gaps = [after[0] - before[1] for before, after in pairwise(places)]
    assert gaps.index(max(gaps)) == 1  # the pause between the two sentences
    assert max(gaps) > 4_800
