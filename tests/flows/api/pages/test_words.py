"""The pages' languages: no sentence lacks its Russian, and numbers have their forms."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from flows.api.clips.controls import controls
from flows.api.jobs.queue import State
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
    words = {
        *reasons,
        *kinds,
        *State.__args__,
        *Size.__args__,
        *(f"laugh: {each}" for each in LaughSize.__args__),
    }
    assert sorted(word for word in words if word not in russian) == []


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
    for sentence, found in language("ru").sentences.items():
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
