"""Where a guest's files lie, and what they say: its facts, its weights' sizes, its fingerprint. No torch.

A guest is named by a folder in diffusers' layout, a hub id (`owner/name`, `owner/name@revision`) or a short
name of `families.KNOWN`. Its facts are known before its weights are here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from t2v.checkpoints import hub
from t2v.checkpoints.fingerprint import file_hash
from t2v.errors import CheckpointError
from t2v.guests import families
from t2v.guests.families import FAMILIES, OWN, Family, Licence, known

INDEX = "model_index.json"
ENDINGS = (".json", ".safetensors", ".model", ".txt", ".jinja")  # of the files of a part that are read


@dataclass(frozen=True)
class GuestPreset:
    """What a guest films where nothing else is asked for, and what it takes."""

    name: str  # in recipes
    title: str  # for people
    pipeline: str  # diffusers' class
    family: Family
    height: int
    width: int
    size_step: int  # pixels that height and width are multiples of
    licence: Licence
    gigabytes: float  # of weights
    has_one_size: bool = False  # learned places: another size cannot be filmed
    is_here: bool = True  # on this machine; else they are fetched at the first film
    bytes_of: Mapping[str, int] = field(default_factory=dict)  # weights on disk, by part

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """(height, width) by aspect, all of about the same area, the model's own first."""
        area, step = self.height * self.width, self.size_step
        side = max(1, round(math.sqrt(area) / step)) * step
        own, turned = (self.height, self.width), (self.width, self.height)
        if self.width == self.height or self.has_one_size:
            return {"1:1" if self.width == self.height else "16:9": own}
        names = ("16:9", "9:16") if self.width > self.height else ("9:16", "16:9")
        return {names[0]: own, "1:1": (side, side), names[1]: turned}


def is_guest(source: str) -> bool:
    """Whether a source is a film model that diffusers films, and t2v does not; no network is asked.

    A hub id that has no short name counts once its index is in the cache.
    """
    if known(source) is not None and not Path(source).expanduser().exists():
        return True
    index = _index_file(source)
    if index is None:
        return False
    name = _read_json(index).get("_class_name")
    return isinstance(name, str) and name.endswith("Pipeline") and name not in OWN


def preset(source: str) -> GuestPreset:
    """The facts of a guest, from its settings; no weight is read, and no network is asked.

    Raises CheckpointError for another kind of model.
    """
    index = _index_file(source)
    return known_preset(source) if index is None else _of_folder(source, index.parent)


def known_preset(source: str) -> GuestPreset:
    """The facts of a guest with a short name, as the table has them. Raises CheckpointError for another."""
    found = known(source)
    if found is None:
        there = ", ".join(families.KNOWN)
        raise CheckpointError(f"{source}: wanted a folder with {INDEX}, or one of {there}")
    family = found.family
    assert family.height is not None
    assert family.width is not None
    return GuestPreset(
        name=_name(source),
        title=found.title,
        pipeline=found.pipeline,
        family=family,
        height=family.height,
        width=family.width,
        size_step=family.size_step,
        licence=found.licence,
        gigabytes=found.gigabytes,
        has_one_size=found.has_one_size,
        is_here=False,
    )


def _name(source: str) -> str:
    """The name in recipes: the short one where there is one, so that all spellings are one model."""
    short = next((name for name, one in families.KNOWN.items() if one is known(source)), None)
    name = short or Path(source.partition("@")[0]).name
    return f"guest {name}" if name in ("toon", "") else name


def _index_file(source: str) -> Path | None:
    """The index of a source that is on this machine."""
    folder = Path(source).expanduser()
    if folder.exists():
        return folder / INDEX if (folder / INDEX).is_file() else None
    repo, revision = _repository(source)
    if repo is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(repo, INDEX, revision=revision)
    return Path(cached) if isinstance(cached, str) else None


def _repository(source: str) -> tuple[str | None, str | None]:
    """The hub's repository and revision of a source; (None, None) for one that is no hub id."""
    found = known(source)
    if found is not None and source in families.KNOWN:
        return found.hub, None
    match = hub.ID.fullmatch(source)
    return (match["repo"], match["revision"]) if match else (None, None)


