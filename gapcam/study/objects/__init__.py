"""The study `objects`."""

from gapcam.study.objects.study import Objects

__all__ = ["Objects"]
