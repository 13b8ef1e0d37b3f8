"""How well mouths keep to the voices: a reader of mouths, trained on drawings alone, looks at acted scenes.

python tests/benchmarks/toon_mouths.py                  the drawn world itself, the ceiling
python tests/benchmarks/toon_mouths.py --model FOLDER   a TOON that takes directions
python tests/benchmarks/toon_mouths.py --sheet PICTURE  draws every second frame of the first shots

Two people talk in a set, in one medium shot and two close-ups, with voices by hibari. The scene is planned,
directed, filmed and cut as the program does it; then every frame of the film is read. The reader is a small
network over a square of pixels around where the drawn world would have the mouth. It is trained once (about a
minute) and kept in training/bench.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import t2v
from flows.studio.acting.directing import poses_of
from flows.studio.filming import models
from flows.studio.filming import shots as shot_list
from flows.studio.filming.settings import FilmSettings, resolve_settings
from flows.studio.filming.shots import PlannedShot
from flows.studio.filming.vocabulary import directed_prompts
from flows.studio.production.edit import rehearse
from flows.studio.rates import FPS, SAMPLE_RATE
from flows.studio.timeline.assemble import FilmFormat, assemble
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import LineCue, PictureCut, Timeline
from flows.studio.timeline.pacing import SceneMaterial, SpokenLine
from flows.studio.voice.lines import plan_lines, premise_voices, speak_line, stored_mouths
from flows.studio.voice.speak import speak
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot
from t2v.configs import TOON
from t2v.networks.autoencoder import Autoencoder
from t2v.sampling.samplers import shrink_small_motion
from t2v.toon.acting import sample_scene
from t2v.toon.direction import PARTS, Direction, make_pose, make_possible, parse_direction, read_direction
from t2v.toon.drawing.blocking import Actor, View, block, body_affine, together
from t2v.toon.drawing.faces import turned_face
from t2v.toon.drawing.pen import placed
from t2v.toon.drawing.poses import Pose
from t2v.toon.drawing.scene import draw_with_figures
from t2v.toon.prompts.understand import understand
from t2v.toon.world import COLOURS, KINDS, SETS, Figure, Staging

log = logging.getLogger("mouths")

HEIGHT, WIDTH = TOON.sizes["16:9"]
SQUARE = 32  # pixels of what the reader sees
REACH = 0.2  # of the figure's height, from the mouth to the square's edge
MOUTHS = PARTS["mouth"]
READER = Path("training/bench/mouth_reader.pt")
LINES = (
    "Is it supposed to blink?",
    "Everyone blinks, my papa told me so.",
    "I want my money back, all of it, right now.",
    "No.",
    "Well, who put a fish into the piano?",
    "That was not me, I was asleep under the table.",
    "Nobody sleeps here before the mayor has paid.",
    "Oh, what a beautiful morning for an argument.",
    "Please open the window, my hat is on fire.",
    "You said that about the last boat, too.",
    "How many cups of tea are too many?",
    "Eleven, if you have to drive a bus.",
)


@dataclass(frozen=True)
class Face:
    """Where a mouth is in a picture, and half the side of the square around it, in pixels."""

    x: float
    y: float
    reach: float


def placed_actors(staging: Staging, poses: Sequence[Pose], num_frames: int) -> list[Actor]:
    """The figures where the drawn world has them, at 224x128."""
    return together(block(staging, WIDTH / HEIGHT, num_frames).actors, poses)


def locate_faces(staging: Staging, poses: Sequence[Pose], num_frames: int) -> list[Face]:
    """Where each figure's mouth is."""
    aspect = WIDTH / HEIGHT
    actors = placed_actors(staging, poses, num_frames)
    base = View().affine(aspect, HEIGHT)
    faces = []
    for actor, pose in zip(actors, poses, strict=True):
        body = body_affine(base, actor, pose)
        head = turned_face(placed(body, pose.head_dx, pose.head_dy), pose)
        y = actor.anatomy.mouth_y
        faces.append(Face(head[1] * y + head[2], head[4] * y + head[5], REACH * actor.height * HEIGHT))
    return faces


def crop(picture: np.ndarray, face: Face, side: int = SQUARE) -> np.ndarray:
    """The square around a place, uint8 (side, side, 3), black where it is outside the picture."""
    box = (face.x - face.reach, face.y - face.reach, face.x + face.reach, face.y + face.reach)
    image = Image.fromarray(picture)
    return np.asarray(image.transform((side, side), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))


def is_readable(direction: Direction, face: Face) -> bool:
    """Whether a face is turned to the viewer, upright and in the picture."""
    inside = 0 < face.x < WIDTH and 0 < face.y < HEIGHT
    return inside and direction.back == "hidden" and direction.body not in ("lying", "tipping")


