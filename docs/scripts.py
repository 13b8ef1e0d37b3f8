"""Writes docs/scripts: three whole scripts in each language, seeds 0, 1 and 2, by the offline writer.

Five more are first episodes of loglines, of twenty that were read whole and scored, ten in each language:
every fourth as it came, and the worst.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml

from scripts_llm.offline_writer import writer
from scripts_llm.offline_writer.premises import premise_from_logline
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise, display_name
from scripts_llm.screenplay.script import Beat, Scene, Script
from t2v.toon import world

FOLDER = Path(__file__).parent / "scripts"
SHOWS = ("joe_and_the_don", "don_na_rybnoy")
SEEDS = (0, 1, 2)
LOGLINE_SEED = 21
SCORED = {
    "A widower of eighty goes on his first date in fifty years": (
        "About it: yes. Sent: yes. A love letter reaches everybody but the baker; his eighty years are one "
        "good line about sitting down, and the date itself stays outside."
    ),
    "A pensioner wants to walk to Norway with a wheelbarrow": (
        "About it: yes. Sent: yes. Norway is in every scene and the goodbye never ends; the wheelbarrow was "
        "left at home."
    ),
    "Инопланетянин притворяется сантехником": (
        "About it: yes. Sent: yes. The false plumber is the best they ever had; what he does with a pipe is "
        "never seen."
    ),
    "Четыре незнакомца застряли в лифте под Новый год": (
        "About it: yes. Sent: yes. A lift that is better than a priest, and the chimes are the alarm; of the "
        "four strangers two speak."
    ),
    "An astronaut has locked himself out of his spaceship": (
        "About it: in part. Sent: no. The worst of the twenty: he is locked out in the logline and stuck "
        "inside in the plot; “No doors. Not one.” is the line that knows where he was."
    ),
}
WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)


def page(premise: Premise, script: Script, source: str, score: str = "") -> str:
    """The script as a page to read aloud; **a line in bold** gets a laugh."""
    rows = [f"# {premise.show}: {script.title}", "", script.logline or "", ""]
    rows += [f"{source}, the offline writer, as it came.", "", *([f"*{score}*", ""] if score else [])]
    cast = {**premise.characters, **script.cast}
    names = {key: display_name(key, character) for key, character in cast.items()}
    for scene in script.scenes:
        rows += _scene(scene, names)
    return "\n".join(rows)


def _scene(scene: Scene, names: dict[str, str]) -> list[str]:
    part = (scene.part or "").replace("_", " ")
    rows = [f"## {scene.slugline} ({part})", "", f"*{scene.action}*", ""]
    for element in scene.dialogue:
        if isinstance(element, Beat):
            rows.append("- *(a silence)*")
            continue
        how = f" *({element.parenthetical})*" if element.parenthetical else ""
        said = f"**{element.line}**" if element.laugh else element.line
        rows.append(f"- {names[element.who].upper()}{how}: {said}")
    return [*rows, ""]


def pages() -> dict[str, str]:
    """The pages by file name."""
    written = {}
    for name in SHOWS:
        file = resources.files("templates") / "premises" / f"{name}.yaml"
        premise = Premise.model_validate(yaml.safe_load(file.read_text("utf-8")))
        for seed in SEEDS:
            script = writer.write_script(premise, WORDS, seed=seed)
            source = f"`templates/premises/{name}.yaml`, seed {seed}"
            written[f"{name}_{seed}.md"] = page(premise, script, source)
    for number, (logline, score) in enumerate(SCORED.items(), 1):
        text = premise_from_logline(logline, WORDS, seed=LOGLINE_SEED)
        premise = Premise.model_validate(yaml.safe_load(text))
        script = writer.write_script(premise, WORDS, seed=LOGLINE_SEED)
        source = f'`new "{logline}"`, seed {LOGLINE_SEED}'
        written[f"logline_{number}.md"] = page(premise, script, source, score)
    return written


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, text in pages().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
