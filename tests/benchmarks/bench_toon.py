"""How much of what is asked TOON shows: first takes of held-out prompts, judged by a network it never met.

    python tests/benchmarks/bench_toon.py --minutes 20              # stops cleanly; the next call goes on
    python tests/benchmarks/bench_toon.py --parts first-takes --prompts 9 --settings speed=exact num_steps=20

Every prompt has somebody of a kind, a colour and a set that training never saw together, in a wording that
captions never use (`t2v.toon.world.is_held_out`, `t2v.toon.prompts.captions.unheard_caption`). Scores are
kept by weights, judge, part, settings, prompt and seed in a file (`--scores`, training/bench/toon.jsonl),
films in training/bench/films, so that another judge scores them without filming anything again.
`--before FOLDER` adds the column of an earlier toon.safetensors, `--model FOLDER` judges that one alone, and
`--settings` are those of `generate`, for one row of the table of speeds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import toon_directed
import toon_judge
import toon_scores
import torch
from PIL import Image

import t2v
from t2v.judge import WEIGHTS, Verdict, judge, load_judge
from t2v.pipeline import to_uint8
from t2v.toon.drawing.scene import draw
from t2v.toon.prompts.captions import canonical
from t2v.toon.world import Staging, sample_staging
from t2v.training.toon_dataset import to_tensor

FOLDER = Path("training/bench")
FILMS = FOLDER / "films"
BESIDE = 200  # prompts of the columns that stand beside the first takes
Kept = dict[str, dict[str, Any]]


class TimeIsUp(Exception):
    """The minutes are over: what is kept is kept."""


@dataclass
class Bench:
    """A model, the judge, the settings, and what was measured before."""

    model: t2v.TextToVideo
    earlier: str | None
    network: torch.nn.Module
    judged_by: str
    weights: str
    settings: dict[str, Any]
    num_prompts: int
    stop_at: float
    file: Path
    kept: Kept
    training: Path

    def once(self, part: str, what: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is measured, from the file if it was measured before with the same weights and settings."""
        settings = json.dumps(self.settings, sort_keys=True)
        key = _hash(f"{self.weights} {self.judged_by}", part, settings, what)
        if key not in self.kept:
            if time.monotonic() > self.stop_at:
                raise TimeIsUp
            entry = {
                "key": key,
                "part": part,
                "what": what,
                "weights": f"{self.weights} {self.judged_by}",
                "settings": self.settings,
            }
            entry |= measure()
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(entry) + "\n")
            self.kept[key] = entry
        return self.kept[key]

    def film(self, prompt: str | Mapping[int, str], seed: int, **settings: Any) -> np.ndarray:
        return self.take(prompt, seed, **settings)[0]

    def take(self, prompt: str | Mapping[int, str], seed: int, **settings: Any) -> tuple[np.ndarray, float]:
        """A film, from the folder if it was filmed before, and the seconds that it took."""
        asked = self.settings | settings
        told = prompt if isinstance(prompt, str) else json.dumps(prompt)
        file = FILMS / f"{_hash(self.weights, told, str(seed), json.dumps(asked, sort_keys=True))}.npz"
        if not file.exists():
            begun = time.perf_counter()
            frames = self.model.generate(prompt, seed=seed, **asked).frames
            whole = file.with_suffix(".part")
            with whole.open("wb") as out:
                np.savez_compressed(out, frames=frames, seconds=time.perf_counter() - begun)
            whole.replace(file)
        with np.load(file) as kept:
            return kept["frames"], float(kept["seconds"])

    def judged(self, staging: Staging, frames: np.ndarray) -> dict[str, int]:
        """What the judge finds right of a staging in frames."""
        return toon_scores.score(staging, self.verdict(frames))

    def verdict(self, frames: np.ndarray) -> Verdict:
        return judge(frames, self.network)

    def back(self, frames: np.ndarray) -> np.ndarray:
        """A clip through the autoencoder."""
        with torch.inference_mode():
            return to_uint8(self.model.autoencoder.decode(latents_of(self.model, frames))[0])

    def prompts(self, *, held_out: bool = True) -> Iterator[tuple[int, Staging, str]]:
        """The prompts of a column beside the first takes, with their numbers, which are their seeds."""
        found = toon_scores.prompts(min(BESIDE, self.num_prompts), held_out=held_out)
        yield from ((i, staging, prompt) for i, (staging, prompt) in enumerate(found))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def weights_of(source: str, model: t2v.TextToVideo) -> str:
    """A name that changes with the weights and with what they are filmed with when nothing is said."""
    preset = _hash(json.dumps(asdict(model.preset), sort_keys=True))[:6]
    return f"{t2v.fingerprint(source)}-{preset}"


