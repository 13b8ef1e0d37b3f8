"""Operators in the form that is fastest on the device; their results differ by rounding only.

With gradients, and on a GPU, they are PyTorch's own. The other forms are for filming on a CPU. Gains are
processor time of the operator alone on one core with AVX-512, PyTorch 2.14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_meta: ContextVar[str] = ContextVar("the device that meta stands for", default="meta")
_ROWS = 4096  # of a feed-forward at once: its hidden tensor stays below glibc's mmap threshold
_FEW_POSITIONS = 1024  # from here on PyTorch's group norm has a fast kernel for channels-last


def films_on_cpu(x: Tensor) -> bool:
    """Whether to use the forms for a CPU without gradients."""
    kind = _meta.get() if x.is_meta else x.device.type
    return kind == "cpu" and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")


@contextmanager
def simulate_device(device: str) -> Iterator[None]:
    """Inside, meta tensors take the forms of `device`, to measure the memory that they need there."""
    token = _meta.set(device)
    try:
        yield
    finally:
        _meta.reset(token)


@cache
def _onednn_dtypes() -> tuple[torch.dtype, ...]:
    """The dtypes that oneDNN multiplies on this machine; none where PyTorch has no such operator.

    The operators have private names, which another release of PyTorch may lack: then `F.linear` is used.
    """
    try:
        has_onednn: Callable[[], bool] = torch.backends.mkldnn.is_available
        if not has_onednn() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
            return ()
        has_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # older processors only emulate it
    except (AttributeError, RuntimeError):
        return ()
    return (torch.float32, torch.bfloat16) if has_bf16 else (torch.float32,)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.linear`; on a CPU always by oneDNN, which PyTorch itself uses in bf16 only.

    MKL leaves AVX-512 unused on processors that are not Intel's: fp32 is 1.1 to 1.25 × as fast.
    """
    if not x.is_meta and films_on_cpu(x) and x.dtype == weight.dtype and x.dtype in _onednn_dtypes():
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return F.linear(x, weight, bias)


class Linear(nn.Linear):
    """A linear layer by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention of (b, heads, n, d).

    In bf16 on a CPU two matrix products for each sample take 0.65 × the time of PyTorch's fused kernel, which
    computes in fp32; in fp32 the fused kernel is faster.
    """
    if q.is_meta:
        return torch.empty_like(q)  # the fused kernel needs no more than its output
    if not (films_on_cpu(q) and q.dtype == torch.bfloat16):
        return F.scaled_dot_product_attention(q, k, v)
    q = q * q.shape[-1] ** -0.5
    if q.shape[-2] * k.shape[-2] < 4096:
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v
    out = torch.empty_like(q)
    for sample, (one, keys, values) in enumerate(zip(q, k, v, strict=True)):
        for head in range(len(one)):
            torch.matmul((one[head] @ keys[head].T).softmax(-1), values[head], out=out[sample, head])
    return out


def gated_feed_forward(x: Tensor, proj: nn.Linear, out: nn.Linear, rows: int | None = None) -> Tensor:
    """`out(a * gelu(b))` where (a, b) are the halves of `proj(x)`; `rows` tokens at a time.

    On a CPU the two halves are two products, so that neither is read with a stride: 1.1 to 1.4 × as fast.
    """
    if not films_on_cpu(x) and rows is None:
        value, gate = proj(x).chunk(2, dim=-1)
        return out(value * F.gelu(gate))
    tokens = x.reshape(-1, x.shape[-1])
    parts: list[Tensor] = []
    for part in torch.split(tokens, rows or _ROWS):
        if x.is_meta and parts:  # without numbers every part takes as much memory as the first
            parts.append(x.new_empty(len(tokens) - len(parts[0]), out.out_features))
            break
        (w_value, w_gate), (b_value, b_gate) = proj.weight.chunk(2), proj.bias.chunk(2)
        value, gate = linear(part, w_value, b_value), linear(part, w_gate, b_gate)
        parts.append(linear(value.mul_(F.gelu(gate)), out.weight, out.bias))
    return (parts[0] if len(parts) == 1 else torch.cat(parts)).view(x.shape)


def token_layout(x: Tensor) -> Tensor:
    """(n, c, h, w) in the memory layout whose positions are tokens without a copy, where that is faster."""
    return x.contiguous(memory_format=torch.channels_last) if films_on_cpu(x) else x


def image_layout(x: Tensor) -> Tensor:
    """(n, c, h, w) in the memory layout that is fastest for norms and convolutions of single frames.

    PyTorch's group norm of small channels-last images takes 4 × (bf16: 10 ×) the time, and oneDNN's 3x3
    convolution of 1280 channels 1.8 ×.
    """
    return x.contiguous() if films_on_cpu(x) and x.shape[-2] * x.shape[-1] < _FEW_POSITIONS else x


def conv3x3(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """A 3x3 convolution with padding 1.

    A few positions with many channels are one matrix product on a CPU: 2.2 × as fast in fp32.
    """
    n, c, h, w = x.shape
    if not (films_on_cpu(x) and h * w <= 4 and c >= 512):
        return F.conv2d(x, conv.weight, conv.bias, padding=1)
    patches = F.unfold(x, 3, padding=1).transpose(1, 2).reshape(n * h * w, -1)
    out = linear(patches, conv.weight.flatten(1), conv.bias)
    return out.view(n, h * w, -1).transpose(1, 2).reshape(n, -1, h, w)


def conv_over_frames(x: Tensor, conv: nn.Conv3d) -> Tensor:
    """A (3, 1, 1) convolution of (b, c, f, h w), as that of images f pixels high: 1.1 to 1.9 × as fast."""
    return F.conv2d(x, conv.weight.squeeze(-1), conv.bias, padding=(1, 0))


def upsample_conv(x: Tensor, conv: nn.Conv2d, size: tuple[int, int]) -> Tensor:
    """Nearest neighbour to `size`, then a 3x3 convolution with padding 1.

    After a doubling, the nine taps of every output see only two by two inputs, so four 2x2 kernels of summed
    weights, one for each corner, give the same with 4/9 of the multiplications: 1.4 to 2.2 × as fast on a
    CPU, for so many positions that the cost of summing the weights does not matter.
    """
    n, _, h, w = x.shape
    if not (films_on_cpu(x) and size == (2 * h, 2 * w) and n * h * w >= 1024):
        return F.conv2d(F.interpolate(x, size=size, mode="nearest"), conv.weight, conv.bias, padding=1)
    padded = F.pad(x, (1, 1, 1, 1))
    out = x.new_empty(n, conv.out_channels, h, 2, w, 2)
    for i, rows in enumerate(_pairs(conv.weight, 2)):
        for j, kernel in enumerate(_pairs(rows, 3)):
            corner = padded[:, :, i : i + h + 1, j : j + w + 1]
            out[:, :, :, i, :, j] = F.conv2d(corner, kernel, conv.bias)
    return out.view(n, -1, *size)


def _pairs(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Three taps along an axis as two, for the even and for the odd positions of a doubled image."""
    first, middle, last = weight.unbind(dim)
    return torch.stack([first, middle + last], dim), torch.stack([first + middle, last], dim)
