"""The study `concepts`."""

from gapcam.study.concepts.study import Concepts

__all__ = ["Concepts"]
