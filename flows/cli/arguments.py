"""Options that several commands share: their types and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Premise = Annotated[
    Path | None, Parameter(help="The show's YAML file. Left out: the episode that was worked on last.")
]
Episode = Annotated[
    str | None, Parameter(help="s01e03, or next. Left out: the show's newest one, finished or made anew.")
]
Writer = Annotated[
    str | None,
    Parameter(help="offline, auto, MODEL or MODEL@URL (any OpenAI-compatible server). New episodes: auto."),
]
Seed = Annotated[
    int | None,
    Parameter(validator=Number(gte=0, lt=2**63), help="Everything follows from it: same seed, same film."),
]
Output = Annotated[Path, Parameter(help="The folder that the episodes lie in.")]
Device = Annotated[str | None, Parameter(help="cpu, cuda, mps … Left out: the best there is.")]
Memory = Annotated[str | None, Parameter(help="8GB, or auto: what the device has free.")]
Farm = Annotated[
    str | None,
    Parameter(help="tls://head.lan:8786: other machines film. Left out: COLDOPEN_FARM, else this one films."),
]
Draft = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="Film with TOON, or with the premise's `draft:`, to draft.mp4; the episode stays as it is.",
    ),
]
Verbose = Annotated[
    bool,
    Parameter(
        name=["--verbose", "-v"],
        negative=(),
        show_default=False,
        help="Prefect's log lines on the terminal, too.",
    ),
]
Rewrite = Annotated[
    str | None,
    Parameter(
        help="Write this scene (s04) again and touch nothing else; all: the whole script anew, the old one "
        "kept as script.1.yaml."
    ),
]
