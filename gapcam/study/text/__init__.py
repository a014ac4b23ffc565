"""The study `text`."""

from gapcam.study.text.study import Text

__all__ = ["Text"]
