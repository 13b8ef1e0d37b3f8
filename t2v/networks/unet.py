"""UNet3D: latents, timesteps and text in, noise (or v) out, under ModelScope's own parameter names."""

from __future__ import annotations

from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor, nn

from t2v.configs import UNetConfig
from t2v.networks.conditioning import DEFAULT, Conditioning, LayerOptions, Once, compute_always
from t2v.networks.deep_cache import DeepFeatures
from t2v.networks.kernels import Linear, token_layout
from t2v.networks.layers import (
    Conv2d,
    Downsample,
    ResBlock,
    Skip,
    SpatialTransformer,
    Stage,
    TemporalTransformer,
    Upsample,
    group_norm,
    guidance_embedding,
    timestep_embedding,
    zero_init,
)
from t2v.networks.outer import OuterLevel, average_2x2, enlarge_2x2


class TimeEmbed(nn.Sequential):
    """Two linear layers; a network with guidance distilled into it first adds an embedding of the scale."""

    def __init__(self, width: int, time_dim: int, guidance_dim: int | None) -> None:
        super().__init__(Linear(width, time_dim), nn.SiLU(), Linear(time_dim, time_dim))
        self.guidance_dim = guidance_dim
        if guidance_dim is not None:
            self.cond_proj = Linear(guidance_dim, width, bias=False)

    def forward(self, x: Tensor, guidance: Tensor | None = None) -> Tensor:
        if self.guidance_dim is not None and guidance is not None:
            x = x + self.cond_proj(guidance_embedding(guidance, self.guidance_dim).to(x.dtype))
        return self[2](self[1](self[0](x)))


