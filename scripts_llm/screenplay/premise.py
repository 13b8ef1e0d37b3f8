"""The premise of a show, which a person writes, as frozen pydantic models.

The `description` of a field is its entry in docs/premise.md (docs/reference_pages.py).
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from scripts_llm.screenplay.fields import (
    A_PICTURE,
    NO_PICTURES,
    Id,
    Model,
    Name,
    PictureFile,
    Sentence,
    Text,
    check_file_type,
)
from scripts_llm.screenplay.video import Video

Part = Literal["cold_open", "act_1", "act_2", "tag"]
Aspect = Literal["16:9", "1:1", "9:16"]
Mood = Literal["calm", "tender", "happy", "nostalgic", "energetic"]

LENGTH_SECONDS = (2, 1800)
MAX_SCENES = 200

_TITLE_SLOTS = re.compile(r"\{(show|season|episode|title)(?::(0?\d))?\}")


class Voice(Model):
    """How a character sounds: the name of a voice, and what is done to it."""

    name: str = Field(description="a voice's name, as `coldopen voices` lists them, or `VOICE@URL`")
    speed: float = Field(
        default=1.0, ge=0.5, le=2.0, description="1 is as fast as the voice speaks by itself"
    )
    pitch: float = Field(default=0.0, ge=-12, le=12, description="semitones up or down")
    effect: Literal["none", "phone", "robot", "ghost", "crowd"] = Field(
        default="none", description="what it sounds through"
    )


class Character(Model):
    """A character of the show."""

    name: Name | None = Field(
        default=None, description="as it is captioned; the key with capitals if left out"
    )
    look: Sentence | None = Field(default=None, description="goes word for word into every shot's prompt")
    picture: PictureFile | None = Field(
        default=None,
        description="a picture of them beside this file, for film models that take references",
    )
    role: str | None = Field(
        default=None, max_length=120, description="lead, neighbour, rival: who this is to the others"
    )
    wants: Sentence | None = Field(default=None, description="what this person is after, in every scene")
    flaw: Sentence | None = Field(default=None, description="what keeps them from it")
    catchphrase: Name | None = Field(
        default=None, description="said word for word, at most three times an episode"
    )
    speech: Sentence | None = Field(default=None, description="how they talk: nervous, short, like a lawyer")
    voice: str | Voice | None = Field(
        default=None, description="a voice's name, or a mapping; chosen if left out"
    )
    caption_color: str | None = Field(
        default=None, pattern=r"^#[0-9a-fA-F]{6}$", description="of this character's captions, like `#ffd400`"
    )


class Setting(Model):
    """A set of the show."""

    look: Sentence = Field(description="goes word for word into the prompts of the shots that play here")
    establishing: Sentence | None = Field(default=None, description="prompt of the shot that shows it first")
    picture: PictureFile | None = Field(
        default=None, description="a picture of it beside this file, for film models that take references"
    )


class Format(Model):
    """Length and shape of an episode."""

    length: int | str | None = Field(
        default=None, description="seconds: `90` or `90s`; 60 to 120 if left out"
    )
    scenes: int | str | None = Field(default=None, description="a number, or a range like `8-12`")
    shots: int | None = Field(default=None, ge=1, le=6, description="shots a scene at most")
    structure: tuple[Part, ...] | None = Field(default=None, description="the parts an episode has, in order")
    aspect: Aspect = Field(default="16:9", description="of the finished picture")
    size: str | None = Field(
        default=None,
        pattern=r"^\d{2,4}x\d{2,4}$",
        description="of the finished picture: `1280x720`, `720x720`, `720x1280`",
    )
    fps: Literal[24] = Field(default=24, description="frames a second of the finished picture")

    @field_validator("length")
    @classmethod
    def _length_is_sane(cls, value: int | str | None) -> int | str | None:
        if value is not None:
            seconds = re.fullmatch(r"(\d{1,6})s?", str(value))
            if not seconds or not LENGTH_SECONDS[0] <= int(seconds[1]) <= LENGTH_SECONDS[1]:
                raise ValueError(f"{LENGTH_SECONDS[0]} to {LENGTH_SECONDS[1]} seconds, like 90 or 90s")
        return value

    @field_validator("scenes")
    @classmethod
    def _scenes_are_sane(cls, value: int | str | None) -> int | str | None:
        if value is not None:
            bounds = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", str(value).replace(" ", ""))
            if not bounds or not 1 <= int(bounds[1]) <= int(bounds[2] or bounds[1]) <= MAX_SCENES:
                raise ValueError(f"1 to {MAX_SCENES} scenes, like 9 or 8-12")
        return value

    @field_validator("size")
    @classmethod
    def _size_is_sane(cls, value: str | None) -> str | None:
        if value is not None and any(
            int(side) % 2 or not 64 <= int(side) <= 4096 for side in value.split("x")
        ):
            raise ValueError("even sides of 64 to 4096, like 1280x720")
        return value


class Style(Model):
    """Words that every shot's prompt gets besides its own."""

    prompt: Text = Field(default="", description="added to every prompt: `VHS, 1990s sitcom still`")
    negative: Text = Field(default="", description="what no shot should show")


class LaughTrack(Model):
    """The audience."""

    pack: str | None = Field(default=None, description="a folder of one's own laughs")
    level: Literal["low", "medium", "high"] = Field(default="medium", description="how loud the audience is")


