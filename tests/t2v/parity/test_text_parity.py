"""The text tower against transformers' CLIPTextModel: random weights, the same embeddings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from t2v.configs import MODELSCOPE, TextEncoderConfig
from t2v.networks.text_encoder import TextEncoder

CONFIG = TextEncoderConfig(width=64, heads=4, layers=3, context_length=20, vocabulary_size=100)


def reference(config: TextEncoderConfig) -> Any:
    """transformers' tower with as many layers as are run: its last state, normed, is the penultimate one."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=config.vocabulary_size,
            hidden_size=config.width,
            intermediate_size=config.width * 4,
            num_hidden_layers=config.layers - config.skipped_layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.context_length,
            hidden_act="gelu",
            layer_norm_eps=1e-5,
        )
    )


def as_open_clip(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A transformers state dict under OpenCLIP's names, where queries, keys and values are one matrix."""
    state = {k.removeprefix("text_model."): v for k, v in state.items()}
    out = {
        "token_embedding.weight": state.pop("embeddings.token_embedding.weight"),
        "positional_embedding": state.pop("embeddings.position_embedding.weight"),
        "ln_final.weight": state.pop("final_layer_norm.weight"),
        "ln_final.bias": state.pop("final_layer_norm.bias"),
    }
    state.pop("embeddings.position_ids", None)
    layers = 1 + max(int(k.split(".")[2]) for k in state)
    for i in range(layers):
        theirs, ours = f"encoder.layers.{i}.", f"transformer.resblocks.{i}."
        for kind in ("weight", "bias"):
            parts = [state.pop(f"{theirs}self_attn.{p}_proj.{kind}") for p in "qkv"]
            out[f"{ours}attn.in_proj_{kind}"] = torch.cat(parts)
            for a, b in (
                ("self_attn.out_proj", "attn.out_proj"),
                ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ):
                out[f"{ours}{b}.{kind}"] = state.pop(f"{theirs}{a}.{kind}")
    assert not state, f"left over: {list(state)}"
    return out


def pair_of(config: TextEncoderConfig, randomise: Any) -> tuple[Any, TextEncoder]:
    theirs = reference(config).eval()
    randomise(theirs, 6)
    ours = TextEncoder(config).eval()
    left = ours.tower.load_state_dict(as_open_clip(theirs.state_dict()), strict=False)
    assert not left.unexpected_keys
    unread = {f"transformer.resblocks.{config.layers - 1 - i}" for i in range(config.skipped_layers)}
    assert all(
        k == "text_projection" or k.rsplit(".", 2)[0].startswith(tuple(unread)) for k in left.missing_keys
    )
    return theirs, ours


@pytest.mark.parametrize("skipped", [0, 1])
@torch.inference_mode()
def test_the_tower_answers_as_transformers_does_at_the_layer_that_is_read(
    skipped: int, randomise: Any
) -> None:
    config = TextEncoderConfig(**{**vars(CONFIG), "skipped_layers": skipped})
    theirs, ours = pair_of(config, randomise)
    tokens = torch.randint(0, 100, (3, 20), generator=torch.Generator().manual_seed(1))
    tokens[:, 12:] = 0  # the padding is attended to
    wanted = theirs(tokens).last_hidden_state
    got = ours.encode(tokens)
    assert got.shape == (3, 20, 64)
    assert (got - wanted).abs().max() < 1e-4 * wanted.std()


@torch.inference_mode()
def test_a_later_token_changes_nothing_before_it(randomise: Any) -> None:
    _, ours = pair_of(CONFIG, randomise)
    tokens = torch.randint(1, 100, (1, 20), generator=torch.Generator().manual_seed(2))
    changed = tokens.clone()
    changed[0, 10] = 0
    before, after = ours.encode(tokens), ours.encode(changed)
    torch.testing.assert_close(after[:, :10], before[:, :10], rtol=0, atol=1e-5)
    assert (after[:, 10:] - before[:, 10:]).abs().max() > 0.01


def test_the_published_tower_has_the_published_parameters() -> None:
    with torch.device("meta"):
        tower = TextEncoder(MODELSCOPE.text_encoder).tower
    sizes = {k: p.numel() for k, p in tower.named_parameters()}
    assert sum(sizes.values()) == 354_032_640
    assert sum(sizes.values()) - sizes["text_projection"] == 352_984_064
    assert len([k for k in sizes if k.startswith("transformer.resblocks.")]) == 24 * 12
