"""`check`: everything is read, nothing is filmed, and each fault has its place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.studio.commands import check
from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.production.request import EpisodeRequest
from t2v.checkpoints.fingerprint import TOON_FILE

FISH = "fish-chips/s01e01"


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _check(home: Path, script: Path | None = None) -> tuple[int, str]:
    outcome = check.check(EpisodeRequest(premise=home / "fish.yaml", output=home / "output"), script)
    code, lines = outcome.code, outcome.lines
    return code, "\n".join(lines)


def _edited(home: Path, old: str, new: str) -> Path:
    path = home / "output" / FISH / "script.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_a_script_without_faults_is_summed_up_in_a_line(home: Path) -> None:
    before = sorted(path for path in home.rglob("*"))
    code, told = _check(home)
    assert code == 0
    assert told.splitlines()[-1].startswith(
        "0 errors, 0 warnings. Fish & Chips s01e01: 1 scene, 2 shots, 2 lines, about 3 s"
    )
    assert sorted(path for path in home.rglob("*")) == before, "nothing is written"


def test_a_show_without_a_script_is_checked_as_far_as_it_goes(tiny: Path) -> None:
    code, told = _check(tiny.parent)
    assert code == 0
    assert "no script yet, coldopen script --premise" in told


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        (
            "It blinked.",
            "It blinked " + "and blinked " * 20,
            r"13:9: warning: s01: 'It blinked.*…' takes",
        ),
        ("It blinked.", "It" + " " * 4 + "blinked" + " again and again" * 20, "captions, wanted at most 3"),
        ("setting: fish_shop", "setting: fish_shopp", r"7:14: warning: s01: .*did you mean 'fish_shop'\?"),
        ("Joe talking, the", "Joe juggling a spatula, the", "TOON does not know .*'spatula'"),
        (
            '"The Don talking", who: don',
            '"Joe talking", who: don',
            "is for The Don's lines and does",
        ),
        ("It blinked.", "It \U0001faa7\u1abe\U0001fbf0 blinked.", "no font here has the letters"),
        ("who: don}", "who: don, takes: 2, pick: 3}", "picks take 3 of 2"),
        ("    dialogue:", "    duration: 90\n    dialogue:", "lasts about 90 s, wanted 2 to 45"),
    ],
)
def test_what_would_look_or_sound_wrong_is_a_warning_at_its_place(
    home: Path, old: str, new: str, warning: str
) -> None:
    path = _edited(home, old, new)
    code, told = _check(home)
    assert code == 0
    rows = [row for row in told.splitlines() if row.startswith(f"{path}:") and "warning: " in row]
    assert rows
    assert any(re.search(warning, row) for row in rows), told


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("- joe: It", "- jo: It", "wanted someone of the cast, got 'jo', did you mean 'joe'?"),
        ("who: joe}", "who: bob}", "wanted someone of the cast, got 'bob', try one of: don, joe"),
        (
            "{size: close-up,",
            "{file: nix.png, size: close-up,",
            "s01.2: wanted the file nix.png, got",
        ),
        ("line: Cod.,", "line: Cod., file: cod.wav,", "s01, don: wanted the file cod.wav, got nothing"),
        ("    dialogue:", "    skip: true\n    dialogue:", "but every one says `skip: true`"),
        ("  - id: s01", "  - lock: true", "wanted an id in a scene that is locked"),
    ],
)
def test_what_would_stop_the_film_is_an_error(home: Path, old: str, new: str, error: str) -> None:
    _edited(home, old, new)
    code, told = _check(home)
    assert code == 2
    assert error in told


def test_faults_of_the_premise_do_not_hide_those_of_the_script(home: Path) -> None:
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8").replace("titles:", "tiltes:"), "utf-8")
    _edited(home, "- joe: It", "- jo: It")
    code, told = _check(home)
    assert code == 2
    assert "fish.yaml:9:1: wanted a known key, got 'tiltes', did you mean 'titles'?" in told
    assert "got 'jo', did you mean 'joe'?" in told
    assert told.splitlines()[-1].startswith("2 errors, 0 warnings.")


def test_a_voice_that_there_is_not_is_an_error_in_the_premise(home: Path) -> None:
    premise = home / "fish.yaml"
    premise.write_text(
        premise.read_text("utf-8").replace("speech: slow", "speech: slow, voice: nobody"), "utf-8"
    )
    code, told = _check(home)
    assert code == 2
    assert "don: voice: no voice is called 'nobody'" in told


def test_a_script_by_itself_is_checked_with_the_premise_that_is_named(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("title: Mine\nscenes:\n- slugline: INT. BAR - DAY\n  dialogue: [{don: Cod.}]\n", "utf-8")
    code, told = _check(home, mine)
    assert (code, "1 scene, 0 shots, 1 line" in told) == (0, True)
    with pytest.raises(StudioError, match=r"mine\.yaml: wanted to know its premise, got none"):
        check.check(EpisodeRequest(), mine)


def _trained_toon(home: Path) -> None:
    """The show is filmed by a TOON of its own, in a folder beside the premise."""
    (home / "my-toon").mkdir()
    (home / "my-toon" / TOON_FILE).touch()
    premise = home / "fish.yaml"
    text = premise.read_text("utf-8")
    assert "video: {" in text
    premise.write_text(text.replace("video: {", "video: {model: my-toon, "), "utf-8")


def test_a_toon_that_takes_directions_knows_its_newer_actions_and_a_box(home: Path) -> None:
    _edited(home, "Joe talking, the", "Joe carrying a parcel, the")
    assert "does not know" not in _check(home)[1]


def test_a_toon_that_someone_has_trained_knows_no_more_words_than_toon(home: Path) -> None:
    _trained_toon(home)
    assert "does not know" not in _check(home)[1]
    _edited(home, "Joe talking, the", "Joe juggling chainsaws, the")
    code, told = _check(home)
    assert code == 0, told
    assert "TOON does not know 'chainsaws'" in told
    _edited(home, "setting: fish_shop", "setting: fish_shopp")
    assert "did you mean 'fish_shop'?" in _check(home)[1]


def test_checking_for_a_toon_that_someone_has_trained_imports_no_torch(home: Path) -> None:
    _trained_toon(home)
    assert _imports_nothing_heavy(home, "check.check(options, None)")


def test_checking_and_planning_import_neither_torch_nor_prefect(home: Path) -> None:
    assert _imports_nothing_heavy(home, "check.check(options, None); plan.plan(options)")


def _imports_nothing_heavy(home: Path, command: str) -> bool:
    code = (
        "import sys\nfrom pathlib import Path\nfrom flows.studio.commands import check, plan\n"
        "from flows.studio.production.request import EpisodeRequest\n"
        f"home = Path({str(home)!r})\n"
        "options = EpisodeRequest(premise=home / 'fish.yaml', output=home / 'output')\n"
        f"{command}\n"
        "sys.exit(bool({'torch', 'prefect', 'moviepy'} & set(sys.modules)))"
    )
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _with_files(home: Path) -> Path:
    """The tiny show with a file of one's own in every place that takes one."""
    _edited(home, "{size: close-up,", "{file: door.mov, size: close-up,")
    _edited(home, "line: Cod.,", "line: Cod., file: cod.m4a,")
    script = _edited(home, "    dialogue:", "    sfx: [{file: slam.flac}]\n    dialogue:")
    premise = home / "fish.yaml"
    audio = "audio: {music: theme.ogg, laugh_track: {pack: laughs}}\n"
    titles = "titles: {intro: intro.webm, outro_credits: false}"
    text = premise.read_text("utf-8").replace("titles: {outro_credits: false}", titles)
    premise.write_text(text + audio, "utf-8")
    (home / "laughs").mkdir()
    for name in ("cod.m4a", "slam.flac", "theme.ogg", "laughs/big-1.aiff"):
        _media(home / name, "sine=d=1")
    for name in ("door.mov", "intro.webm"):
        _media(home / name, "color=red:s=64x36:d=0.3")
    return script


