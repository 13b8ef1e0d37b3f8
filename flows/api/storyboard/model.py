"""The storyboard as data: scenes with their shots, takes and lines, and what the next run would make."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.studio.farm.orders import Model


@dataclass(frozen=True)
class TakeCard:
    """A take of a shot that is filmed."""

    number: int
    digest: str
    seed: int
    verdict: str
    seconds: float | None


@dataclass(frozen=True)
class ShotCard:
    """A shot as the page shows it.

    `key` is the key of the script that holds its words. `digest` is its clip's, None if there is none; `why`
    is why it is to be made, None if it is not. `pick` is the number of the take that is cut in.
    """

    label: str
    index: int
    key: str
    prompt: str
    understood: str
    size: str | None
    who: str | None
    fit: str | None
    seed: int | None
    own_seed: int | None
    file: str | None
    digest: str | None
    why: str | None
    pick: int
    own_pick: int | None
    takes: tuple[TakeCard, ...]
    seconds: float | None
    is_approved: bool = False


@dataclass(frozen=True)
class LineCard:
    """A line or a silence (`beat`) of a scene. `wav` is its recording's digest, None if there is none."""

    label: str
    index: int
    who: str = ""
    name: str = ""
    colour: int = 0
    line: str = ""
    parenthetical: str | None = None
    laugh: str | None = None
    beat: float | None = None
    file: str | None = None
    wav: str | None = None
    why: str | None = None
    is_murmured: bool = False
    alternates: tuple[str, ...] = ()


@dataclass(frozen=True)
class SceneCard:
    """A scene. `content` is the digest of what an approval is for."""

    id: str
    slugline: str
    setting: str | None
    part: str
    action: str
    shots: tuple[ShotCard, ...]
    lines: tuple[LineCard, ...]
    skip: bool
    lock: bool
    seconds: float
    content: str
    is_approved: bool = False


@dataclass(frozen=True)
class FilmFile:
    """A film of the episode: its file's name, its shape for people, and when it was made."""

    name: str
    shape: str
    stamp: int
    captions: str | None = None


@dataclass(frozen=True)
class Reason:
    """A clip or voice that is to be made, and why."""

    label: str
    why: str


@dataclass(frozen=True)
class Head:
    """The bar over the storyboard: what is to be made, whether all is made, who works on it."""

    num_shots: int = 0
    num_lines: int = 0
    num_kept: int = 0
    seconds: float | None = None
    dollars: float | None = 0.0  # that services cost; None if a price is not known
    reasons: tuple[Reason, ...] = ()
    is_done: bool = False
    has_film: bool = False
    gags: tuple[str, ...] = ()
    worked_on: str = ""
    undo: str = ""


@dataclass(frozen=True)
class Board:
    """An episode. `fault` is why script or premise cannot be read; the scenes are then those of before."""

    name: str
    show: str
    code: str
    title: str
    logline: str
    scenes: tuple[SceneCard, ...]
    head: Head
    films: tuple[FilmFile, ...] = ()
    cast: tuple[tuple[str, str], ...] = ()
    model: str = ""
    film_model: Model | None = None  # what a farm's cameras need for it; None if it is filmed otherwise
    aspect: str = "16:9"
    is_meme: bool = False
    is_complete: bool = False  # every scene of the file has its id and its shots
    waits_for_approval: bool = False  # the camera films only shots that are marked in the script
    fault: str = ""
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"/shows/{self.name}"

    @property
    def api(self) -> str:
        """Where scripts change it."""
        return f"/api/v1/episodes/{self.name}"

    @property
    def num_approved(self) -> int:
        """The number of scenes that are approved as they are."""
        return sum(scene.is_approved for scene in self.scenes)

    def retakes(self, scene: SceneCard) -> list[dict[str, str]]:
        """The jobs that film every shot of a scene again."""
        return [
            {"kind": "retake", "episode": self.name, "shot": shot.label}
            for shot in scene.shots
            if shot.file is None
        ]

    def scene(self, name: str) -> SceneCard | None:
        """The scene of that id; None if there is none."""
        return next((scene for scene in self.scenes if scene.id == name), None)

    def shot(self, label: str) -> ShotCard | None:
        """The shot of that label; None if there is none."""
        return next((shot for scene in self.scenes for shot in scene.shots if shot.label == label), None)
