"""The study `features`."""

from gapcam.study.features.study import Features

__all__ = ["Features"]
