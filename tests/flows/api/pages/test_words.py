"""The pages' languages: no sentence lacks its Russian, and numbers have their forms."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

import pytest

import flows
from flows.api.clips.controls import controls
from flows.api.jobs.queue import State
from flows.api.pages import words
from flows.api.pages.words import choose_language, language, russian_form
from flows.api.routes.job_kinds import AnyJob
from flows.studio.production import plan
from scripts_llm.screenplay.script import LaughSize, Size

TEMPLATES = resources.files("templates") / "board"


def sentences():
    """The sentences of all templates: single ones, and pairs of a singular and a plural."""
    text = "".join(path.read_text("utf-8") for path in TEMPLATES.iterdir() if path.name.endswith(".j2"))
    single = set(re.findall(r'\bt\("((?:[^"\\]|\\.)*)"(?! ~)', text))
    plural = set(re.findall(r'\bn\((?:[^"]+?), "([^"]*)", "([^"]*)"', text))
    return single, plural


def test_no_sentence_lacks_its_russian():
    single, plural = sentences()
    assert len(single) > 80
    russian = language("ru").sentences
    assert sorted(one for one in single if not isinstance(russian.get(one), str)) == []
    assert sorted(many for _, many in plural if not isinstance(russian.get(many), list)) == []


def test_the_programs_own_words_have_their_russian():
    russian = language("ru").sentences
    kinds = [kind.model_fields["kind"].annotation.__args__[0] for kind in AnyJob.__args__[0].__args__]
    reasons = {plan.NEW, plan.LOST, plan.FAILED, *plan._REASONS.values()}
    own = {
        *reasons,
        *kinds,
        *State.__args__,
        *Size.__args__,
        *(f"laugh: {each}" for each in LaughSize.__args__),
    }
    assert sorted(word for word in own if word not in russian) == []


def labels_of_runs():
    """The labels of the progress of what the board makes, from the sources, with 7 in every slot."""
    home = Path(flows.__file__).parent
    paths = [
        *(home / "studio" / "production").glob("*.py"),
        *(home / "studio" / "farm" / f"{name}.py" for name in ("head", "connection")),
        *(
            home / "studio" / "commands" / f"{name}.py"
            for name in ("retake", "speak", "cut", "rewrite", "clip")
        ),
        *(home / "cli" / f"{name}.py" for name in ("runs", "shown")),
        home / "orchestration" / "server.py",
        home / "orchestration" / "setup.py",
        home / "orchestration" / "shows.py",
    ]
    for path in paths:
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
        for call in calls:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in ("progress", "_progress"):
                yield from _texts(call.args[0])


def _texts(node):
    """The sentence of a string with slots, with 7 in each."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)


WHAT_RUNS_SAY = {
    "scene 4 of 10, shot 2, step 5 of 12": "сцена 4 из 10, кадр 2, шаг 5 из 12",
    "scene 4 of 10, shot 2, 40 %": "сцена 4 из 10, кадр 2, 40 %",
    "3 cameras, 2 of 9 shots; scene 4 of 10, shot 2, step 5 of 12": (
        "снимают 3 камеры, готово 2 из 9; сцена 4 из 10, кадр 2, шаг 5 из 12"
    ),
    "s04.2, take 3, step 5 of 12": "s04.2, дубль 3, шаг 5 из 12",
    "clip 2 of 4, step 1 of 12": "клип 2 из 4, шаг 1 из 12",
    "cutting s01, 2 of 9": "монтируется s01, 2 из 9",
    "about 1 h 10 min left": "осталось около 1 ч 10 мин",
    "! s01.1 failed twice (no: room); a gag card takes its place": (
        "! s01.1: дважды не вышло (no: room); вместо него заглушка"
    ),
    "s01.2: filmed 2 times (wanted orange cat, nobody is there; wanted robot, it is grey dog), "
    "take 2 is kept and is right": (
        "s01.2: снято 2 раза (должен быть orange cat, никого нет; должен быть robot, а виден grey dog), "
        "взят дубль 2, он верен"
    ),
    "Fish & Chips s01e01: script.yaml as it stands, film by TOON, into output/fish": (
        "Fish & Chips s01e01: сценарий как есть, снимает TOON, в output/fish"
    ),
    "no camera of the farm films TOON 6f0caf44; waiting for one": (
        "на ферме некому снимать TOON 6f0caf44; ждём камеру"
    ),
    "1 min 33 s of film, -14.1 LUFS": "фильм длиной 1 мин 33 с, -14.1 LUFS",
    "3 of 4 made.": "Снято 3 из 4.",
    "process 4711 on gpu1 since 21:40": "процесс 4711 на gpu1 с 21:40",
    "a sentence that nobody foresaw": "a sentence that nobody foresaw",
}