# -------------------------------------------------------------------------------------------- the reader


class Reader(nn.Sequential):
    """A square around a mouth (n, 3, 32, 32) in [-1, 1] to scores of mouths (n, 5)."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for before, after in ((3, 24), (24, 48), (48, 96)):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        layers += [
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(96 * 16, 64),
            nn.ReLU(),
            nn.Linear(64, len(MOUTHS)),
        ]
        super().__init__(*layers)


def as_tensor(squares: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 127.5 - 1


def draw_squares(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Squares around mouths of the drawn world, a little off, with the number of the mouth."""
    rng = np.random.default_rng(seed)
    while count > 0:
        scene = sample_scene(rng, 1)
        staging = replace(scene.staging, camera="still")
        if staging.size == "establishing" or not staging.figures:
            continue
        poses = []
        for pose in scene.poses[0]:
            shown = read_direction(pose)
            mouth = MOUTHS[int(rng.choice(5, p=(0.35, 0.2, 0.2, 0.15, 0.1)))]
            wanted = make_pose(make_possible(replace(shown, mouth=mouth)))
            poses.append(replace(pose, mouth=wanted.mouth, opening=wanted.opening * rng.uniform(0.85, 1.1)))
        (picture,), _ = draw_with_figures(staging, num_frames=1, height=HEIGHT, width=WIDTH, poses=[poses])
        for pose, face in zip(poses, locate_faces(staging, poses, 1), strict=True):
            direction = read_direction(pose)
            if not is_readable(direction, face) or count <= 0:
                continue
            off = rng.uniform(-0.22, 0.22, 2) * face.reach
            near = Face(face.x + off[0], face.y + off[1], face.reach * rng.uniform(0.88, 1.15))
            yield crop(picture, near), MOUTHS.index(direction.mouth)
            count -= 1


