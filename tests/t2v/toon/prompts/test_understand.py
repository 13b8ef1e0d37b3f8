"""What the world makes of free prompts."""

from __future__ import annotations

import numpy as np
import pytest

from t2v.toon import world
from t2v.toon.prompts.captions import canonical, caption, word_table
from t2v.toon.prompts.lexicon import lists
from t2v.toon.prompts.understand import understand
from t2v.toon.world import sample_staging


def test_the_dialect_of_the_camera_is_understood_word_for_word() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        staging = sample_staging(rng)
        meant = understand(canonical(staging))
        assert (meant.set, meant.time, meant.size, meant.camera) == (
            staging.set,
            staging.time,
            staging.size,
            staging.camera,
        )
        assert [vars(figure) for figure in meant.figures] == [vars(figure) for figure in staging.figures]
        assert meant.unknown == ()
        assert meant.prompt == canonical(staging)


def test_who_and_where_of_every_caption_is_understood() -> None:
    rng = np.random.default_rng(4)
    for _ in range(500):
        staging = sample_staging(rng)
        text = caption(staging, rng)
        meant = understand(text)
        kinds = sorted(figure.kind for figure in meant.figures)
        assert kinds == sorted(figure.kind for figure in staging.figures), text
        assert meant.set in (None, staging.set), text
        assert meant.unknown == (), text


PROMPTS = {
    "Joe's blue apron man whispering to a fat ginger cat in a fedora, living room, night": (
        "blue man with apron talking on the left and large orange cat with hat standing on the right, "
        "in the living room, night"
    ),
    "skinny man, 30, blue apron, messy hair": "blue man with apron standing",
    "INT. MAYOR'S OFFICE - NIGHT. The mayor shouts at a tabby holding a cup of coffee": (
        "man arguing on the left and cat holding a cup standing on the right, in the office, night"
    ),
    "two men arguing in a laboratory": (
        "man arguing on the left and man arguing on the right, in the spaceship"
    ),
    "a gangster with a cigar": "man with hat and cigar standing",
    "a gangster cat smoking on the couch": "cat with hat and cigar standing, in the living room",
    "robot waiter serving coffee at the bar": "robot holding a cup standing, in the bar",
    "an old bearded man with a red scarf sleeps in bed": "old man sleeping, in the bedroom",
    "wide shot of the city at sunset, slow pan": "establishing shot, empty street, night, pan",
    "extreme close-up of a crying woman in a red dress": "close-up of red woman talking",
    "Three ghosts dancing on stage": (
        "ghost dancing on the left and ghost dancing and ghost dancing on the right, in the stage"
    ),
    "Barbara, tall woman, purple dress, big red glasses, blonde hair": (
        "large purple woman with glasses standing"
    ),
    "the toaster runs away from a pink poodle in the park": (
        "toaster walking on the left and pink dog standing on the right, in the park"
    ),
    "close-up of Joe, talking": "close-up of man talking",
    "black dog and white cat next to each other in the classroom, morning": (
        "black dog standing on the left and white cat standing on the right, in the classroom, day"
    ),
    "an empty apartment, day": "establishing shot, empty living room, day",
    "a lady talking on the phone in her bedroom": "woman holding a phone talking, in the bedroom",
    "alien in a yellow raincoat walking down the street at night, rain": (
        "yellow alien walking, in the street, night"
    ),
    "a detective robot with a moustache": "robot with hat and moustache standing",
    "a group of children laughing on the beach": (
        "child laughing on the left and child laughing on the right, in the beach"
    ),
    "VHS still, two-shot: chef and mayor quarrel, kitchen, evening": (
        "medium shot, man with apron arguing on the left and man arguing on the right, in the kitchen, night"
    ),
    "Gary, middle-aged, brown suit, moustache, tired eyes": "brown man with moustache standing",
    "close up: grumpy tabby cat wearing sunglasses": "close-up of cat with glasses arguing",
    "a tall black robot in a chef's hat and white apron stirs soup, diner kitchen, morning": (
        "large black robot with hat and apron holding a cup standing, in the kitchen, day"
    ),
    "a goldfish giving a lecture at the university": "orange fish talking, in the classroom",
    "vampire in the dark castle": "ghost standing, in the living room, night",
    "white-haired professor with spectacles": "old man with glasses standing",
    "tracking shot of a dog chasing a cat down an alley": (
        "dog walking on the left and cat standing on the right, in the street, pan"
    ),
    "a man, a woman and a robot argue in the boardroom": (
        "man arguing on the left and woman arguing and robot arguing on the right, in the office"
    ),
    "a cat with green eyes, black fur": "black cat standing",
    "a dog is holding a fish": "dog holding a fish standing",
    "a dog and a fish": "dog standing on the left and fish standing on the right",
    "medium shot, cat on the right, dog on the left, bar": (
        "medium shot, cat standing on the right and dog standing on the left, in the bar"
    ),
    "Old Man Willis, 80, brown cardigan, bald, white beard": "brown old man standing",
    "zoom in on the cat's face": "cat standing, push-in",
}


