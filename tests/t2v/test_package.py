"""What `import t2v` gives, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import t2v


def test_every_public_name_is_there() -> None:
    for name in t2v.__all__:
        assert getattr(t2v, name) is not None


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'TextToFilm'"):
        t2v.TextToFilm  # noqa: B018


def test_errors_of_the_package_are_one_family() -> None:
    assert issubclass(t2v.CheckpointError, t2v.T2VError)
    assert issubclass(t2v.SettingsError, t2v.T2VError)
    assert issubclass(t2v.SettingsError, ValueError)


def test_the_package_its_presets_and_its_fingerprint_import_no_torch() -> None:
    program = """
import sys, t2v, t2v.configs
t2v.TOON.sizes
try:
    t2v.fingerprint("toon")
except t2v.CheckpointError:
    pass
try:
    t2v.fingerprint("/nowhere/at/all")
except t2v.CheckpointError:
    pass
import t2v.checkpoints.find, t2v.checkpoints.config_reading, t2v.checkpoints.config_writing
heavy = {"torch", "open_clip", "einops", "safetensors", "numpy"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