def train_reader(count: int = 7000, steps: int = 900) -> tuple[Reader, float]:
    """The reader, and the share of fresh squares whose mouth it reads as shut or not shut rightly."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    drawn = list(draw_squares(count, seed=11))
    squares, labels = as_tensor([square for square, _ in drawn]), torch.tensor([label for _, label in drawn])
    model = Reader()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        index = torch.randint(len(squares), (96,))
        batch = squares[index]
        if torch.rand(()) < 0.5:  # as soft as a small network's pictures are
            batch = functional.avg_pool2d(functional.pad(batch, (1, 1, 1, 1), mode="replicate"), 3, 1)
        batch = batch * (0.8 + 0.4 * torch.rand(len(batch), 1, 1, 1)) + 0.08 * torch.randn_like(batch)
        loss = functional.cross_entropy(model(batch), labels[index], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    fresh = list(draw_squares(600, seed=12))
    read = read_squares(model, [square for square, _ in fresh])
    right = np.mean([(one > 0) == (label > 0) for one, (_, label) in zip(read, fresh, strict=True)])
    return model, float(right)


def read_squares(model: Reader, squares: Sequence[np.ndarray]) -> list[int]:
    """The number of each mouth in `MOUTHS`; 0 is shut."""
    with torch.inference_mode():
        return [int(number) for number in model(as_tensor(squares)).argmax(1)] if squares else []


def kept_reader() -> Reader:
    """The reader of an earlier run, else a new one."""
    model = Reader()
    if READER.exists():
        model.load_state_dict(torch.load(READER, weights_only=True))
        return model.eval()
    model, right = train_reader()
    log.info("the reader tells open from shut in %.1f %% of fresh drawings", 100 * right)
    READER.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), READER)
    return model


# -------------------------------------------------------------------------------------------- the scenes


@dataclass
class Acted:
    """A scene that was planned, directed and cut: its shots, timeline, and the phones of its lines."""

    premise: Premise
    shots: tuple[PlannedShot, ...]
    timeline: Timeline
    vowels: list[list[float]]  # of each line the seconds of its vowels' middles
    spoken: list[str] = field(default_factory=list)


def make_scene(number: int, film: FilmSettings, folder: Path) -> Acted:
    """A scene of two random people with four lines."""
    rng = np.random.default_rng((5, number))
    kinds = rng.choice([kind for kind in KINDS if kind != "fish"], 2, replace=False)
    colours = rng.choice(COLOURS, 2, replace=False)
    people = {
        key: Character(look=f"{colour} {kind}")
        for key, kind, colour in zip(("joe", "don"), kinds, colours, strict=True)
    }
    premise = Premise(show="Mouths", logline="?", characters=people)
    place = SETS[int(rng.integers(len(SETS)))]
    shots = (
        Shot(size="medium", prompt="Joe talking and Don standing", who="joe"),
        Shot(size="close-up", prompt="Don talking", who="don"),
        Shot(size="close-up", prompt="Joe talking", who="joe"),
    )
    texts = rng.choice(LINES, 4, replace=False)
    dialogue = tuple(Line(who=("joe", "don")[i % 2], line=str(text)) for i, text in enumerate(texts))
    scene = Scene(
        id=f"s{number + 1:02d}", slugline=f"INT. {place.upper()} - DAY", shots=shots, dialogue=dialogue
    )
    script = Script(title="Mouths", scenes=(scene,))
    voices = premise_voices(premise)
    lines = plan_lines(script, premise)
    spoken = {line.digest: speak_line(line, voices[line.line.who], folder) for line in lines}
    vowels = [
        [(phone.start + phone.end) / 2 / SAMPLE_RATE for phone in each.phones if phone.is_vowel]
        for each in (speak(line.line.line, voices[line.line.who]) for line in lines)
    ]
    plain = shot_list.plan_shots(script, premise, film, seed=number)
    parts = None
    if film.lips:
        parts = rehearse(premise, script, plain, lines, spoken, num_frames=film.num_frames, seed=number)
    planned = shot_list.plan_shots(script, premise, film, seed=number, parts=parts)
    footage = tuple(
        Footage(
            shot.label, shot.shot, Path(shot.label), film.num_frames, shot.cues, poses_of(shot.directions)
        )
        for shot in planned
    )
    said = tuple(
        SpokenLine(wav.path, int(wav.notes["num_samples"]), mouths=stored_mouths(wav) if film.lips else "")
        for wav in (spoken[line.digest] for line in lines)
    )
    form = FilmFormat(WIDTH, HEIGHT, title=premise.show, credits=("x",), captions=False, seed=number)
    timeline = assemble([SceneMaterial(scene, footage, said)], form)
    return Acted(premise, planned, timeline, vowels, [line.line for line in dialogue])


def staging_of(shot: PlannedShot) -> tuple[Staging, list[list[Direction]]]:
    """The drawn world's staging of a shot's prompt, and the direction of every frame and figure."""
    read = understand(shot.prompt)
    figures = tuple(
        Figure(one.kind, one.colour or "red", one.action, one.accessories, one.prop, one.place, one.build)
        for one in read.figures
    )
    staging = Staging(
        read.set or "kitchen", read.time or "day", read.size or "medium", "still", figures, shot.seed % 2**31
    )
    return staging, [[parse_direction(words.split()) for words in frame] for frame in shot.directions]


def film_drawn(shot: PlannedShot) -> np.ndarray:
    """The shot as the drawn world has it."""
    staging, directions = staging_of(shot)
    poses = [[make_pose(one) for one in frame] for frame in directions]
    frames, _ = draw_with_figures(staging, num_frames=len(poses), height=HEIGHT, width=WIDTH, poses=poses)
    return frames


def through_autoencoder(frames: np.ndarray, autoencoder: Autoencoder) -> np.ndarray:
    """The frames through latents that are held still where they hardly move, as a film's are."""
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    with torch.inference_mode():
        decoded = autoencoder.decode(shrink_small_motion(autoencoder.encode(pixels), TOON.steadiness))
    return ((decoded[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0).numpy()


def film_with(shot: PlannedShot, model: models.FilmModel, film: FilmSettings) -> np.ndarray:
    """The shot by a film model that takes directions, as the camera films it."""
    settings = film.generate_settings
    settings["frame_prompts"] = directed_prompts(shot.prompt, shot.directions)
    return model.generate(shot.prompt, seed=shot.seed, **settings).frames


# ------------------------------------------------------------------------------------------- the figures


@dataclass
class Counts:
    """Right ones of all, by what was looked at."""

    silent: list[bool] = field(default_factory=list)
    vowels: list[bool] = field(default_factory=list)
    others: list[bool] = field(default_factory=list)

    def row(self) -> str:
        shares = (
            f"{100 * np.mean(each):5.1f} ({len(each)})" if each else "-"
            for each in (self.silent, self.vowels, self.others)
        )
        return "| " + " | ".join(shares) + " |"


def read_clip(shot: PlannedShot, frames: np.ndarray, reader: Reader) -> list[list[int | None]]:
    """The mouth of every figure in every frame, None where it is not to be read."""
    staging, directions = staging_of(shot)
    rows: list[list[int | None]] = []
    for picture, of_frame in zip(frames, directions, strict=True):
        faces = locate_faces(staging, [make_pose(one) for one in of_frame], len(frames))
        good = [is_readable(one, face) for one, face in zip(of_frame, faces, strict=True)]
        read = iter(
            read_squares(reader, [crop(picture, face) for face, ok in zip(faces, good, strict=True) if ok])
        )
        rows.append([next(read) if ok else None for ok in good])
    return rows


def count_scene(acted: Acted, read: dict[str, list[list[int | None]]], counts: dict[str, Counts]) -> None:
    """Looks at every frame of the film, laughs apart, where other mouths than the lines' are wanted."""
    people = {shot.label: who_is_in(shot) for shot in acted.shots}
    sizes = {shot.label: str(shot.shot.size) for shot in acted.shots}
    timeline = acted.timeline
    for cut in (cut for cut in timeline.pictures if cut.shot in read):
        count, seen = counts[sizes[cut.shot]], people[cut.shot]
        for at in range(cut.start, cut.end):
            if not any(laugh.start <= at < laugh.end for laugh in timeline.laughs):
                talking = {line.who for line in timeline.lines if line.start <= at < line.end}
                mouths = read[cut.shot][cut.frames[at - cut.start]]
                count_frame(talking, seen, mouths, count)
        for line, vowels in zip(timeline.lines, acted.vowels, strict=True):
            if line.who in seen:
                count.vowels += seen_vowels(cut, line, vowels, read[cut.shot], seen.index(line.who))


def count_frame(talking: set[str], seen: Sequence[str], mouths: Sequence[int | None], count: Counts) -> None:
    """Whether those are silent who do not talk in a frame."""
    for who, mouth in zip(seen, mouths, strict=True):
        if mouth is not None and who not in talking:
            (count.others if talking else count.silent).append(mouth == 0)


def seen_vowels(
    cut: PictureCut, line: LineCue, vowels: Sequence[float], read: list[list[int | None]], number: int
) -> Iterator[bool]:
    """Whether the mouth is open within an eighth of a second of each vowel that the cut shows."""
    for seconds in vowels:
        at = line.start + seconds * FPS
        if not cut.start + 3 <= at < cut.end - 3:
            continue
        around = range(max(cut.start, round(at) - 3), min(cut.end, round(at) + 4))
        mouths = [read[cut.frames[each - cut.start]][number] for each in around]
        if None not in mouths:
            yield any(mouth != 0 for mouth in mouths)


def who_is_in(shot: PlannedShot) -> list[str]:
    """The people of a shot in the order of its figures: Joe first where both are seen."""
    return ["joe", "don"] if shot.shot.size == "medium" else [str(shot.shot.who)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a folder with a TOON that takes directions")
    parser.add_argument("--autoencoder", action="store_true", help="through TOON's autoencoder")
    parser.add_argument("--lips", choices=("on", "off"), default="on", help="off: mouths as they like")
    parser.add_argument("--scenes", type=int, default=14)
    parser.add_argument("--sheet", type=Path, help="draws every second frame of the first shots")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    premise = Premise(show="Mouths", logline="?")
    model, film = None, drawn_settings()
    if options.model:
        film = resolve_settings(premise, video=premise.video.model_copy(update={"model": options.model}))
        if not film.lips:
            raise SystemExit(f"{options.model}: wanted a TOON that takes directions, got one that takes none")
        model = models.open_model(options.model)
    film = replace(film, lips=options.lips == "on")
    reader = kept_reader()
    autoencoder = t2v.load("toon", device="cpu").autoencoder.float() if options.autoencoder else None
    counts = {"medium": Counts(), "close-up": Counts()}
    shown: list[np.ndarray] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.scenes):
            acted = make_scene(number, film, Path(folder))
            read = {}
            for shot in acted.shots:
                frames = film_drawn(shot) if model is None else film_with(shot, model, film)
                frames = frames if autoencoder is None else through_autoencoder(frames, autoencoder)
                shown += [np.concatenate(list(frames[::2]), axis=1)] if len(shown) < 9 else []
                read[shot.label] = read_clip(shot, frames, reader)
            count_scene(acted, read, counts)
            log.info("scene %d of %d", number + 1, options.scenes)
    sys.stdout.write("| | shut in silence | open on vowels | the other shut |\n| --- | --- | --- | --- |\n")
    for size, count in counts.items():
        sys.stdout.write(f"| {size} {count.row()}\n")
    if options.sheet:
        Image.fromarray(np.concatenate(shown)).save(options.sheet)


def drawn_settings() -> FilmSettings:
    """The settings of a film model as TOON has them, for the drawn world."""
    facts = replace(models.describe_model("toon"), directed=True)
    return FilmSettings(
        model="toon",
        weights="drawn",
        height=HEIGHT,
        width=WIDTH,
        num_frames=facts.num_frames,
        num_steps=1,
        guidance_scale=1.0,
        negative_prompt="",
        dialect="toon",
        is_drawn=True,
        directed=True,
        lips=True,
    )


if __name__ == "__main__":
    main()
