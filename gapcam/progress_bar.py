"""A bar for long work outside Lightning's loops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(title: str, count: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Show a bar; yield a function that is told how many more are done."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=count)
        yield lambda more: progress.advance(task, more)
