"""The study `cub`."""

from gapcam.study.cub.study import Cub

__all__ = ["Cub"]