def drawn(staging: Staging) -> np.ndarray:
    height, width = t2v.TOON.sizes["16:9"]
    return draw(staging, num_frames=t2v.TOON.num_frames, height=height, width=width)


@torch.inference_mode()
def latents_of(model: t2v.TextToVideo, frames: np.ndarray) -> torch.Tensor:
    return model.autoencoder.encode(to_tensor(frames[None]).to(model.device)).float()


# ------------------------------------------------------------------------------------------- columns


def first_takes(bench: Bench) -> Iterator[toon_scores.Score]:
    """TOON's own films, seed = number of the prompt, nothing filmed again."""
    for i, (staging, prompt) in enumerate(toon_scores.prompts(bench.num_prompts)):
        yield _filmed(bench, "first-takes", staging, prompt, i)


def unguided(bench: Bench) -> Iterator[toon_scores.Score]:
    """The same without guidance."""
    for i, staging, prompt in bench.prompts():
        yield _filmed(bench, "unguided", staging, prompt, i, guidance_scale=1.0, direction_guidance=0.0)


def met(bench: Bench) -> Iterator[toon_scores.Score]:
    """First takes of combinations that training has met, as unheard in their wording."""
    for i, staging, prompt in bench.prompts(held_out=False):
        yield _filmed(bench, "met", staging, prompt, i)


def ceiling(bench: Bench) -> Iterator[toon_scores.Score]:
    """The drawn world through the autoencoder: no film of these weights can be better than that."""
    for i, staging, prompt in bench.prompts():
        yield _scored(bench, "ceiling", f"{i} {prompt}", staging, partial(_back, bench, staging))


def world(bench: Bench) -> Iterator[toon_scores.Score]:
    """The drawn world itself: what is wrong here is the judge's own mistake."""
    for i, staging, prompt in bench.prompts():
        yield _scored(bench, "world", f"{i} {prompt}", staging, partial(drawn, staging))


def before(bench: Bench) -> Iterator[toon_scores.Score]:
    """First takes of an earlier checkpoint, of the same prompts with the same seeds."""
    if bench.earlier is not None:
        model, few = t2v.load(bench.earlier), min(BESIDE, bench.num_prompts)
        weights = weights_of(bench.earlier, model)
        yield from first_takes(replace(bench, model=model, weights=weights, num_prompts=few))


def _back(bench: Bench, staging: Staging) -> np.ndarray:
    """A drawn clip through the autoencoder."""
    return bench.back(drawn(staging))


def _filmed(
    bench: Bench, part: str, staging: Staging, prompt: str, seed: int, **settings: Any
) -> toon_scores.Score:
    """A film's score, and the seconds that it took."""

    def measure() -> dict[str, Any]:
        frames, seconds = bench.take(prompt, seed, **settings)
        return bench.judged(staging, frames) | {"seconds": round(seconds, 2)}

    return bench.once(part, f"{seed} {prompt}", measure)


def _scored(
    bench: Bench, part: str, what: str, staging: Staging, film: Callable[[], np.ndarray]
) -> toon_scores.Score:
    return bench.once(part, what, lambda: bench.judged(staging, film()))


# ------------------------------------------------------------------------------------------- figures


