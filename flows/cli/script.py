"""Commands on one episode that need no server: `check`, `plan`, `keyframes`, `retake`, `cut` and others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli import shown
from flows.cli.arguments import Device, Episode, Farm, Memory, Output, Premise
from flows.cli.output import run_command
from flows.cli.video import NO_VIDEO_OPTIONS, Video, video_keys
from flows.studio.production.request import OUTPUT, Aspect, CutRequest, EpisodeRequest
from flows.studio.timeline.model import Framing
from scripts_llm.screenplay.script import MAX_TAKES


def check(
    *,
    premise: Premise = None,
    script: Annotated[Path | None, Parameter(help="A script by itself; its premise is found.")] = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Read premise and script, film nothing, and tell what would go wrong or look wrong."""
    from flows.studio.commands.check import check

    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    return run_command(lambda console: check(request, script))


def plan(
    *,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
    video: Video = NO_VIDEO_OPTIONS,
) -> int:
    """Tell what the next run would make, item by item with the reason, and what it would cost.

    With another film model, or other settings of it: what that run would make. Nothing is remembered.
    """
    from flows.studio.commands.plan import plan

    request = EpisodeRequest(premise=premise, episode=episode, output=output, video=video_keys(video))
    return run_command(lambda console: plan(request))


def approve(
    *shots: Annotated[
        str, Parameter(help="Shots (s04.2), scenes (s04), or all. Left out: only tell what is approved.")
    ],
    undo: Annotated[bool, Parameter(negative=(), show_default=False, help="Take the marks away.")] = False,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Mark shots for the expensive camera, where the premise says `video: {camera: …, approve: true}`."""
    from flows.studio.commands.approve import approve

    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    return run_command(lambda console: approve(request, shots, undo=undo))


def keyframes(
    *,
    by: Annotated[
        str, Parameter(help="toon, or an image model behind /v1/images: MODEL@http://localhost:8000/v1.")
    ] = "toon",
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
    device: Device = None,
    model: Annotated[
        str | None, Parameter(name="--video-model", help="The film model that will begin with them.")
    ] = None,
) -> int:
    """Draw a still picture for each shot, to look at; the film model begins with what you keep."""
    from flows.studio.commands.shots.keyframes import keyframes

    video = {} if model is None else {"model": model}
    request = EpisodeRequest(premise=premise, episode=episode, output=output, device=device, video=video)
    return run_command(lambda console: keyframes(request, by, console))


def retake(
    shot: Annotated[str, Parameter(help="The shot, like s04.2.")],
    /,
    *,
    pick: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1, lte=MAX_TAKES), help="Only say which take is cut in; film nothing."
        ),
    ] = None,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
    device: Device = None,
    farm: Farm = None,
    memory: Memory = None,
) -> int:
    """Film a shot again with its next seed, beside the takes there are, and pick the new one.

    It is filmed with what the episode is filmed with; another model, size or speed is for `episode`.
    """
    from flows.studio.commands.retake import retake

    video = {} if memory is None else {"memory": memory}
    request = EpisodeRequest(
        premise=premise, episode=episode, output=output, device=device, farm=farm, video=video
    )
    if pick is not None:
        return run_command(lambda console: retake(request, shot, pick=pick, console=console))
    return run_command(
        lambda console: shown.run_shown(
            "retake", request, console, lambda: retake(request, shot, pick=None, console=console), shot=shot
        )
    )


def speak(
    line: Annotated[str, Parameter(help="The line, like s02-03.")],
    /,
    *,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Speak one line of the script, to hear it before anything is filmed; the run keeps it."""
    from flows.studio.commands.speak import speak

    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    return run_command(
        lambda console: shown.run_shown(
            "speak", request, console, lambda: speak(request, line, console), line=line
        )
    )


def cut(
    *,
    premise: Premise = None,
    episode: Episode = None,
    aspect: Annotated[Aspect | None, Parameter(help="The shape: 16:9, 1:1 or 9:16.")] = None,
    lines: Annotated[
        int | None,
        Parameter(validator=Number(gte=512, lte=1080), help="The shorter side in pixels. Left out: 1080."),
    ] = None,
    scenes: Annotated[str | None, Parameter(help="Only these, without title and credits: s01,s03.")] = None,
    framing: Annotated[
        Framing, Parameter(help="A picture of another shape: on its own blur, cropped, or on black.")
    ] = "blur",
    output: Output = OUTPUT,
) -> int:
    """Cut an episode in another shape, or a short of a few scenes, from the clips there are."""
    from flows.studio.commands.cut import cut

    ids = [each.strip() for each in (scenes or "").split(",")]
    shape = CutRequest(aspect, lines, tuple(dict.fromkeys(each for each in ids if each)), framing)
    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    return run_command(
        lambda console: shown.run_shown(
            "cut",
            request,
            console,
            lambda: cut(request, shape, console),
            aspect=aspect,
            lines=lines,
            scenes=list(shape.scenes),
        )
    )