def _of_folder(source: str, folder: Path) -> GuestPreset:
    index = _read_json(folder / INDEX)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str) or pipeline not in FAMILIES:
        there = ", ".join(sorted(key.removesuffix("Pipeline") for key in FAMILIES))
        raise CheckpointError(
            f"{source}: {pipeline!r} is no film model that is known here; there are {there}"
        )
    family = families.WAN_5B if index.get("expand_timesteps") else FAMILIES[pipeline]
    vae, network = _settings(folder, "vae"), _settings(folder, "transformer")
    space = _pixels_of_a_latent(vae)
    height = family.height or space * int(network.get("sample_height") or 60)
    width = family.width or space * int(network.get("sample_width") or 90)
    if (found := known(source)) is not None and found.family.height and found.family.width:
        height, width = found.family.height, found.family.width
    family = _with_pictures(family, pipeline, network)
    sizes = _weights(folder, index)
    return GuestPreset(
        name=_name(source),
        title=found.title if found else f"{folder.name if Path(source).exists() else _name(source)}",
        pipeline=pipeline,
        family=family,
        height=height,
        width=width,
        size_step=math.lcm(family.size_step, space * _patch(network)),
        has_one_size=bool(network.get("use_learned_positional_embeddings")),
        licence=_licence(folder, found.licence if found else families.LICENCES[family.title]),
        gigabytes=sum(sizes.values()) / 1e9,
        is_here=_is_complete(folder, index),
        bytes_of=sizes,
    )


def _with_pictures(family: Family, pipeline: str, network: Mapping[str, Any]) -> Family:
    """The family as its weights are: Wan's picture weights know one picture (2.1), two (FLF2V), or either."""
    if pipeline != "WanImageToVideoPipeline":
        return family
    if network.get("image_dim") is None:
        return replace(family, pictures=("first", "both"))
    return replace(family, pictures=("both",) if network.get("pos_embed_seq_len") else ("first",))


def _patch(network: Mapping[str, Any]) -> int:
    patch = network.get("patch_size", 1)
    return int(patch[-1] if isinstance(patch, list) else patch or 1)


def _pixels_of_a_latent(vae: Mapping[str, Any]) -> int:
    for key in ("scale_factor_spatial", "spatial_compression_ratio"):
        if vae.get(key):
            return int(vae[key])
    if "spatio_temporal_scaling" in vae:  # LTX: a patch, halved at every level that scales
        return int(vae.get("patch_size", 1)) * 2 ** sum(map(bool, vae["spatio_temporal_scaling"]))
    is_stack = "block_out_channels" in vae and vae.get("_class_name") != "AutoencoderKLMochi"
    return 2 ** (len(vae["block_out_channels"]) - 1) if is_stack else 8


def _licence(folder: Path, otherwise: Licence) -> Licence:
    """The licence of the folder's card, with the family's terms; cards that say `other` say nothing."""
    from t2v.checkpoints.config_reading import read_licence

    named = read_licence(folder / "README.md")
    if named is None or named.lower() == "other" or otherwise.terms:
        return otherwise
    return Licence(named.title() if named.startswith("APACHE") else named)


# --------------------------------------------------------------------------------------------- the files


def _parts(index: Mapping[str, Any]) -> list[str]:
    """The folders of an index that hold something."""
    return [
        name
        for name, kind in index.items()
        if isinstance(kind, list) and len(kind) == 2 and kind[0] is not None and not name.startswith("_")
    ]


def _files(folder: Path, index: Mapping[str, Any]) -> Iterator[Path]:
    """The files of a guest that are read, the index first; other precisions beside them are left out."""
    yield folder / INDEX
    for part in sorted(_parts(index)):
        inside = folder / part
        for path in sorted(inside.iterdir()) if inside.is_dir() else ():
            if path.is_file() and _is_read(path.name):
                yield path


def _is_read(name: str) -> bool:
    is_variant = any(f".{kind}" in name for kind in ("fp16", "bf16", "fp32", "non_ema"))
    return name.endswith(ENDINGS) and not name.startswith(".") and not is_variant


