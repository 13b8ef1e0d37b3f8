"""The families of film models in diffusers, as data: what each films by default, and what it takes.

Defaults are those of the pipelines (diffusers 0.42), which a test holds against the installed ones. Frames a
second stand in no pipeline; they are what a model's makers publish. Facts come from here and not from the
signatures, because importing diffusers takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Pictures = Literal["none", "first", "last", "both", "any"]  # the frames of a clip that are given
OWN = ("TextToVideoSDPipeline", "VideoToVideoSDPipeline")  # ModelScope's, which t2v films itself

TEXT: tuple[Pictures, ...] = ("none",)
FIRST: tuple[Pictures, ...] = ("first",)
NEGATIVE = (
    "blurry, overexposed, frozen picture, subtitles, letters, watermark, low quality, deformed hands, extra "
    "fingers, distorted face"
)


@dataclass(frozen=True)
class Family:
    """The defaults of a pipeline. `begun` is the pipeline that films the same networks from pictures."""

    title: str
    fps: int
    num_frames: int
    height: int | None  # pixels; None: as the network's own settings say
    width: int | None
    num_steps: int
    guidance_scale: float | None  # None: the pipeline's own guider has it
    tokens: int  # of a prompt; what follows is not read
    frame_step: int = 4  # frames come in multiples of it, and one
    size_step: int = 16  # pixels, whatever the weights
    pictures: tuple[Pictures, ...] = TEXT
    begun: str | None = None
    references: int = 0


WAN = Family("Wan", 16, 81, 480, 832, 50, 5.0, 512)
LTX = Family("LTX-Video", 25, 161, 512, 704, 50, 3.0, 128, 8, 32)
LTX2 = Family("LTX-2", 24, 121, 512, 768, 30, 3.0, 1024, 8, 32)
COG = Family("CogVideoX", 8, 49, None, None, 50, 6.0, 226)
HUNYUAN = Family("HunyuanVideo", 24, 129, 720, 1280, 50, 6.0, 256)
HUNYUAN15 = Family("HunyuanVideo 1.5", 24, 121, 480, 848, 50, None, 1000)
ENDS: tuple[Pictures, ...] = ("first", "last", "both")

FAMILIES: Mapping[str, Family] = {
    "WanPipeline": WAN,
    "WanImageToVideoPipeline": replace(WAN, pictures=FIRST),
    "WanVACEPipeline": replace(WAN, title="Wan VACE", pictures=("none", "any"), references=3),
    "LTXPipeline": replace(LTX, pictures=("none", *ENDS), begun="LTXConditionPipeline"),
    "LTXImageToVideoPipeline": replace(LTX, pictures=ENDS, begun="LTXConditionPipeline"),
    "LTXConditionPipeline": replace(LTX, tokens=256, pictures=("none", *ENDS)),
    "LTX2Pipeline": replace(LTX2, pictures=("none", *ENDS), begun="LTX2ConditionPipeline"),
    "LTX2ImageToVideoPipeline": replace(LTX2, pictures=ENDS, begun="LTX2ConditionPipeline"),
    "LTX2ConditionPipeline": replace(LTX2, pictures=("none", *ENDS)),
    "CogVideoXPipeline": COG,
    "CogVideoXImageToVideoPipeline": replace(COG, pictures=FIRST),
    "HunyuanVideoPipeline": HUNYUAN,
    "HunyuanVideo15Pipeline": HUNYUAN15,
    "HunyuanVideo15ImageToVideoPipeline": replace(HUNYUAN15, pictures=FIRST),
    "MochiPipeline": Family("Mochi", 30, 85, 480, 848, 64, 4.5, 256, 6),
}
WAN_5B = Family(  # WanPipeline with a timestep a latent frame, which the model's index says
    "Wan 2.2 5B", 24, 121, 704, 1280, 50, 5.0, 512, size_step=32, pictures=("none", "first"),
    begun="WanImageToVideoPipeline",
)  # fmt: skip

# ------------------------------------------------------------------------------------- licences and models

NOT_IN = "does not hold in the European Union, the United Kingdom and South Korea"
LTX2_TERMS = "companies that earn 10 million US dollars a year need another one"


@dataclass(frozen=True)
class Licence:
    """A licence's name, and in a line where it does not hold."""

    name: str
    terms: str = ""


_APACHE = Licence("Apache-2.0")
_HUNYUAN = Licence("Tencent Hunyuan Community", NOT_IN)
LICENCES: Mapping[str, Licence] = {  # by the family's title, where the folder's card names none
    "Wan": _APACHE,
    "Wan 2.2 5B": _APACHE,
    "Wan VACE": _APACHE,
    "LTX-Video": Licence("LTXV Open Weights"),
    "LTX-2": Licence("LTX-2 Community", LTX2_TERMS),
    "CogVideoX": Licence("CogVideoX"),
    "HunyuanVideo": _HUNYUAN,
    "HunyuanVideo 1.5": _HUNYUAN,
    "Mochi": _APACHE,
}


