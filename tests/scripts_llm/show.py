"""A small show for the writer's tests: its premise, an outline and scenes as a good model would send them."""

from __future__ import annotations

import json
from typing import Any

from scripts_llm.llm.ask import Server
from scripts_llm.llm.client import LLMSettings
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.llm_writer.session import Assignment
from scripts_llm.screenplay.film_vocabulary import Dialect, FilmWords
from scripts_llm.screenplay.premise import Character, Format, Premise

WORDS = FilmWords(
    sets=("kitchen", "living room", "fish shop"),
    kinds=("man", "cat"),
    colours=("blue", "orange"),
    actions=("standing", "talking", "sleeping"),
    accessories=("hat", "apron"),
    props=("fish", "phone"),
)
DIALECT = Dialect(
    name="a toy that draws",
    words=WORDS,
    is_closed=True,
    most_words=20,
    rules=("People are standing, talking, sleeping.",),
    example="{first} talking, {second} sleeping, {place}",
)
PREMISE = Premise(
    show="Joe and the Don",
    logline="A fishmonger rents his spare room to a retired mob boss, who is a cat.",
    tone=("dry",),
    avoid=("real brands",),
    running_gags=("the fish blinks",),
    format=Format(scenes="4-5", length=40),
    characters={
        "joe": Character(name="Joe Carp", look="man, blue apron", wants="peace", flaw="cannot say no"),
        "don": Character(name="the Don", look="large orange cat, hat", catchphrase="I know a guy."),
    },
)
PARTS = ("cold_open", "act_1", "act_2", "tag")
OUTLINE: dict[str, Any] = {
    "title": "The Ninth Lemon",
    "logline": "Joe must hide nine lemons from the Don.",
    "object": "a lemon",
    "runner": "The lemons are counted.",
    "promise": "Somebody took the tenth lemon.",
    "scenes": [
        {
            "part": part,
            "story": "A",
            "setting": "kitchen",
            "who": ["joe", "don"],
            "wants": "Joe wants the lemons out of sight.",
            "turn": "It gets worse.",
            "button": "Lemons.",
        }
        for part in PARTS
    ],
}


def line(who: str, text: str, how: str = "") -> dict[str, str]:
    return {"who": who, "line": text, "parenthetical": how, "laugh": "none"}


def scene(part: str, number: int) -> dict[str, Any]:
    return {
        "part": part,
        "setting": "kitchen",
        "slugline": "INT. KITCHEN - DAY",
        "action": "Joe Carp is talking, the Don is sleeping.",
        "shots": [
            {"size": "medium", "prompt": "Joe Carp talking, the Don sleeping, kitchen"},
            {"size": "close-up", "prompt": "the Don talking, kitchen"},
        ],
        "dialogue": [
            line("joe", f"Who ate lemon number {number}?"),
            line("don", f"There were {number}?", "(yawning)"),
            line("joe", f"There were {number} when I went to bed, Don."),
            line("don", f"Then {number} of them know a guy."),
        ],
    }


SCENES: dict[str, Any] = {"scenes": [scene(part, number) for number, part in enumerate(PARTS, 3)]}
PUNCHED: dict[str, Any] = {
    "scenes": [
        {
            "number": n,
            "dialogue": [
                line("joe", f"Lemon {n} is gone."),
                line("don", f"So is witness {n}."),
                line("joe", f"Number {n} had a name, Don."),
                line("don", f"They all have names until {n + 2}."),
            ],
        }
        for n in range(1, 5)
    ]
}
ALL = [json.dumps(OUTLINE), json.dumps(SCENES), json.dumps(PUNCHED)]


def desk(url: str, **changes: Any) -> Server:
    """A server that waits for nothing."""
    settings = LLMSettings("small-model", url, **{"temperature": 0.8, **changes})
    return Server(settings, retry_policy=RetryPolicy(tries=2, sleep=lambda seconds: None))


def task(**changes: Any) -> Assignment:
    return Assignment(**{"premise": PREMISE, "dialect": DIALECT, "seed": 7, **changes})
