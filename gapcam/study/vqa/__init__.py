"""The study `vqa`."""

from gapcam.study.vqa.study import Vqa

__all__ = ["Vqa"]
