"""Puts the packages into .venv: `make` calls this with the system's Python, before anything else is there.

    python3 flows/install.py [--dev] [--torch "torch==2.9.1 torchvision==0.24.1"]

Standard library only. Says how much it will fetch before it does.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(".venv")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ASK_SECONDS = 5
OLDEST = (3, 11)

# Megabytes (to fetch, on the disk), measured on Linux with Python 3.11; other systems differ by a little.
PACKAGES_MB = (350, 1000)
DEV_MB = (60, 350)
CPU_TORCH_MB = (200, 750)
CUDA_TORCH_MB = (3000, 5400)


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the virtual environment, says how much will be fetched, and fetches it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="also what `make test` needs")
    parser.add_argument("--torch", default="", help="requirements that replace the choice of PyTorch's build")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    check_machine()
    torch = shlex.split(options.torch)
    there = any(VENV.glob("[Ll]ib*/**/site-packages/torch"))
    index = None if there or torch or wants_cuda() else cpu_index()
    if there:
        say(f"Packages into {VENV}: what has changed, and at most {sum_mb(dev=options.dev)[0]} MB to fetch.")
    else:
        announce(dev=options.dev, torch=torch, index=index)
    python = make_environment()
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    if index is not None:
        run([*pip, "--index-url", index, "torch", "torchvision"])
    run([*pip, *torch, "--editable", ".[dev]" if options.dev else ".[anime4k]"])


def check_machine() -> None:
    """One line and exit code 2 where this cannot work."""
    if sys.version_info < OLDEST:
        stop(f"wanted Python 3.11 or newer, got {sys.version.split()[0]}; try: make PYTHON=python3.12")
    if os.pathsep in str(ROOT):
        stop(
            f"{ROOT}: Python makes no virtual environment under a path with {os.pathsep!r} in it; "
            "move this folder to another one"
        )


def wants_cuda() -> bool:
    """Whether there is an NVIDIA driver, or a system where PyTorch's default build has no CUDA in it."""
    has_driver = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()
    return has_driver or sys.platform != "linux"


def cpu_index() -> str | None:
    """PyTorch's index of builds without CUDA, if it answers within five seconds."""
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=ASK_SECONDS):
            return CPU_INDEX
    except OSError:
        return None


def announce(*, dev: bool, torch: Sequence[str], index: str | None) -> None:
    """Prints how many megabytes will be fetched."""
    big = sys.platform == "linux" and index is None
    fetch, disk = sum_mb(CUDA_TORCH_MB if big else CPU_TORCH_MB, dev=dev)
    build = " ".join(torch) or ("without CUDA" if index else "the default build")
    say(f"Packages into {VENV}: about {fetch} MB to fetch, {disk} MB on the disk (PyTorch: {build}).")
    if big and not torch and not wants_cuda():
        say(f"PyTorch's own index did not answer within {ASK_SECONDS} s, so this is the build with CUDA.")
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < disk:
        say(
            f"There are only {free} MB free here. If some of it is fetched already, this may do all the same."
        )


def sum_mb(torch: tuple[int, int] = (0, 0), *, dev: bool) -> tuple[int, int]:
    """Megabytes to fetch and on the disk."""
    parts = (PACKAGES_MB, torch, DEV_MB if dev else (0, 0))
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def make_environment() -> Path:
    """The environment's Python."""
    python = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            stop(
                "Python could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"
            )
    return python


def run(command: Sequence[str]) -> None:
    """Runs a command that speaks for itself; ends with its exit code if it fails."""
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        stop("pip could not install the packages; its lines above say why", code=1)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def stop(text: str, *, code: int = 2) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