class Audio(Model):
    """The sound."""

    music: str | None = Field(
        default=None, description="a file of one's own; else a theme is made for the show"
    )
    mood: Mood | None = Field(
        default=None, description="of theme and beds; left out: a happy theme over calm or tender beds"
    )
    duck_db: float = Field(
        default=12, ge=0, le=40, description="how far the music steps back under speech, in dB"
    )
    loudness: Literal["web", "podcast", "ebu"] = Field(default="web", description="-14, -16 or -23 LUFS")
    laugh_track: LaughTrack | Literal["on", "off"] = Field(default="on", description="`off`, or a mapping")


class Captions(Model):
    """The words on the picture. `.srt` and `.vtt` files are always written."""

    mode: Literal["burn", "soft", "none"] = Field(
        default="burn", description="into the picture, as a track, or not"
    )
    style: str = Field(default="classic", description="a file of templates/captions")


class Titles(Model):
    """Title card and credits."""

    intro: str | None = Field(
        default=None,
        max_length=400,
        description="a film (mp4, mov, webm, gif, …; a minute of it at most) or picture of one's own instead "
        "of the title card, named from this file's folder; a film's own sound is heard instead of the theme",
    )
    card: Name | None = Field(default=None, description="the title card's text; the show's name if left out")
    outro_credits: bool = Field(default=True, description="credits at the end")

    @field_validator("intro")
    @classmethod
    def _intro_is_a_picture(cls, value: str | None) -> str | None:
        return check_file_type(value, NO_PICTURES, A_PICTURE)


class Writer(Model):
    """Who writes the script: any OpenAI-compatible endpoint."""

    model: str | None = Field(
        default=None, description="else `OPENAI_MODEL`, else the only one that the endpoint has"
    )
    base_url: str | None = Field(
        default=None, description="`http://localhost:11434/v1`; else `OPENAI_BASE_URL`"
    )
    template: str | None = Field(default=None, description="a folder of one's own prompts, beside this file")
    temperature: float | None = Field(default=None, ge=0, le=2, description="0 is sober")
    max_tokens: int | None = Field(default=None, ge=100, le=10_000_000, description="of a whole script")
    max_cost: float | None = Field(default=None, ge=0, le=10_000, description="US dollars, of a whole script")
    alternates: int | None = Field(
        default=None, ge=0, le=5, description="more last lines for every scene, kept in `alternates`"
    )

    @property
    def names_a_model(self) -> bool:
        """Whether anything of a language model is said; alternates come from the offline writer, too."""
        return self.model_copy(update={"alternates": None}) != Writer()


class Meme(Model):
    """A meme: one picture that moves, and two texts."""

    picture: Sentence = Field(description="what is seen: `a toaster dances`")
    top: str = Field(default="", max_length=120, description="text over the picture")
    bottom: str = Field(default="", max_length=120, description="text under it")
    bar: str = Field(default="", max_length=120, description="black text in a white bar above the picture")


class Publish(Model):
    """The contents of `publish.txt`, ready to paste."""

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

    def format_title(self, *, show: str, season: int, episode: int, title: str) -> str:
        """The title with its slots filled."""
        known: dict[str, str | int] = {"show": show, "season": season, "episode": episode, "title": title}
        return _TITLE_SLOTS.sub(lambda slot: _filled(known[slot[1]], slot[2]), self.title)


class Premise(Model):
    """A show, as a person writes it. `show` and `logline` suffice; the rest is invented from them."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="the version of this file's keys")
    show: Name = Field(description="the show's name; its folder under output/ is named after it")
    logline: Sentence | None = Field(
        default=None, description="the show in one sentence; a meme may do without it"
    )
    season: int = Field(default=1, ge=1, le=99, description="which season the episodes belong to")
    genre: Literal["sitcom", "meme"] = Field(default="sitcom", description="what is made of it")
    tone: tuple[Name, ...] = Field(default=(), description="`[dry, absurd]`")
    rating: str | None = Field(default=None, max_length=40, description="whom it is for: `pg`")
    language: str = Field(default="en", max_length=40, description="of the dialogue")
    format: Format = Field(default=Format(), description="length and shape of an episode")
    characters: dict[Id, Character] = Field(default={}, description="the cast; invented if left out")
    settings: dict[Id, Setting] = Field(default={}, description="the sets; the film model's own if left out")
    style: Style = Field(default=Style(), description="what every shot's prompt gets besides its own words")
    running_gags: tuple[Sentence, ...] = Field(
        default=(), description="what comes back, turned, in every episode"
    )
    avoid: tuple[Name, ...] = Field(default=(), description="what no episode is about")
    video: Video = Field(default=Video(), description="the film model's settings")
    audio: Audio = Field(default=Audio(), description="music, loudness, laughs")
    captions: Captions = Field(default=Captions(), description="the words on the picture")
    titles: Titles = Field(default=Titles(), description="title card and credits")
    writer: Writer | None = Field(
        default=None, description="an endpoint that writes; else the environment's, else offline"
    )
    meme: Meme | None = Field(default=None, description="of a meme: its picture and two texts")
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="the episode's seed; everything follows from it"
    )
    publish: Publish | None = Field(default=None, description="what publish.txt says to a video site")


def display_name(key: str, character: Character) -> str:
    """The name in captions: `name`, else the key with capitals."""
    return character.name or key.replace("_", " ").replace("-", " ").title()


def length_seconds(shape: Format) -> int | None:
    """The episode's length in seconds, or None if the premise gives none."""
    return None if shape.length is None else int(str(shape.length).removesuffix("s"))


def scene_bounds(shape: Format) -> tuple[int, int] | None:
    """The fewest and the most scenes, or None if the premise gives none."""
    if shape.scenes is None:
        return None
    low, _, high = str(shape.scenes).replace(" ", "").partition("-")
    return int(low), int(high or low)


def _filled(value: str | int, width: str | None) -> str:
    return format(value, width or "") if isinstance(value, int) else value