def test_every_label_of_a_run_has_its_russian():
    labels = sorted({re.sub("^7(?=[a-z])", "", label) for label in labels_of_runs()})  # of several clips
    assert len(labels) > 15
    russian = language("ru")
    assert [label for label in labels if not re.search("[а-я]", russian.told(label))] == []


@pytest.mark.parametrize("said", WHAT_RUNS_SAY)
def test_what_runs_say_is_said_in_russian(said):
    assert language("ru").told(said) == WHAT_RUNS_SAY[said]
    assert language("en").told(said) == said


def test_every_saying_is_found_again():
    russian = language("ru")
    for sentence in russian.said:
        sample = re.sub(r"{(\w+)}", lambda slot: "7" if slot[1] in words.NUMBERS else "q.q", sentence)
        assert re.search("[а-я]", russian.told(sample)) or not re.search("[а-я]", str(russian.said[sentence]))


def test_several_reasons_are_said_one_by_one():
    many = "words changed, what its people do changed: their lips, looks or poses, voice changed"
    assert language("en").reason(many) == many
    assert language("ru").reason(many) == (
        "изменились слова, изменилась игра: губы, взгляды или позы, изменился голос"
    )


def test_the_controls_of_one_clip_have_their_russian():
    russian = language("ru").sentences
    said = {text for control in controls() for text in (control.title, control.help)}
    replaced = {control.help for control in controls() if control.name in ("video_model", "lora")}
    assert sorted(text for text in said - replaced if text not in russian) == []


def test_translations_have_the_slots_of_their_sentences():
    russian = language("ru")
    for sentence, found in {**russian.sentences, **russian.said}.items():
        for form in [found] if isinstance(found, str) else found:
            assert set(re.findall(r"{\w+}", form)) == set(re.findall(r"{\w+}", sentence)), sentence
        assert isinstance(found, str) or len(found) == 3


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 кадров"),
        (1, "1 кадр"),
        (2, "2 кадра"),
        (4, "4 кадра"),
        (5, "5 кадров"),
        (11, "11 кадров"),
        (14, "14 кадров"),
        (21, "21 кадр"),
        (22, "22 кадра"),
        (111, "111 кадров"),
        (121, "121 кадр"),
    ],
)
def test_russian_numbers(number, expected):
    assert language("ru").count(number, "{n} shot", "{n} shots") == expected
    assert russian_form(number) in (0, 1, 2)


def test_english_numbers():
    english = language("en")
    assert [english.count(n, "{n} shot", "{n} shots") for n in (0, 1, 2)] == ["0 shots", "1 shot", "2 shots"]


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        (None, "en-US,en;q=0.9,ru;q=0.8", "en"),
        (None, "de, ru;q=0.5, en;q=0.7", "en"),
        (None, "de", "en"),
        (None, "", "en"),
        (None, "ru;q=nonsense, *", "en"),
        ("ru", "en", "ru"),
        ("xx", "ru", "ru"),
    ],
)
def test_the_language_is_chosen(asked, accepted, expected):
    assert choose_language(asked, accepted).code == expected


@pytest.mark.parametrize(("seconds", "english", "russian"), [(40, "40 s", "40 с"), (300, "5 min", "5 мин")])
def test_lengths_of_time(seconds, english, russian):
    assert language("en").time(seconds) == english
    assert language("ru").time(seconds) == russian
