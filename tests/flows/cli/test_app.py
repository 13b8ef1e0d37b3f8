"""The command line: three names, exit codes, one-line errors, and no heavy import before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from flows.cli import app, runs
from flows.orchestration import plugin
from flows.studio.production.request import Outcome
from scripts_llm.files.read import read_premise

COMMANDS = [
    "new",
    "check",
    "episode",
    "script",
    "plan",
    "retake",
    "export",
    "import",
    "batch",
    "meme",
    "setup",
]
LOGLINE = "A cat runs for mayor"


def run(*arguments: str, cwd=None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def call(capsys):
    """Runs a command in this process: its exit code, what it wrote, what it complained."""

    def call_command(*tokens: str, name: str = "coldopen"):
        with pytest.raises(SystemExit) as ended:
            app.main(tokens, name=name)
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call_command


@pytest.fixture
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ------------------------------------------------------------------------------------- help and options


def test_help_lists_every_command_in_the_order_of_work(call):
    code, out, _ = call("--help")
    assert code == 0
    found = [out.index(f"│ {command} ") for command in COMMANDS]
    assert found == sorted(found)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(call, command):
    code, out, err = call(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: coldopen {command}" in out


def test_episode_has_the_options_that_the_readme_promises(call):
    _, out, _ = call("episode", "--help")
    for option in ("--premise", "--episode", "--until", "--writer", "--seed", "--output", "--device", "-v"):
        assert f" {option} " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_has_a_name_that_prefect_keeps_for_itself(call, command):
    _, out, _ = call(command, "--help")
    assert "--profile" not in out
    assert "--prompt" not in out


@pytest.mark.parametrize("name", ["coldopen", "prefect run", "python -m flows"])
@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        (["episode", "--premis", "a.yaml"], "Did you mean --premise?"),
        (["episod"], 'Did you mean "episode"?'),
        (["episode", "--until", "lunch"], '"script", "clips", "voices", "cut"'),
        (["episode", "--seed", "-1"], "Must be >= 0"),
        (["episode", "--seed", "many"], "--seed"),
        (["new"], "wanted either a logline or --from NAME"),
        (["new", LOGLINE, "--from", "joe_and_the_don"], "wanted either a logline or --from NAME"),
        (["batch", "--premises", "no/such/folder"], "does not exist"),
        (["episode", "--premise", "no/such.yaml"], "no/such.yaml"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2_under_every_name(
    call, in_empty_folder, name, tokens, complaint
):
    code, out, err = call(*tokens, name=name)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_help_and_the_first_line_need_neither_prefect_nor_torch(checkout):
    script = """
import sys
from flows.cli import app
from flows.studio.production import messages
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from pathlib import Path
try:
    app.main(["episode", "--help"])
except SystemExit as ended:
    assert ended.code == 0
