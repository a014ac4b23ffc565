"""`python -m gapcam.data get`: download, compare checksums, unpack, say what `data.root` is."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gapcam.data.archive import unpack
from gapcam.data.download import download
from gapcam.data.sources import BY_HAND, SOURCES, Source
from gapcam.errors import UserError


def run(option: str, plain: dict[str, Any], console: Console) -> int:
    """Get a data set; returns 0."""
    if option not in SOURCES:
        raise UserError(
            f"data={option} cannot be downloaded by a command. "
            f"{BY_HAND.get(option, 'It is not known where it lies')}. The page of the data set, "
            f"docs/data/{option}.md, shows the folders."
        )
    folder = Path(plain["to"]).expanduser()
    for source in SOURCES[option]:
        get_source(source, folder, plain["keep_archives"], console)
    root = folder / SOURCES[option][0].root
    console.print(f"Now: python -m gapcam.data check data={option} data.root={root}")
    return 0


def get_source(source: Source, folder: Path, keep_archives: bool, console: Console) -> None:
    """Download and unpack one archive; what is done already is not done again.

    Args:
        source: the archive.
        folder: for all data sets.
        keep_archives: leave the archive there after unpacking.
        console: for progress.

    Raises:
        UserError: if something cannot be fetched or is not what it should be.
    """
    home = folder / source.into
    done = home / f".{source.url.rpartition('/')[2]}.unpacked"
    if done.is_file():
        console.print(f"{home} has it already; delete {done} to get it again.", highlight=False)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %")
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        name = source.url.rpartition("/")[2]
        task = progress.add_task(f"download {name}", total=source.size or None)

        def step(count: int, total: int) -> None:
            progress.update(task, completed=count, total=total or None)

        archive = download(source, folder, step)
        progress.reset(task, description=f"unpack {name}")
        unpack(archive, home, step)
        for inner in source.inner:
            progress.reset(task, description=f"unpack {inner}")
            unpack(home / inner, (home / inner).parent, step)
    done.touch()
    if not keep_archives:
        archive.unlink()
        for inner in source.inner:
            (home / inner).unlink()