class UNet3D(nn.Module):
    """The denoising network of ModelScope's text-to-video model (`UNetSD`).

    With `outer_levels` around it, its own layers run at half the side for each of them.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        width, time_dim = config.width, config.width * 4
        channels = [width * m for m in config.channel_multipliers]
        levels = len(channels)

        self.time_embed = TimeEmbed(width, time_dim, config.guidance_embed_dim)

        self.input_blocks = nn.ModuleList()
        self.input_blocks.append(
            Stage([Conv2d(config.in_channels, width, 3, padding=1), self._temporal(width, config.num_heads)])
        )
        skips, c = [width], width
        for level, c_out in enumerate(channels):
            for _ in range(config.num_res_blocks):
                self.input_blocks.append(Stage(self._block(c, c_out, level)))
                c = c_out
                skips.append(c)
            if level < levels - 1:
                self.input_blocks.append(Downsample(c))
                skips.append(c)

        self.middle_block = Stage([*self._block(c, c, 0), self._res_block(c, c)])

        self.output_blocks = nn.ModuleList()
        for level in reversed(range(levels)):
            for i in range(config.num_res_blocks + 1):
                stage = self._block(c + skips.pop(), channels[level], level)
                c = channels[level]
                if level > 0 and i == config.num_res_blocks:
                    stage.append(Upsample(c))
                self.output_blocks.append(Stage(stage))

        self.out = nn.Sequential(
            group_norm(c, config.norm_groups, 1e-5),
            nn.SiLU(),
            zero_init(nn.Conv2d(c, config.out_channels, 3, padding=1)),
        )
        ends = config.in_channels, config.out_channels
        around = zip(config.outer_widths, (c, *config.outer_widths), strict=False)
        self.outer_levels = nn.ModuleList(
            OuterLevel(ends, wide, inner, time_dim, config.norm_groups, temporal=config.temporal)
            for wide, inner in around
        )

    def _block(self, c_in: int, c_out: int, level: int) -> list[nn.Module]:
        res = self._res_block(c_in, c_out)
        return [res, *self._attention(c_out)] if level < self.config.attention_levels else [res]

    def _res_block(self, c_in: int, c_out: int) -> ResBlock:
        config = self.config
        return ResBlock(
            c_in, c_out, config.width * 4, config.dropout, config.norm_groups, temporal=config.temporal
        )

    def _temporal(self, channels: int, heads: int) -> nn.Module:
        config = self.config
        if not config.temporal:
            return Skip()
        return TemporalTransformer(channels, heads, config.head_dim, config.norm_groups)

    def _attention(self, channels: int) -> list[nn.Module]:
        config, head_dim = self.config, self.config.head_dim
        spatial = SpatialTransformer(channels, head_dim, config.context_dim, config.norm_groups)
        return [spatial, self._temporal(channels, channels // head_dim)]

    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        text: Tensor,
        guidance: Tensor | None = None,
        *,
        once: Once = compute_always,
        deep: DeepFeatures | None = None,
        options: LayerOptions = DEFAULT,
    ) -> Tensor:
        """The prediction, noise or v, in the shape of the latents.

        latents (b, c, f, h, w); timesteps (b,); text (b, l, d), or (b, f, l, d) with one text a frame;
        guidance (b,): the scale, for networks that are distilled with it (`guidance_embed_dim`).
        `once`: a Memo, where texts or timesteps come again. `deep`: features of an earlier pass in place of
        all but the outermost stages or outer level; if it has none yet, this pass's are stored in it.
        `options`: how the layers run.
        """
        num_frames = latents.shape[2]
        cond = Conditioning(
            time_emb=once(self._time, timesteps) if guidance is None else self._time(timesteps, guidance),
            text=once(self._texts, text),
            num_frames=num_frames,
            once=once,
            options=options,
        )
        x = token_layout(rearrange(latents.to(self.dtype), "b c f h w -> (b f) c h w"))
        levels = len(self.outer_levels) if options.outer_levels is None else options.outer_levels
        _, out = self._levels(x, None, cond, levels, deep)
        return rearrange(out, "(b f) c h w -> b c f h w", f=num_frames)

    def _levels(
        self, x: Tensor, added: Tensor | None, cond: Conditioning, around: int, deep: DeepFeatures | None
    ) -> tuple[Tensor, Tensor]:
        """The last features and the prediction for latents x (b f) c h w, inside the first `around` levels.

        `added`: what the level outside adds to the first features.
        """
        kept = deep.kept if deep is not None else None
        if not around:
            first = self.input_blocks[0](x, cond)
            if added is not None:
                first = first + added
            (below,) = kept or (self._below(first, cond),)
            if deep is not None:
                deep.kept = (below,)
            features = self.output_blocks[-1](torch.cat([below, first], dim=1), cond)
            return features, self.out(features)
        level = self.outer_levels[around - 1]
        assert isinstance(level, OuterLevel)
        skips, inside = level.enter(x, added, cond)
        features, coarse = kept or self._levels(average_2x2(x), inside, cond, around - 1, None)
        if deep is not None:
            deep.kept = (features, coarse)
        features = level.leave(features, skips, cond)
        return features, level.out(features) + enlarge_2x2(coarse, (x.shape[-2], x.shape[-1]))

    def _below(self, x: Tensor, cond: Conditioning) -> Tensor:
        """All stages but the first and the last."""
        skips = [x]
        for stage in list(self.input_blocks)[1:]:
            x = stage(x, cond)
            skips.append(x)
        x = self.middle_block(x, cond)
        for stage in list(self.output_blocks)[:-1]:
            x = torch.cat([x, skips.pop()], dim=1)
            x = stage(x, replace(cond, size=(skips[-1].shape[-2], skips[-1].shape[-1])))
        return x

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that it computes in."""
        return next(self.out.parameters()).dtype

    def _time(self, timesteps: Tensor, guidance: Tensor | None = None) -> Tensor:
        sinusoids = timestep_embedding(timesteps, self.config.width)
        return self.time_embed(sinusoids.to(self.dtype), guidance)

    def _texts(self, text: Tensor) -> Tensor:
        text = text.to(self.dtype)
        return rearrange(text, "b f l d -> (b f) l d") if text.ndim == 4 else text
