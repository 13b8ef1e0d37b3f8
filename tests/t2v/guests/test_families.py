"""The table of families is what the installed diffusers has, and is read without torch."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from t2v.guests import families
from t2v.guests.families import FAMILIES, KNOWN, Family

ROOT = Path(__file__).resolve().parents[3]

# What the table says otherwise than the signatures, on purpose: None there is filled in from elsewhere.
MEANT = {
    "LTX2Pipeline": {"num_frames"},
    "LTX2ImageToVideoPipeline": {"num_frames"},
    "LTX2ConditionPipeline": {"num_frames"},
    "CogVideoXPipeline": {"num_frames"},
    "MochiPipeline": {"num_frames", "height", "width"},  # 19 there; its makers film 85
    "HunyuanVideo15Pipeline": {"height", "width"},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_table_is_what_the_installed_pipelines_do(name: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    takes = inspect.signature(getattr(diffusers, name).__call__).parameters
    family = FAMILIES[name]
    names = {
        "num_frames": family.num_frames,
        "height": family.height,
        "width": family.width,
        "num_inference_steps": family.num_steps,
        "guidance_scale": family.guidance_scale,
        "max_sequence_length": family.tokens,
    }
    differ = {
        key
        for key, value in names.items()
        if key in takes and takes[key].default is not inspect.Parameter.empty and takes[key].default != value
    }
    assert differ == MEANT.get(name, set())
    assert ("guidance_scale" in takes) == (family.guidance_scale is not None)
    filming = getattr(diffusers, family.begun or name)
    takes_pictures = {"image", "conditions", "video"} & set(inspect.signature(filming.__call__).parameters)
    assert bool(takes_pictures) == (family.pictures != families.TEXT)
    assert ("reference_images" in takes) == (family.references > 0)


@pytest.mark.parametrize("family", [*FAMILIES.values(), *(one.family for one in KNOWN.values())])
def test_defaults_can_be_filmed(family: Family) -> None:
    assert (family.num_frames - 1) % family.frame_step == 0
    assert all(side is None or side % family.size_step == 0 for side in (family.height, family.width))
    assert family.title in families.LICENCES


def test_short_names_and_hub_ids_are_one_model() -> None:
    for short, one in KNOWN.items():
        assert families.known(short) is families.known(one.hub) is families.known(f"{one.hub}@main") is one
        assert one.pipeline in FAMILIES
    assert families.known("someone/else") is None
    assert families.known("toon") is None


def test_facts_are_read_without_torch_or_diffusers() -> None:
    check = (
        "import sys; from t2v.guests import folder, placing; folder.preset('wan2.2-5b');"
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_only_this_package_imports_diffusers_and_transformers() -> None:
    libraries = ("import diffusers", "from diffusers", "import transformers", "from transformers")
    users = {
        path.relative_to(ROOT).parts[:2]
        for package in ("t2v", "flows", "scripts_llm")
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.strip().startswith(libraries)
    }
    assert users == {("t2v", "guests")}
