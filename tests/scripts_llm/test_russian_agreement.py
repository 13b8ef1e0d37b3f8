"""Russian subjects, verbs and verbal nouns agree."""

from __future__ import annotations

import pytest

from scripts_llm import russian, russian_agreement


@pytest.mark.parametrize(
    ("phrase", "plural", "gender"),
    [
        ("две монахини", True, "femn"),
        ("бывшие супруги", True, "masc"),
        ("бабушка и робот-пылесос", True, "femn"),
        ("золотая рыбка", False, "femn"),
        ("капитан", False, "masc"),
        ("грибы", True, None),
        ("посуда", False, None),
    ],
)
def test_subjects_have_number_and_gender(phrase: str, plural: bool, gender: str | None) -> None:
    assert russian_agreement.is_plural(phrase) is plural
    assert russian_agreement.head_gender(phrase) == gender


@pytest.mark.parametrize(
    ("phrase", "forms", "fitting"),
    [
        ("пекарня", ("мой", "моя", "моё"), "моя"),
        ("море", ("мой", "моя", "моё"), "моё"),
        ("грибы", ("мой", "моя", "моё"), "мои"),
        ("грибы", ("должен", "должна", "должно"), "должны"),
        ("две монахини", ("даёт", "даёт", "даёт", "дают"), "дают"),
        ("дети", ("приехал настоящий", "", ""), "приехали настоящие"),
    ],
)
def test_forms_agree_with_their_subject(phrase: str, forms: tuple[str, ...], fitting: str) -> None:
    assert russian_agreement.agreeing(phrase, forms) == fitting


def test_verbs_beside_a_plural_are_plural() -> None:
    told = "Придёт {object}! {object} уже гремит. Я несу {object}. {object} {V} брал."
    plural = "Придут {object}! {object} уже гремят. Я несу {object}. {object} {V} брал."
    assert russian_agreement.with_plural_verbs(told, "object") == plural


@pytest.mark.parametrize(
    ("clause", "lesson"),
    [
        ("танцевать", "танцы"),
        ("плавать", "плавание"),
        ("играть на рояле", "игра на рояле"),
        ("водить машину", "вождение машины"),
        ("вязать красный шарф", "вязание красного шарфа"),
        ("не бояться темноты", "«не бояться темноты»"),
    ],
)
def test_what_is_taught_is_a_noun(clause: str, lesson: str) -> None:
    assert russian_agreement.as_lesson(clause) == lesson


def test_a_common_word_at_the_start_of_a_sentence_is_no_name() -> None:
    assert [russian.is_mostly_name(word) for word in ("Трофим", "Машина", "Короче", "Из")] == [
        True,
        *[False] * 3,
    ]