@pytest.mark.parametrize(("prompt", "expected"), PROMPTS.items())
def test_a_free_prompt_is_put_into_the_words_of_the_world(prompt: str, expected: str) -> None:
    assert understand(prompt).prompt == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat falls over in the kitchen", "cat falling over, in the kitchen"),
        ("two men hug in the office", "man hugging on the left and man hugging on the right, in the office"),
        ("a man points at a robot", "man pointing on the left and robot standing on the right"),
        ("woman sitting in the bar with a parcel", "woman holding a box sitting, in the bar"),
    ],
)
def test_one_that_takes_directions_knows_more_actions_in_all_their_forms(prompt: str, expected: str) -> None:
    assert understand(prompt, directed=True).prompt == expected
    assert understand(prompt).prompt != expected


def test_a_colour_that_was_not_said_is_not_made_up() -> None:
    (cat,) = understand("a cat in the kitchen").figures
    assert cat.colour is None


def test_it_tells_what_it_mapped_and_what_it_does_not_know() -> None:
    meant = understand("a crimson gangster with a zither by the couch")
    assert ("crimson", "red") in meant.mapped
    assert ("gangster", "man with hat") in meant.mapped
    assert ("couch", "living room") in meant.mapped
    assert meant.unknown == ("zither",)


def test_a_close_up_of_two_becomes_a_medium_shot() -> None:
    meant = understand("close-up of a cat and a dog")
    assert meant.size == "medium"
    assert meant.prompt.startswith("medium shot, cat")


@pytest.mark.parametrize(
    "prompt", ["", "qwertz", ", - .", "---", "'", "the of a", "12 34", "é ü 漢字", "a" * 3000]
)
def test_every_prompt_gets_something_that_can_be_filmed(prompt: str) -> None:
    assert understand(prompt).prompt == "establishing shot, empty stage"


def test_never_more_than_three_figures() -> None:
    meant = understand("a cat, a dog, a man, a woman, two robots and three ghosts in the park")
    assert len(meant.figures) == 3


def test_the_table_knows_several_hundred_words_and_only_meanings_of_the_world() -> None:
    worlds = {
        "sets": world.SETS,
        "kinds": world.KINDS,
        "colours": world.COLOURS,
        "actions": world.ACTIONS,
        "sizes": world.SIZES,
        "times": world.TIMES,
        "cameras": world.CAMERAS,
        "accessories": world.ACCESSORIES,
        "props": world.PROPS,
        "builds": world.BUILDS,
    }
    count = 0
    for category, meanings in worlds.items():
        assert set(word_table()[category]) == set(meanings)
        assert set(lists()[category]) == set(meanings)
        count += sum(len(words) for words in lists()[category].values())
    assert count > 700


@pytest.mark.parametrize("category", ["sets", "kinds", "colours", "actions"])
def test_each_synonym_alone_means_what_the_table_says(category: str) -> None:
    key = {"sets": "set", "kinds": "kind", "colours": "colour", "actions": "action"}[category]
    frame = {"sets": "a cat in the {}", "kinds": "a {}", "colours": "a {} fish", "actions": "a robot {}"}[
        category
    ]
    for meaning, words in word_table()[category].items():
        for word in words:
            meant = understand(frame.format(word))
            got = meant.set if category == "sets" else getattr(meant.figures[-1], key)
            assert got == meaning, word


def test_a_size_or_a_colour_before_a_set_is_the_sets_own() -> None:
    """A small apartment makes nobody small."""
    understood = understand("white robot listening, small red 90s apartment, day")
    assert understood.prompt == "white robot standing, in the living room, day"
    assert understand("Joe, blue apron, fish shop").prompt == "blue man with apron standing, in the fish shop"
