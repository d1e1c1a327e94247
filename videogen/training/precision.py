"""What training multiplies in: bf16 where the hardware has it, fp32 where it would be emulated."""

import logging

import torch

from videogen.errors import UserError

KNOWN = ("auto", "no", "bf16", "fp16")

log = logging.getLogger(__name__)


def precision(asked: str, device: torch.device) -> str:
    """Accelerate's `mixed_precision` for a setting. `auto` is bf16 where that is fast, else "no", which is fp32.

    A processor without bf16 instructions computes the same numbers several times slower than in fp32: whoever asks for it
    there is told. Raises UserError for a setting that is none of `KNOWN`.
    """
    if asked not in KNOWN:
        raise UserError(f"training.settings.precision is {asked!r}: choose one of {', '.join(KNOWN)} (no: fp32)")
    native = has_bf16(device)
    if asked == "auto":
        return "bf16" if native else "no"
    if asked == "bf16" and not native:
        log.warning(
            "precision bf16 is emulated on this %s and slow: training.settings.precision=auto is faster", device.type
        )
    return asked


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 natively; where nothing says so (ARM, Apple), it is taken not to."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not have it
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16"))
