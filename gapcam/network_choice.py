"""Which network a command is about. No torch is needed to answer."""

from collections.abc import Sequence

from omegaconf import DictConfig

from gapcam.errors import UserError


def require_one_network(config: DictConfig, words: Sequence[str]) -> None:
    """Refuse a command that names no trained network, or two.

    Args:
        config: has `ckpt` and `arch`.
        words: of the command line.

    Raises:
        UserError: saying how to name one.
    """
    of_arch = [word for word in words if word.lstrip("+~").startswith("arch")]
    if config.ckpt is not None and of_arch:
        raise UserError(
            f"{config.ckpt} says what network it is; leave out {' '.join(of_arch)}, or give "
            "arch.weights=... instead of ckpt=..."
        )
    if config.ckpt is None and config.arch.get("weights") is None:
        raise UserError(
            "Which network? Give ckpt=<a run's checkpoints/last.ckpt>, or one with weights: "
            "arch=torchvision_gap arch.name=resnet50 arch.weights=imagenet"
        )