premise = Path("templates/premises/joe_and_the_don.yaml")
print(messages.announce(Episode.open(EpisodeRequest(premise=premise, writer="offline"))))
heavy = {"torch", "prefect", "moviepy", "openai", "onnxruntime", "soundfile"} & set(sys.modules)
assert not heavy, heavy
"""
    done = run("-c", script, cwd=checkout)
    assert done.returncode == 0, done.stderr
    assert "Joe and the Don s01e01" in done.stdout.splitlines()[-1]


# ------------------------------------------------------------------------------------------- three names


def test_python_m_flows_is_a_name(checkout):
    done = run("-m", "flows", "episode", "--help", cwd=checkout)
    assert done.returncode == 0
    assert "Usage: python -m flows episode" in done.stdout


def test_prefect_run_is_a_name_in_the_checkout_and_its_exit_codes_are_ours(checkout):
    helped = run("-m", "prefect", "run", "episode", "--help", cwd=checkout)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Usage: prefect run episode" in helped.stdout
    wrong = run("-m", "prefect", "run", "episode", "--until", "lunch", cwd=checkout)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.count("\n") == 1


def test_setup_makes_prefect_run_a_name_in_every_folder(tmp_path):
    home = str(tmp_path / "home")
    before = run("-m", "prefect", "run", "--help", cwd=tmp_path, PREFECT_HOME=home)
    assert before.returncode != 0
    first = run("-c", "from flows.cli.app import main; main(['setup'])", cwd=tmp_path, PREFECT_HOME=home)
    assert first.returncode == 0, first.stderr
    assert "Switched Prefect's plug-ins on" in first.stdout
    again = run("-c", "from flows.cli.app import main; main(['setup'])", cwd=tmp_path, PREFECT_HOME=home)
    assert "plug-ins are on" in again.stdout
    after = run("-m", "prefect", "run", "--help", cwd=tmp_path, PREFECT_HOME=home)
    assert after.returncode == 0
    assert "Usage: prefect run COMMAND" in after.stdout


def test_the_short_name_is_the_command_episode(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["episode", "--help"])
    with pytest.raises(SystemExit):
        app.episode_main()
    assert "Usage: coldopen episode" in capsys.readouterr().out


@pytest.fixture
def as_prefect(monkeypatch):
    """This process passes for the program `prefect`; the value is what its plug-in warned of."""
    warnings: list[str] = []
    logger = types.SimpleNamespace(warning=lambda text, *values: warnings.append(text % values))
    context = types.SimpleNamespace(logger_factory=lambda name: logger, prefect_version="9.9.9")
    monkeypatch.setattr(sys, "argv", ["/usr/bin/prefect", "run"])
    return context, warnings


def test_a_run_command_of_prefects_own_is_never_overridden(monkeypatch, as_prefect):
    context, warnings = as_prefect
    theirs = types.SimpleNamespace(_app={"run": "theirs"})
    monkeypatch.setitem(sys.modules, "prefect.cli._app", theirs)
    plugin.setup_environment(ctx=context)
    assert (theirs._app, warnings) == ({"run": "theirs"}, [])


def test_a_prefect_that_has_moved_its_command_line_is_told_and_goes_on(monkeypatch, as_prefect):
    context, warnings = as_prefect
    monkeypatch.setitem(sys.modules, "prefect.cli._app", None)
    plugin.setup_environment(ctx=context)
    assert len(warnings) == 1
    assert "use `coldopen` instead" in warnings[0]


def test_the_plug_in_does_nothing_outside_the_program_prefect(monkeypatch, as_prefect):
    context, warnings = as_prefect
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "pytest"])
    monkeypatch.setitem(sys.modules, "prefect.cli._app", None)
    plugin.setup_environment(ctx=context)
    assert warnings == []


def test_prefects_server_can_be_imported(checkout):
    """Prefect 3.8.8 with a FastAPI that it does not know cannot; pyproject.toml holds FastAPI back."""
    assert run("-W", "ignore", "-c", "import prefect.server.api.server", cwd=checkout).returncode == 0


# ------------------------------------------------------------------------------------------- exit codes


@pytest.fixture
def quick(monkeypatch):
    """Lets `episode` end at once with what a test wants."""

    def ends_with(outcome):
        def make(request, console, *, verbose):
            console.say("the first line")
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(runs, "make_episode", make)

    return ends_with


@pytest.mark.parametrize("code", [0, 3])
def test_the_outcome_is_the_exit_code_and_its_lines_come_last(call, quick, code):
    quick(Outcome(code, lines=("made with 1 gag card", "it lies in output/x/s01e01/episode.mp4")))
    ended, out, _ = call("episode")
    assert ended == code
    assert out.splitlines()[0] == "the first line"
    assert out.splitlines()[-1] == "it lies in output/x/s01e01/episode.mp4"


def test_ctrl_c_is_exit_code_130_and_says_how_to_go_on(call, quick):
    quick(KeyboardInterrupt())
    code, _, err = call("episode")
    assert code == 130
    assert err == "Stopped. Nothing is lost: the same command goes on from here.\n"


def test_a_bug_keeps_its_traceback(quick):
    quick(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        app.main(["episode"])


def test_a_name_that_the_terminal_cannot_show_is_no_reason_to_stop(tmp_path):
    done = run(
        "-c",
        "from flows.cli.app import main; main(['new', 'Кот идёт в мэры'])",
        cwd=tmp_path,
        PYTHONIOENCODING="ascii",
        PYTHONUTF8="0",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "premises" / "кот-идёт-в-мэры.yaml").is_file()


# --------------------------------------------------------------------------------------------------- new


def test_new_writes_a_premise_that_can_be_filmed_at_once(call, in_empty_folder):
    code, out, _ = call("new", LOGLINE)
    path = in_empty_folder / "premises" / "a-cat-runs-for-mayor.yaml"
    assert code == 0
    assert "premises/a-cat-runs-for-mayor.yaml" in out
    premise = read_premise(path)
    assert premise.logline == f"{LOGLINE}."
    assert len(premise.characters) >= 2
    assert "#" in path.read_text(encoding="utf-8")


def test_new_says_the_command_that_films_it(call, in_empty_folder):
    _, out, _ = call("new", LOGLINE)
    assert "coldopen episode --premise premises/a-cat-runs-for-mayor.yaml" in out


def test_new_never_overwrites(call, in_empty_folder):
    call("new", LOGLINE)
    path = in_empty_folder / "premises" / "a-cat-runs-for-mayor.yaml"
    path.write_text("mine", encoding="utf-8")
    code, _, err = call("new", LOGLINE)
    assert code == 2
    assert "stays as it is" in err
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_logline_that_looks_like_a_path_stays_in_the_folder(call, in_empty_folder):
    assert call("new", "../../A cat runs away")[0] == 0
    made = {path.name for path in (in_empty_folder / "premises").iterdir()}
    assert made == {"a-cat-runs-away.yaml", ".premise.schema.json"}


def test_new_from_copies_a_shipped_premise_as_it_is(call, in_empty_folder, checkout):
    assert call("new", "--from", "joe_and_the_don")[0] == 0
    shipped = checkout / "templates" / "premises" / "joe_and_the_don.yaml"
    assert (in_empty_folder / "premises" / shipped.name).read_bytes() == shipped.read_bytes()


def test_new_from_a_name_that_is_not_there_lists_those_that_are(call, in_empty_folder):
    code, _, err = call("new", "--from", "joe_and_the_dog")
    assert code == 2
    assert "did you mean joe_and_the_don?" in err
    assert not (in_empty_folder / "premises").exists()


def test_an_empty_or_an_endless_logline_is_no_logline(call, in_empty_folder):
    assert call("new", "  ")[0] == 2
    assert call("new", "word " * 60)[0] == 2