def _media(path: Path, *sources: str) -> None:
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    ffmpeg.run(["-y", *inputs, "-shortest", str(path)], doing="writing")


def test_files_of_ones_own_of_every_kind_are_opened_and_fine(home: Path) -> None:
    _with_files(home)
    code, told = _check(home)
    assert (code, told.splitlines()[-1][:21]) == (0, "0 errors, 0 warnings."), told


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("door.mov", "script.yaml:11:16: "),
        ("cod.m4a", "script.yaml:15:38: "),
        ("slam.flac", "script.yaml:12:18: "),
        ("theme.ogg", "fish.yaml:12:16: "),
        ("laughs/big-1.aiff", "fish.yaml:12:47: "),
        ("intro.webm", "fish.yaml:9:17: "),
    ],
)
def test_what_filming_could_not_read_is_an_error_at_its_place(home: Path, name: str, place: str) -> None:
    _with_files(home)
    is_film = name in ("door.mov", "intro.webm")
    kinds = {
        "a text": lambda: (home / name).write_text("hello " * 400, "utf-8"),
        "the wrong kind": lambda: _media(home / name, "sine=d=1" if is_film else "color=red:s=32x32:d=0.2"),
    }
    if name.endswith((".flac", ".ogg", ".aiff")):
        kinds["the wrong kind"] = lambda: soundfile.write(home / name, np.zeros(4_800), 48_000)
    if name == "theme.ogg":
        del kinds["the wrong kind"]  # silence is music, too
    for kind, write in kinds.items():
        write()
        code, told = _check(home)
        rows = [row for row in told.splitlines() if name.rpartition("/")[2] in row]
        assert code == 2, kind
        assert len(rows) == 1, told
        assert place in rows[0]
        assert "wanted a" in rows[0]


def test_a_recording_in_opposite_phase_is_told_and_heard(home: Path) -> None:
    _with_files(home)
    tone = 0.2 * np.sin(np.arange(24_000) / 20)
    soundfile.write(home / "cod.wav", np.stack([tone, -tone], axis=1), 48_000)
    (home / "cod.wav").rename(home / "cod.m4a")
    code, told = _check(home)
    assert code == 0
    assert "warning: s01, don: the two channels of cod.m4a are in opposite phase" in told
