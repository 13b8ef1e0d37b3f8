"""Reads templates/pursuits: what loglines are about, and the plots in which that is told.

A pursuit is a YAML file of a folder by language, `office.yaml`; docs/writers.md says how to add one. Its
plots are blocks of the kind "pursuit" in the bank's own notation, named `office.posters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml
from pydantic import Field, ValidationError

from scripts_llm.errors import ScriptError
from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.bank import Block
from scripts_llm.screenplay.fields import Model

STEPS = ("open", "trouble", "scheme", "first", "backfire", "worse", "reversal", "tag")
LAST_RESORTS = (
    "wants",
    "oddity",
)  # for what no other pursuit knows: somebody does something; something is odd


class Plot(Model):
    """One episode of a pursuit: titles, what happens in a sentence, and its scenes in the bank's notation."""

    title: tuple[str, ...] = Field(min_length=1)
    logline: str
    verbs: tuple[str, ...] = ()  # of loglines that it tells, if not all: `invent` and not `find`
    thing: str = "{object}"
    prop: str = ""
    scenes: str


class Pursuit(Model):
    """What a logline is about: how it is said, what drives it, where it plays, and its plots."""

    name: str = ""
    about: str
    says: tuple[str, ...] = ()  # patterns of english_pattern / russian_pattern in `logline`
    words: tuple[str, ...] = ()  # beginnings of words that point at it
    singular: bool = False  # in Russian "в мэры" means one of them
    object: str = ""  # what it is about if the logline does not say
    slots: dict[str, str] = Field(default={})  # further words for the lines
    reads: str
    matter: str
    prize: str  # "a mayor's chain ; the chain"
    wants: str = ""
    flaw: str = ""
    rival: str = ""  # a `side` of the cast
    things: tuple[str, ...] = ()  # what other plots of the show turn to
    places: tuple[str, ...] = ()
    prop: str = ""
    shown: bool = False  # whether the matter is mostly a thing that can be seen: a piano, a machine
    since: tuple[str, ...] = Field(min_length=1)  # what became of it, in a sentence
    more: str  # scenes for the middle, and for later episodes: `mid`, `later`
    plots: dict[str, Plot] = Field(min_length=1)


@dataclass(frozen=True)
class PursuitBlocks:
    """A pursuit with its plots as blocks, and the scenes that later episodes turn to it with."""

    pursuit: Pursuit
    plots: tuple[Block, ...]
    later: Block


@cache
def all_pursuits(language: str) -> dict[str, PursuitBlocks]:
    """The pursuits of a language by name. Raises ScriptError for a file that is none."""
    folder = resources.files("templates") / "pursuits" / language
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {
        file.name.removesuffix(".yaml"): read_pursuit(file.read_text(encoding="utf-8"), file.name)
        for file in files
    }


def read_pursuit(text: str, where: str) -> PursuitBlocks:
    """A pursuit out of the text of its file. Raises ScriptError with file and place."""
    try:
        given = yaml.load(text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
        pursuit = Pursuit.model_validate({**given, "name": where.removesuffix(".yaml")})
        more = next(bank.parse_blocks(f"=== pursuit.more\n{pursuit.more}", f"{where}, more"))
        plots = tuple(_blocks(pursuit, more, where))
    except (yaml.YAMLError, ValidationError, ValueError, TypeError) as error:
        raise ScriptError(f"{where}: no pursuit: {' '.join(str(error).split())}") from error
    return PursuitBlocks(pursuit, plots, more)


def _blocks(pursuit: Pursuit, more: Block, where: str) -> Iterator[Block]:
    for name, plot in pursuit.plots.items():
        block = next(bank.parse_blocks(f"=== pursuit.{name}\n{plot.scenes}", f"{where}, {name}"))
        missing = [step for step in STEPS if not block.at(step)]
        if missing:
            raise ValueError(f"{name}: wanted a scene for every step, none for {', '.join(missing)}")
        facts: dict[str, tuple[str, ...]] = {
            "title": plot.title,
            "logline": (plot.logline,),
            "thing": (plot.thing,),
            "matter": (pursuit.matter,),
            "prop": (plot.prop or pursuit.prop,),
            "verbs": plot.verbs,
        }
        scenes = (*block.exchanges, *more.at("mid"))
        yield Block("pursuit", f"{pursuit.name}.{name}", facts, scenes)


@cache
def plots(language: str) -> dict[str, Block]:
    """All plots of all pursuits by name, `office.posters`."""
    return {block.name: block for each in all_pursuits(language).values() for block in each.plots}
