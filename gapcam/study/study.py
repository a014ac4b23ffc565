"""What every study is: something that is done with a trained network and a data set."""

from abc import ABC, abstractmethod

from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome


class Study(ABC):
    """A study of the paper.

    Subclasses take the settings of `conf/study/<module>.yaml` by name and say what they are by
    `title`. In a run of several processes each of them calls `check` and `run`: everything in them
    is a function of the configuration and the data, and only `bench.is_main` writes files.
    """

    title: str
    """For people, such as "Deep features"."""

    @abstractmethod
    def check(self, bench: Bench) -> None:
        """Refuse what cannot work, before any picture is looked at.

        Raises:
            UserError: says what was expected, what came, and what to do.
        """

    @abstractmethod
    def run(self, bench: Bench) -> Outcome:
        """Do the study. Started again, it goes on from what `bench.steps` and features have kept.

        Raises:
            UserError: if the data turn out not to allow it.
        """
