"""Measures first episodes over tests/benchmarks/loglines.txt: `make bench-writer` prints the table.

For each logline: the pursuit that it is read as, whether that is the one written beside it, and over the
seeds the share of scenes that name the matter, lines said twice in an episode, slots left open, the longest
line.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts_llm.offline_writer import writer
from scripts_llm.offline_writer.logline import read_premise
from scripts_llm.offline_writer.premises import premise_from_logline
from scripts_llm.offline_writer.pursuits import LAST_RESORTS
from scripts_llm.offline_writer.reading import Reading
from scripts_llm.offline_writer.season import past_episode
from scripts_llm.offline_writer.wording import count_words, skeleton
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script
from tests.benchmarks.bench_writer import WORDS, lemmas_of, lines_of

LOGLINES = Path(__file__).parent / "loglines.txt"


@dataclass(frozen=True)
class Row:
    """What a logline's first episodes measure."""

    logline: str
    wanted: str
    pursuit: str
    matter: str
    own_plots: float  # share of the episodes whose plot is one of the pursuit's
    naming: float  # mean share of scenes that name the matter
    least_naming: float
    said_twice: int
    open_slots: int
    longest: int

    @property
    def is_as_wanted(self) -> bool:
        """Whether the pursuit is the one written beside the logline."""
        return self.pursuit == self.wanted or (self.wanted == "none" and self.pursuit in LAST_RESORTS)


def loglines() -> Iterator[tuple[str, str]]:
    """The loglines with the pursuits written beside them."""
    for row in LOGLINES.read_text("utf-8").splitlines():
        if row.strip() and not row.startswith("#"):
            wanted, _, logline = row.partition(": ")
            yield wanted, logline


def premise_of(logline: str, seed: int) -> Premise:
    """The premise that `new` writes for a logline."""
    return Premise.model_validate(yaml.safe_load(premise_from_logline(logline, WORDS, seed=seed)))


def measure(wanted: str, logline: str, seeds: Sequence[int]) -> Row:
    """The measures of a logline's first episodes."""
    reading, scripts, own = None, [], 0
    for seed in seeds:
        premise = premise_of(logline, seed)
        reading = read_premise(premise)
        script = writer.write_script(premise, WORDS, seed=seed)
        own += "." in past_episode(script, premise).plot
        scripts.append((premise, script))
    assert reading is not None
    shares = [naming(script, reading) for _, script in scripts]
    told = [line.line for _, script in scripts for scene in script.scenes for line in lines_of(scene)]
    return Row(
        logline,
        wanted,
        reading.pursuit.name,
        reading.matter,
        own / len(scripts),
        sum(shares) / len(shares),
        min(shares),
        sum(_repeats(premise, script) for premise, script in scripts),
        sum(bool(re.search(r"[{}]", line)) for line in told),
        max(map(count_words, told)),
    )


def naming(script: Script, reading: Reading) -> float:
    """The share of scenes whose lines have a word of the logline's matter or deed, or one made of it."""
    named = (
        reading.facts.get(slot, "") for slot in ("object", "deed", "doing", "vow", "lesson", "able", "sum")
    )
    words = lemmas_of(" ".join(named))
    return sum(_names(scene, words) for scene in script.scenes) / len(script.scenes)


def _names(scene: Scene, words: set[str]) -> bool:
    return any(lemmas_of(line.line) & words for line in lines_of(scene))


def _repeats(premise: Premise, script: Script) -> int:
    names = writer.spoken_names(premise)
    catches = {skeleton(c.catchphrase, names) for c in premise.characters.values() if c.catchphrase}
    keys = [skeleton(line.line, names) for scene in script.scenes for line in lines_of(scene)]
    keys = [key for key in keys if key not in catches]
    return len(keys) - len(set(keys))


HEAD = (
    "| logline | read as | its matter | own plots | scenes that name it | at least | said twice | open slots "
    "| longest line |\n" + "| --- " * 9 + "|"
)


def row(r: Row) -> str:
    """One line of the table; a pursuit other than the one written beside the logline has a mark."""
    mark = "" if r.is_as_wanted else f" (not {r.wanted})"
    said = r.logline if len(r.logline) <= 60 else f"{r.logline[:59]}…"
    return (
        f"| {said} | {r.pursuit}{mark} | {r.matter} | {r.own_plots:.0%} | {r.naming:.0%} | "
        f"{r.least_naming:.0%} | {r.said_twice} | {r.open_slots} | {r.longest} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    sys.stdout.write(HEAD + "\n")
    rows = []
    for wanted, logline in loglines():
        rows.append(measure(wanted, logline, range(args.seeds)))
        sys.stdout.write(row(rows[-1]) + "\n")
        sys.stdout.flush()
    read = sum(r.is_as_wanted for r in rows)
    half = sum(r.naming >= 0.5 for r in rows)
    sys.stdout.write(
        f"\n{read} of {len(rows)} read as written beside them; {half} name their matter in half of the "
        f"scenes; "
        f"{sum(r.said_twice for r in rows)} lines said twice, {sum(r.open_slots for r in rows)} open slots, "
        f"longest line {max(r.longest for r in rows)} words.\n"
    )


if __name__ == "__main__":
    main()
