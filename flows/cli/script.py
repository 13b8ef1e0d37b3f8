"""The commands that work on one episode's premise and script, and need neither Prefect nor a server."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Device, Episode, Memory, Output, Premise
from flows.studio.production.console import Screen
from flows.studio.production.request import OUTPUT, Aspect, CutOptions, EpisodeOptions
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
    from flows.studio.commands import check as check_command

    with Screen() as screen:
        code, lines = check_command.check(EpisodeOptions(premise, episode, output=output), script)
        for line in lines:
            screen.say(line)
    return code


def again(options: EpisodeOptions, scene: str, note: str) -> int:
    """`script --rewrite`: no command of its own."""
    from flows.studio.commands import rewrite

    with Screen() as screen:
        outcome = rewrite.rewrite(options, scene, note, screen)
        for line in outcome.lines:
            screen.say(line)
    return outcome.code


def with_whole_rewrite(tokens: Iterable[str]) -> list[str]:
    """The command line with `--rewrite` alone told apart from `--rewrite s04`."""
    words = list(tokens)
    if "--rewrite" in words:
        behind = words.index("--rewrite") + 1
        if behind == len(words) or words[behind].startswith("-"):
            words.insert(behind, "*")
    return words


def plan(*, premise: Premise = None, episode: Episode = None, output: Output = OUTPUT) -> int:
    """Tell what the next run would make, item by item with the reason, and what it would cost."""
    from flows.studio.commands import plan as plan_command

    with Screen() as screen:
        for line in plan_command.told(EpisodeOptions(premise, episode, output=output)):
            screen.say(line)
    return 0


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
    memory: Memory = None,
) -> int:
    """Film a shot again with its next seed, beside the takes there are, and pick the new one.

    It is filmed with what the episode is filmed with; another model, size or speed is for `episode`.
    """
    from flows.studio.commands import retake as retake_command

    video = {} if memory is None else {"memory": memory}
    options = EpisodeOptions(premise, episode, output=output, device=device, video=video)
    with Screen() as screen:
        outcome = retake_command.retake(options, shot, pick=pick, screen=screen)
        for line in outcome.lines:
            screen.say(line)
    return outcome.code


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
    from flows.studio.commands import cut as cut_command

    ids = [each.strip() for each in (scenes or "").split(",")]
    wanted = CutOptions(aspect, lines, tuple(dict.fromkeys(each for each in ids if each)), framing)
    with Screen() as screen:
        outcome = cut_command.recut(EpisodeOptions(premise, episode, output=output), wanted, screen)
        for line in outcome.lines:
            screen.say(line)
    return outcome.code
