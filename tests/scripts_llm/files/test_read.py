"""Premises and scripts as people type them, and back again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_premise, read_script
from scripts_llm.files.write import save_script
from scripts_llm.plain_text import strip_controls
from scripts_llm.screenplay.premise import Character, Meme, Voice
from scripts_llm.screenplay.script import Beat, Line, Scene, Script, Shot, SoundEffect

MINIMAL = "show: Joe and the Don\nlogline: A fishmonger rents his spare room to a cat.\n"

FULL_PREMISE = """\
schema: 1
show: Joe and the Don
logline: A fishmonger rents his spare room to a retired mob boss, who is a cat.
season: 1
genre: sitcom            # sitcom | meme
tone: [dry, absurd]
rating: pg
language: en
format: {length: 90s, scenes: 8-12, structure: [cold_open, act_1, act_2, tag], aspect: 16:9, size: 256x256,
         fps: 24}
characters:
  joe: {name: Joe Carp, role: lead, wants: peace, flaw: cannot say no, catchphrase: "It's fresh!",
        speech: "nervous, short", look: "...",
        voice: {name: am_adam, speed: 1.05, pitch: 0, effect: none}, caption_color: "#ffd400"}
settings:
  apartment: {look: "small 90s apartment set, warm light", establishing: "brick building exterior, night"}
style: {prompt: "VHS, 1990s sitcom still", negative: "text, watermark, blurry"}
running_gags: [the fish blinks]
avoid: [real brands, politics]
video: {model: modelscope-1.7b, steps: 25, guidance: 9, frames: 16, seed: 42, fit: boomerang}
audio: {music: assets/theme.mp3, duck_db: 12, loudness: web,
        laugh_track: {pack: assets/laughs, level: medium}}
captions: {mode: burn, style: classic}
titles: {intro: assets/intro.mp4, card: "JOE AND THE DON", outro_credits: true}
writer: {model: gpt-…, base_url: …, template: sitcom, temperature: 1.0, max_tokens: 6000}
publish: {title: "{show} S{season:02}E{episode:02}: {title}", tags: [ai, sitcom], thumbnail: s03}
"""

FULL_SCRIPT = """\
schema: 1
title: The Blinking Fish
logline: …
scenes:
  - id: s01                     # stable: takes hang on it, never renumber
    part: cold_open
    slugline: INT. JOE'S APARTMENT - DAY
    setting: apartment
    action: Joe stares at a fish on the couch.
    shots:
      - {size: establishing, prompt: "apartment, day"}
      - {size: medium, prompt_exact: "…", seed: 7, takes: 3, pick: 2}
      - {file: stock/door.mp4}
    dialogue:
      - {who: joe, line: "Is it supposed to blink?", parenthetical: whispering, pause_before: 0.4}
      - {beat: 0.8}
      - don: Everything blinks, Joe.
      - {who: don, line: "Everyone blinks.", laugh: big, file: voices/take4.wav}
    sfx: [{at: end, file: door_slam.wav}]
    transition: smash_cut
    duration: auto
    skip: false
    lock: false
