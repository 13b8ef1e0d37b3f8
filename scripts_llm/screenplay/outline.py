"""The outline of an episode: its story scene by scene, before there is any dialogue (outline.yaml)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scripts_llm.screenplay.fields import Model, Name, Sentence

Story = Literal["A", "B", "runner"]


class OutlineScene(Model):
    """One scene of an outline: place, people, turn and last joke."""

    part: str = Field(max_length=20, description="`cold_open`, `act_1`, `act_2` or `tag`")
    story: Story = Field(default="A", description="A, B (somebody's smaller trouble) or runner")
    setting: str = Field(max_length=80, description="a key of the premise's settings")
    who: tuple[Annotated[str, Field(max_length=80)], ...] = Field(
        min_length=1, max_length=4, description="keys of the cast"
    )
    wants: str = Field(default="", max_length=300, description="who wants what, of whom")
    turn: str = Field(default="", max_length=400, description="what goes wrong, and what they believe then")
    button: str = Field(default="", max_length=300, description="the joke that the scene ends on")


class Outline(Model):
    """The story of an episode. `words` are those by which its scenes name what it is about."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="the version of this file's keys")
    title: Name = Field(description="the episode's")
    logline: Sentence = Field(description="the episode in one sentence")
    about: str = Field(default="", max_length=240, description="what the episode is about")
    words: tuple[Name, ...] = Field(
        default=(), max_length=12, description="words that name it, in the dialogue's language"
    )
    object: str = Field(default="", max_length=80, description="the cold open's thing, back in the tag")
    runner: str = Field(default="", max_length=240, description="the joke that comes three times")
    promise: str = Field(default="", max_length=240, description="what stays open for a later episode")
    suggestion: str = Field(
        default="", max_length=255, description="the file of the suggestion that it tells"
    )
    scenes: tuple[OutlineScene, ...] = Field(min_length=1, max_length=200, description="in order")