@dataclass(frozen=True)
class Known:
    """A model on the hub that has a short name: its facts are known before anything is fetched."""

    hub: str
    pipeline: str
    title: str
    gigabytes: float  # of weights that are fetched, about: networks and text encoder, bf16
    family: Family
    licence: Licence = _APACHE
    has_one_size: bool = False


_I2V = FAMILIES["WanImageToVideoPipeline"]
_COG = replace(COG, height=480, width=720)
_VACE = FAMILIES["WanVACEPipeline"]
_HUNYUAN_I2V = FAMILIES["HunyuanVideo15ImageToVideoPipeline"]

KNOWN: Mapping[str, Known] = {
    "wan2.1-1.3b": Known("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "WanPipeline", "Wan 2.1 1.3B", 14.2, WAN),
    "wan2.1-14b": Known("Wan-AI/Wan2.1-T2V-14B-Diffusers", "WanPipeline", "Wan 2.1 14B", 40.0, WAN),
    "wan2.1-i2v": Known(
        "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers", "WanImageToVideoPipeline", "Wan 2.1 I2V", 45.0, _I2V
    ),
    "wan2.1-flf2v": Known(
        "Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers",
        "WanImageToVideoPipeline",
        "Wan 2.1 FLF2V",
        45.0,
        replace(_I2V, pictures=("both",), height=720, width=1280),
    ),
    "wan2.2-14b": Known("Wan-AI/Wan2.2-T2V-A14B-Diffusers", "WanPipeline", "Wan 2.2 14B", 68.6, WAN),
    "wan2.2-i2v": Known(
        "Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        "WanImageToVideoPipeline",
        "Wan 2.2 I2V",
        68.6,
        replace(_I2V, pictures=("first", "both")),
    ),
    "wan2.2-5b": Known("Wan-AI/Wan2.2-TI2V-5B-Diffusers", "WanPipeline", "Wan 2.2 5B", 21.4, WAN_5B),
    "wan-vace-1.3b": Known(
        "Wan-AI/Wan2.1-VACE-1.3B-diffusers", "WanVACEPipeline", "Wan VACE 1.3B", 15.7, _VACE
    ),
    "wan-vace-14b": Known("Wan-AI/Wan2.1-VACE-14B-diffusers", "WanVACEPipeline", "Wan VACE 14B", 46.1, _VACE),
    "ltx-video": Known(
        "Lightricks/LTX-Video",
        "LTXPipeline",
        "LTX-Video",
        13.3,
        FAMILIES["LTXPipeline"],
        LICENCES["LTX-Video"],
    ),
    "ltx-2": Known(
        "Lightricks/LTX-2", "LTX2Pipeline", "LTX-2", 61.8, FAMILIES["LTX2Pipeline"], LICENCES["LTX-2"]
    ),
    "cogvideox-2b": Known("THUDM/CogVideoX-2b", "CogVideoXPipeline", "CogVideoX 2B", 12.9, _COG),
    "cogvideox-5b": Known(
        "THUDM/CogVideoX-5b", "CogVideoXPipeline", "CogVideoX 5B", 20.6, _COG, LICENCES["CogVideoX"]
    ),
    "cogvideox-5b-i2v": Known(
        "THUDM/CogVideoX-5b-I2V",
        "CogVideoXImageToVideoPipeline",
        "CogVideoX 5B I2V",
        20.6,
        replace(_COG, pictures=FIRST),
        LICENCES["CogVideoX"],
        has_one_size=True,
    ),
    "hunyuan1.5": Known(
        "hunyuanvideo-community/HunyuanVideo-1.5-480p_t2v",
        "HunyuanVideo15Pipeline",
        "HunyuanVideo 1.5",
        34.0,
        HUNYUAN15,
        _HUNYUAN,
    ),
    "hunyuan1.5-i2v": Known(
        "hunyuanvideo-community/HunyuanVideo-1.5-480p_i2v",
        "HunyuanVideo15ImageToVideoPipeline",
        "HunyuanVideo 1.5 I2V",
        35.0,
        _HUNYUAN_I2V,
        _HUNYUAN,
    ),
    "mochi": Known("genmo/mochi-1-preview", "MochiPipeline", "Mochi", 29.6, FAMILIES["MochiPipeline"]),
}


def known(source: str) -> Known | None:
    """The model of a short name, or of its hub id with or without a revision; None for others."""
    repo = source.partition("@")[0]
    return KNOWN.get(source) or next((one for one in KNOWN.values() if one.hub == repo), None)