def flicker(bench: Bench) -> list[str]:
    """Frame difference where nothing should move, filmed beside reconstructed; wanted at most 1.5 times."""
    found = _measured(bench, "flicker", 40, _flicker)
    filmed, back = (float(np.median([one[key] for one in found])) for key in ("filmed", "reconstructed"))
    times = filmed / back
    return [f"flicker: {filmed:.2f} of 255 filmed, {back:.2f} reconstructed, {times:.2f} times (<= 1.5)"]


def _flicker(bench: Bench, staging: Staging, prompt: str, seed: int) -> dict[str, Any]:
    return {
        "filmed": toon_scores.flicker(bench.film(prompt, seed)),
        "reconstructed": toon_scores.flicker(_back(bench, staging)),
    }


def _measured(
    bench: Bench, part: str, count: int, measure: Callable[[Bench, Staging, str, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is measured of the first held-out prompts whose camera stands still."""
    prompts = toon_scores.prompts(4 * count)
    still = [(staging, prompt) for staging, prompt in prompts if staging.camera == "still"][:count]
    return [
        bench.once(part, f"{i} {prompt}", partial(measure, bench, staging, prompt, i))
        for i, (staging, prompt) in enumerate(still)
    ]


SHOTS = (
    ("establishing", "standing"),
    ("medium", "talking"),
    ("close-up", "talking"),
    ("medium", "waving"),
    ("close-up", "laughing"),
)


def same(bench: Bench) -> list[str]:
    """One character in five shots of a scene: how many show the kind and colour that were asked for."""
    rng, hits = np.random.default_rng(toon_scores.SEED + 1), []
    for number in range(20):
        staging = sample_staging(rng)
        while len(staging.figures) != 1 or staging.camera != "still":
            staging = sample_staging(rng)
        for k, (size, action) in enumerate(SHOTS):
            who = replace(staging.figures[0], action=action, place="centre")
            shot = replace(staging, size=size, figures=(who,))
            prompt, seed = canonical(shot), 100 * number + k
            hits.append(bench.once("same", f"{seed} {prompt}", partial(_kept, bench, shot, prompt, seed)))
    right = float(np.mean([one["kept"] for one in hits]))
    return [f"same character in five shots: {100 * right:.1f} % of {len(hits)} keep kind and colour (>= 90)"]


def _kept(bench: Bench, shot: Staging, prompt: str, seed: int) -> dict[str, Any]:
    score = bench.judged(shot, bench.film(prompt, seed))
    return {"kept": int(score["kind"] and score["colour"])}


def diversity(bench: Bench) -> list[str]:
    """Distance of two seeds' latents, beside that of two drawn clips of one caption; wanted at least half."""
    found = _measured(bench, "diversity", 20, _apart)
    films, worlds = (float(np.mean([one[key] for one in found])) for key in ("filmed", "drawn"))
    times = films / worlds
    return [f"diversity: {films:.3f} between seeds, {worlds:.3f} between drawn clips, {times:.2f} (>= 0.5)"]


def _apart(bench: Bench, staging: Staging, prompt: str, i: int) -> dict[str, Any]:
    films = [latents_of(bench.model, bench.film(prompt, 1000 + 2 * i + k)) for k in range(2)]
    worlds = [latents_of(bench.model, drawn(replace(staging, seed=9000 + 2 * i + k))) for k in range(2)]
    return {"filmed": _distance(*films), "drawn": _distance(*worlds)}


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).square().mean().sqrt())


def neighbour(bench: Bench) -> list[str]:
    """Ten films beside the training clips nearest in latents, as a picture."""
    folder = bench.training / "clips-224x128"
    parts = [torch.load(file, weights_only=True) for file in sorted(folder.glob("[0-9]*.pt"))]
    if not parts:
        return [f"nearest neighbour: no clips in {folder}; `toon_levels draw-clips` draws them"]
    clips = torch.cat([part["latents"] for part in parts])
    many = clips.flatten(1).numpy()
    own = [
        toon_scores.nearest(many[i].astype(np.float32), np.delete(many, i, 0))[1] for i in range(0, 200, 10)
    ]
    rows, distances = [], []
    for i, (_, prompt) in enumerate(toon_scores.prompts(10)):
        frames = bench.film(prompt, i)
        place, distance = toon_scores.nearest(latents_of(bench.model, frames).flatten().numpy(), many)
        with torch.inference_mode():
            beside = bench.model.autoencoder.decode(clips[place : place + 1].float())[0]
        rows.append(np.concatenate([*frames[[2, 8, 13]], *to_uint8(beside)[[2, 8, 13]]], axis=1))
        distances.append(distance)
    picture = FOLDER / "neighbours.png"
    Image.fromarray(np.concatenate(rows)).save(picture)
    return [
        f"nearest training clip: {np.mean(distances):.3f} from a film, {np.mean(own):.3f} from another such "
        f"clip; {picture}: films on the left, their neighbours on the right"
    ]


COLUMNS = {
    "first-takes": first_takes,
    "met": met,
    "ceiling": ceiling,
    "unguided": unguided,
    "before": before,
    "world": world,
}
FIGURES = {
    "directed": toon_directed.directed,
    "flicker": flicker,
    "same": same,
    "diversity": diversity,
    "neighbour": neighbour,
}


def main() -> None:
    options = arguments()
    bench = opened(options)
    settings = bench.settings or "the default"
    sys.stdout.write(f"TOON {bench.weights}, judge {bench.judged_by}, settings {settings}\n")
    report(bench, options.parts or [*COLUMNS, *FIGURES])


def opened(options: argparse.Namespace) -> Bench:
    """The model, the judge and what was measured before, as the options say."""
    FILMS.mkdir(parents=True, exist_ok=True)
    file = options.scores
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    ships = options.judge == "ships"
    judged_by = hashlib.sha256((WEIGHTS if ships else toon_judge.WEIGHTS).read_bytes()).hexdigest()[:8]
    model = t2v.load(options.model)
    return Bench(
        model,
        options.before,
        load_judge() if ships else toon_judge.loaded(),
        judged_by,
        weights_of(options.model, model),
        dict(setting(text) for text in options.settings),
        options.prompts,
        time.monotonic() + options.minutes * 60,
        file,
        {entry["key"]: entry for entry in map(json.loads, lines)},
        options.training,
    )


def report(bench: Bench, parts: list[str]) -> None:
    """The figures as they come, then one table of all columns, as far as the time went."""
    columns: dict[str, list[toon_scores.Score]] = {}
    try:
        for name in (part for part in COLUMNS if part in parts):
            columns[name] = []
            for score in COLUMNS[name](bench):
                columns[name].append(score)
        for name in (part for part in FIGURES if part in parts):
            sys.stdout.write("\n".join(FIGURES[name](bench)) + "\n")
    except TimeIsUp:
        sys.stdout.write("the minutes are over; the same command goes on\n")
    columns = {name: scores for name, scores in columns.items() if scores}
    if columns:
        sys.stdout.write("\n".join(toon_scores.table(columns)) + "\n")


def setting(text: str) -> tuple[str, Any]:
    """name=value; a value that is JSON is what it says, else it is a word."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def arguments() -> argparse.Namespace:
    parser = common(__doc__)
    parser.add_argument("--parts", nargs="*", choices=[*COLUMNS, *FIGURES], help="all, if none is said")
    return parser.parse_args()


def common(doc: str | None) -> argparse.ArgumentParser:
    """The options that say what is judged, by whom, and where the scores lie."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--prompts", type=int, default=500)
    add("--minutes", type=float, default=1e6)
    add("--settings", nargs="*", default=[], help="of generate: num_steps=16 sampler=unipc")
    add("--judge", choices=["scores", "ships"], default="scores", help="ships: another opinion")
    scores = "docs/toon_scores.jsonl: those of docs/toon.md"
    add("--scores", type=Path, default=FOLDER / "toon.jsonl", help=scores)
    add("--model", default="toon", help="or a folder with another toon.safetensors")
    training = "where the clips that TOON learned from lie"
    add("--training", type=Path, default=Path("training/levels"), help=training)
    add("--before", help="a folder with an earlier toon.safetensors, for a column beside")
    return parser


if __name__ == "__main__":
    main()
