"""What an episode's publish.txt says, as the premise wants it."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from scripts_llm.screenplay.fields import Id, Model, Name, Text

_TITLE_SLOTS = re.compile(r"\{(show|season|episode|title)(?::(0?\d))?\}")


class Publish(Model):
    """What `publish.txt` has ready to paste."""

    title: Name = Field(
        default="{show} S{season:02}E{episode:02}: {title}",
        description="the video's title; `{show}`, `{season:02}`, `{episode:02}` and `{title}` are filled in",
    )
    description: Text | None = Field(default=None, description="above the credits; the logline if left out")
    tags: tuple[Name, ...] = Field(default=(), description="hashtags, `[sitcom, cats]`")
    thumbnail: Id | None = Field(default=None, description="the scene that the poster shows: `s03`")

    @field_validator("title")
    @classmethod
    def _known_slots(cls, value: str) -> str:
        if re.search(r"[{}]", _TITLE_SLOTS.sub("", value)):
            raise ValueError("{show}, {season:02}, {episode:02} and {title} as its only slots")
        return value

    def title_of(self, *, show: str, season: int, episode: int, title: str) -> str:
        """The title with its slots filled."""
        known: dict[str, str | int] = {"show": show, "season": season, "episode": episode, "title": title}
        return _TITLE_SLOTS.sub(lambda slot: _filled(known[slot[1]], slot[2]), self.title)


def _filled(value: str | int, width: str | None) -> str:
    return format(value, width or "") if isinstance(value, int) else value
