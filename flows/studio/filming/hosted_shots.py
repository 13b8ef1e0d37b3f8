"""Shots that a server or a service films: their orders, their money, and the clips of their films.

The jobs of an episode lie in `jobs/` beside its `clips/`, with the films as they came; a clip that is deleted
is made from its film again and not paid for twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.studio.cameras.film_model import RenderError
from flows.studio.cameras.names import read_name
from flows.studio.errors import StudioError
from flows.studio.filming import pictures
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.hosted.asking import Asked
from flows.studio.hosted.camera import HostedCamera
from flows.studio.hosted.camera_prices import price_fault
from flows.studio.hosted.errors import HostedError, ShotError
from flows.studio.hosted.filming import OnShare, Order
from flows.studio.hosted.jobs import Jobs
from flows.studio.media import user_files
from flows.studio.media.clip_rate import full_rate_notes
from flows.studio.rates import FPS
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact

AT_ONCE = 3  # films that a server or service is asked for before the first one is fetched


def check_money(film: FilmSettings) -> None:
    """Raises StudioError (exit code 2) for a camera that costs money without a known price and a limit."""
    if not film.is_hosted:
        return
    if film.price is None and (fault := price_fault(read_name(film.model))):
        raise StudioError(f"video: {fault}", code=2)
    if film.price is not None and film.price.second > 0 and film.max_cost is None:
        raise StudioError(
            f"video: max_cost: wanted a limit in US dollars for {film.title}, {film.price}, got none, try "
            "`max_cost: 10` there, or --max-cost 10",
            code=2,
        )


def dollars_of(film: FilmSettings, shots: Sequence[PlannedShot], jobs: Jobs) -> float | None:
    """The dollars that shots will cost; None without a price. What was asked for already costs no more."""
    if film.dollars is None:
        return None if film.is_hosted and price_fault(read_name(film.model)) else 0.0
    return film.dollars * sum((job := jobs.get(shot.digest)) is None or not job.is_taken for shot in shots)


def describe_cost(film: FilmSettings, shots: Sequence[PlannedShot], jobs: Jobs) -> str:
    """What shots by a server or service cost, in a line, with what is spent and what may be.

    Shots that an earlier run asked for cost nothing more.
    """
    new = [shot for shot in shots if (job := jobs.get(shot.digest)) is None or not job.is_taken]
    number, spent, limit = len(new), jobs.spent, film.max_cost
    length = f"{number} shot{'' if number == 1 else 's'} × {film.num_frames / FPS:g} s by {film.title}"
    asked = [f"{len(shots) - number} more asked for already"] if number < len(shots) else []
    if film.dollars is None:
        fault = price_fault(read_name(film.model))
        return "; ".join([f"{length}: {fault or 'no price, it costs nothing'}", *asked])
    parts = [f"{length} = ${film.dollars * number:.2f}, {film.price}", *asked]
    if spent:
        parts.append(f"${spent:.2f} spent so far")
    parts.append("max_cost is not set" if limit is None else f"max_cost ${limit:.2f}")
    if limit is not None and film.dollars and spent + film.dollars * number > limit + 1e-9:
        parts.append(f"enough for {max(0, int((limit - spent + 1e-9) / film.dollars))} of them")
    return "; ".join(parts)


def jobs_of(clips: Path) -> Jobs:
    """The jobs of the episode whose clips lie in this folder."""
    return Jobs(clips.parent / "jobs")


def ask_ahead(shots: Sequence[PlannedShot], film: FilmSettings, camera: HostedCamera, clips: Path) -> None:
    """Asks for the films of these shots, which are fetched when it is their turn.

    What goes wrong is told then, too; nothing more is asked for after it. Raises as `check_money` does.
    """
    check_money(film)
    with contextlib.suppress(HostedError):
        for shot in shots:
            if shot.pictures.previous is None:  # else the frame that it begins with is not filmed yet
                camera.ask_ahead(order_of(shot, film, clips), jobs_of(clips))


def film_shot(
    shot: PlannedShot, film: FilmSettings, camera: HostedCamera, clips: Path, *, on_share: OnShare
) -> Artifact:
    """Films a shot and stores its clip. Raises ShotError if it alone fails, HostedError if others would."""
    check_money(film)
    start, jobs = time.perf_counter(), jobs_of(clips)
    order = order_of(shot, film, clips)
    path = camera.film(order, jobs, on_share=on_share)
    job = jobs.get(order.digest)

    def write(out: Path) -> Mapping[str, Any]:
        length = user_files.conform_film(path, (film.width, film.height), out=out)
        return {
            **full_rate_notes(length),
            "fps": FPS,
            "seconds": round(time.perf_counter() - start, 3),
            "device": camera.device,
            "written": shot.shot.prompt_exact or shot.shot.prompt,
            "words": shot.words,
            **({"usd": job.spent} if job is not None and job.spent else {}),
            **(job.notes if job is not None else {}),
        }

    return artifacts.create(clips, shot.label, shot.recipe, ".mp4", write=write)


def order_of(shot: PlannedShot, film: FilmSettings, clips: Path) -> Order:
    """A shot as a server is asked for it, with its pictures.

    Raises ShotError where the shot before, whose last frame it begins with, has no clip.
    """
    try:
        first, references = pictures.read_as_png(shot.pictures, film, clips)
    except RenderError as error:
        raise ShotError(str(error)) from error
    asked = Asked(
        prompt=shot.prompt,
        seconds=film.num_frames / FPS,
        width=film.width,
        height=film.height,
        fps=FPS,
        seed=shot.seed % 2**31,
        negative_prompt=film.negative_prompt,
        num_steps=film.num_steps or None,
        guidance_scale=film.guidance_scale,
        first=first,
        references=references,
        inputs=dict(film.inputs),
    )
    return Order(shot.digest, shot.title, film.title, asked, film.dollars, film.max_cost)