"""


def premise_of(tmp_path: Path, text: str):
    file = tmp_path / "premise.yaml"
    file.write_text(text, encoding="utf-8")
    return read_premise(file)


def dialogue_of(tmp_path: Path, rows: str) -> list[tuple[str, str]]:
    file = tmp_path / "script.yaml"
    head = "title: x\nscenes:\n  - slugline: INT. KITCHEN - DAY\n    dialogue:\n"
    file.write_text(head + "".join(f"      {row}\n" for row in rows.splitlines()), encoding="utf-8")
    scene = read_script(file, {"joe", "don"}).scenes[0]
    return [(line.who, line.line) for line in scene.dialogue if isinstance(line, Line)]


# -------------------------------------------------------------------------------------------- reading


def test_a_show_and_a_logline_are_a_premise(tmp_path: Path) -> None:
    premise = premise_of(tmp_path, MINIMAL)
    assert (premise.show, premise.season, premise.characters) == ("Joe and the Don", 1, {})


def test_the_full_premise_is_read(tmp_path: Path) -> None:
    premise = premise_of(tmp_path, FULL_PREMISE)
    joe = premise.characters["joe"]
    assert isinstance(joe.voice, Voice)
    assert (joe.voice.speed, joe.caption_color, premise.format.aspect) == (1.05, "#ffd400", "16:9")
    assert premise.publish is not None
    assert premise.publish.tags == ("ai", "sitcom")
    assert premise.titles.intro == "assets/intro.mp4"


def test_the_full_script_is_read(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(FULL_SCRIPT, encoding="utf-8")
    script = read_script(file, ["joe", "don"])
    scene = script.scenes[0]
    assert scene.shots is not None
    assert [shot.size for shot in scene.shots] == ["establishing", "medium", None]
    assert scene.dialogue[1:3] == (Beat(beat=0.8), Line(who="don", line="Everything blinks, Joe."))
    assert scene.sfx == (SoundEffect(file="door_slam.wav", at="end"),)


@pytest.mark.parametrize(
    "typed", ["No", "no", "yes", "off", "1:30", "0123", "1984", "1.10", "true", "null", "~", "0x1F", "1e3"]
)
def test_text_is_the_text_that_was_typed(tmp_path: Path, typed: str) -> None:
    assert premise_of(tmp_path, f"show: {typed}\nlogline: x\n").show == typed
    assert dialogue_of(tmp_path, f"- joe: {typed}\n- {{who: don, line: {typed}}}") == [
        ("joe", typed),
        ("don", typed),
    ]


def test_numbers_and_truth_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    premise = premise_of(tmp_path, MINIMAL + "season: 012\nseed: 0x1F\ntitles: {outro_credits: false}\n")
    assert (premise.season, premise.seed, premise.titles.outro_credits) == (12, 31, False)


def test_a_key_with_nothing_behind_it_is_a_key_left_out(tmp_path: Path) -> None:
    text = (
        MINIMAL
        + "season:\ntone:\nformat:\nrunning_gags: # later\ncharacters:\n  joe:\n  don: {look: a cat}\n"
    )
    premise = premise_of(tmp_path, text)
    assert (premise.season, premise.tone, premise.format.aspect) == (1, (), "16:9")
    assert premise.characters == {"joe": Character(), "don": Character(look="a cat")}


@pytest.mark.parametrize("show", ["../../etc/passwd", "🐟 and the Don", "Рыба моргает", "a: b: c", "…"])
def test_a_show_may_be_called_anything(tmp_path: Path, show: str) -> None:
    assert premise_of(tmp_path, f"show: {show}\nlogline: x\n").show == show


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "premise.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert read_premise(file).show == "Joe and the Don"


def test_a_few_aliases_are_fine(tmp_path: Path) -> None:
    text = MINIMAL + "characters:\n  joe: {look: &look a man}\n  bob: {look: *look}\n"
    assert premise_of(tmp_path, text).characters["bob"].look == "a man"


def test_a_meme_needs_no_logline(tmp_path: Path) -> None:
    premise = premise_of(
        tmp_path,
        "show: Toaster\ngenre: meme\nmeme: {picture: a toaster dances, top: MONDAY: again}\n".replace(
            "MONDAY: again", "'MONDAY: again'"
        ),
    )
    assert premise.meme == Meme(picture="a toaster dances", top="MONDAY: again")


# ------------------------------------------------------------------------------------------- dialogue


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("- joe: Wait: what?", "Wait: what?"),
        ("- joe: Listen:", "Listen:"),
        ("- {who: joe, line: Really?, laugh: big}", "Really?"),
        ("- {who: joe, line: 4:15? Not late? http://x.y/z}", "4:15? Not late? http://x.y/z"),
        ("- {who: joe, line: Two\n   rows, laugh: big}", "Two rows"),
        ("- joe: One: two: three.   # a comment: here", "One: two: three."),
        ("- joe: It's 'fine': really", "It's 'fine': really"),
        ("- {who: joe, line: 'Wait: what?'}", "Wait: what?"),
        ("- who: joe\n  line: Wait: what?", "Wait: what?"),
        ("- JOE: Hello", "Hello"),
        ("-   joe:   Hello, there.   ", "Hello, there."),
        ('- "joe": "Hello"', "Hello"),
        ("- joe: >\n    Hello\n    there", "Hello there"),
        ("- joe: Hello\n    there", "Hello there"),
        ('- joe: "No," he said: "Never."', '"No," he said: "Never."'),
        ("- joe: 'Late' is late   # a comment", "'Late' is late"),
        ("- joe: 'Late'   # a comment", "Late"),
        ("- joe: *sighs* No: never", "*sighs* No: never"),
        ("- joe: @Don: look!", "@Don: look!"),
        ("- joe: 100%: sure", "100%: sure"),
        ("- joe: %s and `rm -rf`", "%s and `rm -rf`"),
        ("- {who: joe, line: Wait: what}", "Wait: what"),
        ("- {who: joe, line: Listen:, laugh: big}", "Listen:"),
        ("- {who: joe, line: @Don: no, laugh: big}", "@Don: no"),
        ("- {joe: Wait: what}", "Wait: what"),
    ],
)
def test_a_line_may_be_typed_in_many_ways(tmp_path: Path, row: str, words: str) -> None:
    assert dialogue_of(tmp_path, row) == [("joe", words)]


def test_a_short_line_takes_other_keys_below_it(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: x\nscenes:\n- slugline: x\n  dialogue:\n  - joe: Wait: what?\n    laugh: big\n")
    assert read_script(file, ["joe"]).scenes[0].dialogue == (
        Line(who="joe", line="Wait: what?", laugh="big"),
    )


def test_whom_the_script_cast_may_speak(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: x\ncast: {amy: {}}\nscenes:\n- slugline: x\n  dialogue: [{amy: Hello}]\n")
    assert read_script(file, []).scenes[0].dialogue == (Line(who="amy", line="Hello"),)
    with pytest.raises(ScriptError, match="wanted someone of the cast, got 'bob', try one of: amy"):
        file.write_text(file.read_text().replace("[{amy", "[{bob")) and read_script(file, [])


# -------------------------------------------------------------------------------------------- writing

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(
    lambda text: strip_controls(text).strip()
)
CAST = ("joe", "don", "who", "line", "beat", "no", "null", "1", "laugh")
laughs = st.none() | st.sampled_from(["small", "big", "none"])
seconds = st.floats(0.01, 10, allow_nan=False)
lines = st.builds(
    Line,
    who=st.sampled_from(CAST),
    line=words,
    laugh=laughs,
    parenthetical=st.none() | words,
    pause_before=st.none() | seconds,
)
beats = st.builds(Beat, beat=seconds, laugh=laughs)
shots = st.builds(
    Shot,
    size=st.sampled_from(["medium", "close-up"]),
    prompt=words,
    seed=st.none() | st.integers(0, 2**62),
    who=st.none() | st.sampled_from(CAST),
)
scenes = st.builds(
    Scene,
    slugline=words,
    part=st.none() | st.just("tag"),
    setting=st.none() | words,
    action=st.just("") | words,
    shots=st.none() | st.lists(shots, max_size=3).map(tuple),
    dialogue=st.lists(lines | beats, max_size=4).map(tuple),
    sfx=st.lists(
        st.builds(SoundEffect, name=st.just("door"), at=st.sampled_from(("start", "end", 1.5))), max_size=1
    ).map(tuple),
    duration=st.just("auto") | st.floats(0.1, 600),
    skip=st.booleans(),
)
scripts = st.builds(
    Script,
    title=words,
    logline=st.none() | words,
    scenes=st.lists(scenes, min_size=1, max_size=3).map(tuple),
    cast=st.just(
        dict.fromkeys(CAST, Character())
        | {"amy": Character(look="a, b: c", voice=Voice(name="no", pitch=-3))}
    ),
    meme=st.none() | st.builds(Meme, picture=words, top=words),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=scripts, head=st.lists(st.text(max_size=30), max_size=2))
def test_a_script_that_is_written_is_the_script_that_is_read(
    tmp_path: Path, script: Script, head: list[str]
) -> None:
    file = tmp_path / "script.yaml"
    save_script(script, file, head=head)
    assert read_script(file, []) == script


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=scripts)
def test_another_reader_of_yaml_finds_the_same_words(tmp_path: Path, script: Script) -> None:
    file = tmp_path / "script.yaml"
    save_script(script, file, head=[])
    found = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    assert found["title"] == script.title
    for scene, wanted in zip(found["scenes"], script.scenes, strict=True):
        assert scene["slugline"] == wanted.slugline
        said = [line.line for line in wanted.dialogue if isinstance(line, Line)]
        typed = [
            element for element in scene.get("dialogue", []) if "who" in element or "beat" not in element
        ]
        assert [element.get("line", next(iter(element.values()))) for element in typed] == said


def test_a_script_is_written_for_people(tmp_path: Path) -> None:
    script = Script(
        title="The Blinking Fish",
        scenes=(
            Scene(
                id="s01",
                part="cold_open",
                slugline="INT. JOE'S APARTMENT - DAY",
                action="Joe is standing, the Don is sleeping.",
                shots=(Shot(size="medium", prompt="Joe standing, the Don sleeping"),),
                dialogue=(
                    Line(who="joe", line="Is it supposed to blink?"),
                    Beat(beat=0.8),
                    Line(who="don", line="No"),
                ),
            ),
            Scene(
                id="s02",
                slugline="INT. BAR - NIGHT",
                dialogue=(Line(who="don", line="It: blinks.", laugh="big"),),
            ),
        ),
    )
    save_script(
        script, tmp_path / "script.yaml", head=["Written by the offline writer.", "I assumed: Joe is a man."]
    )
    comments, content = (tmp_path / "script.yaml").read_text().split("\n\n", 1)
    assert comments.startswith(
        "# Written by the offline writer.\n# I assumed: Joe is a man.\n#\n# This file is yours"
    )
    assert all(row.startswith("#") and len(row) <= 110 for row in comments.splitlines())
    assert content == (
        "schema: 1\n"
        "title: The Blinking Fish\n"
        "scenes:\n"
        "  - id: s01\n"
        "    part: cold_open\n"
        "    slugline: INT. JOE'S APARTMENT - DAY\n"
        "    action: Joe is standing, the Don is sleeping.\n"
        "    shots:\n"
        '      - {size: medium, prompt: "Joe standing, the Don sleeping"}\n'
        "    dialogue:\n"
        "      - joe: Is it supposed to blink?\n"
        "      - {beat: 0.8}\n"
        '      - don: "No"\n'
        "\n"
        "  - id: s02\n"
        "    slugline: INT. BAR - NIGHT\n"
        "    dialogue:\n"
        '      - {who: don, line: "It: blinks.", laugh: big}\n'
    )


def test_a_script_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").mkdir()
    with pytest.raises(IsADirectoryError):
        save_script(Script(title="x", scenes=(Scene(slugline="x"),)), tmp_path / "script.yaml", head=[])
    assert os.listdir(tmp_path) == ["script.yaml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a Linux device here")
def test_a_full_disk_names_the_file_and_the_old_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: old\n")
    (tmp_path / f"script.yaml.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*script\.yaml"):
        save_script(Script(title="x", scenes=(Scene(slugline="x"),)), file, head=[])
    assert file.read_text() == "title: old\n"


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: old\n")
    file.chmod(0o640)
    save_script(Script(title="x", scenes=(Scene(slugline="x"),)), file, head=[])
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