def _weights(folder: Path, index: Mapping[str, Any]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in _files(folder, index):
        if path.suffix == ".safetensors":
            sizes[path.parent.name] = sizes.get(path.parent.name, 0) + path.stat().st_size
    return sizes


def _is_complete(folder: Path, index: Mapping[str, Any]) -> bool:
    """Whether every network's weights are there: each shard that its list names, or one file."""
    for part in _parts(index):
        kind = str(index[part][1])
        if "Tokenizer" in kind or "Scheduler" in kind or "Processor" in kind or "Guidance" in kind:
            continue
        lists = [p for p in (folder / part).glob("*.safetensors.index.json") if _is_read(p.name)]
        shards = set(_read_json(lists[0]).get("weight_map", {}).values()) if lists else set()
        has_any = any(_is_read(p.name) for p in (folder / part).glob("*.safetensors"))
        if not has_any or any(not (folder / part / shard).is_file() for shard in shards):
            return False
    return True


def fingerprint(source: str) -> str:
    """Sixteen hexadecimal digits that change with a guest's weights and settings, a scheduler's shift too.

    Weights count by their SHA-256 and settings by the hash that git gives them, as hubs list both: the same
    model has the same digits in a folder and on a hub, whether or not it is fetched. Raises CheckpointError.
    """
    index = _index_file(source)
    if index is not None and _is_complete(index.parent, _read_json(index)):
        folder, described = index.parent, _read_json(index)
        lines = [f"{p.relative_to(folder).as_posix()} {_blob(p)}" for p in _files(folder, described)]
    else:
        lines = [f"{name} {blob}" for name, blob, _ in _listed(source)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _blob(path: Path) -> str:
    """The name of a file's content on a hub; in a hub's cache a file is a link to it."""
    if path.is_symlink() and path.resolve().parent.name == "blobs":
        return path.resolve().name
    if path.suffix == ".safetensors":
        return file_hash(path)
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _listed(source: str) -> list[tuple[str, str, int]]:
    """(name, content's hash, bytes) of the files of a guest on the hub. Raises CheckpointError."""
    repo, revision = _repository(source)
    if repo is None:
        raise CheckpointError(f"{source}: its weights are not whole; get the folder again")
    with hub.hub_errors(source, repo, revision) as unreachable:
        info = hub.open_hub().model_info(repo, revision=revision, files_metadata=True)
        index = json.loads(Path(hub.open_hub().hf_hub_download(repo, INDEX, revision=revision)).read_bytes())
        parts = set(_parts(index))
        return [
            (one.rfilename, one.lfs.sha256 if one.lfs else one.blob_id, one.size or 0)
            for one in info.siblings or ()
            if one.rfilename == INDEX
            or (
                (one.rfilename.count("/") == 1 and one.rfilename.partition("/")[0] in parts)
                and _is_read(one.rfilename.partition("/")[2])
            )
        ]
    raise CheckpointError(f"{source}: not on this machine, and the hub cannot be reached ({unreachable[0]})")


def count_tokens(source: str, text: str) -> int | None:
    """A prompt's length in the tokens of a guest's own tokenizer; None where that is not on this machine."""
    index = _index_file(source)
    path = None if index is None else index.parent / "tokenizer" / "tokenizer.json"
    if path is None or not path.is_file():
        return None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    return len(Tokenizer.from_file(str(path)).encode(text).ids)


def fetch(source: str) -> tuple[Path, str | None]:
    """The folder with all files of a guest, fetched where they are missing, and their commit on the hub.

    Raises CheckpointError.
    """
    index = _index_file(source)
    if Path(source).expanduser().exists():
        if index is None:
            raise CheckpointError(f"{source}: wanted {INDEX} in it")
        return index.parent, None
    if index is not None and _is_complete(index.parent, _read_json(index)):
        return index.parent, index.parent.name
    repo, revision = _repository(source)
    assert repo is not None
    names = [name for name, _, _ in _listed(source)]
    with hub.hub_errors(source, repo, revision) as unreachable:
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=names))
        return folder, folder.name
    raise CheckpointError(f"{source}: the hub cannot be reached ({unreachable[0]}); try again, it goes on")


def _settings(folder: Path, part: str) -> dict[str, Any]:
    path = folder / part / "config.json"
    return _read_json(path) if path.is_file() else {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: wanted settings in JSON, could not read them ({error})") from error
    if not isinstance(read, dict):
        raise CheckpointError(f"{path}: wanted a mapping, got {type(read).__name__}")
    return read
