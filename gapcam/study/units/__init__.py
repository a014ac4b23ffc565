"""The study `units`."""

from gapcam.study.units.study import Units

__all__ = ["Units"]
