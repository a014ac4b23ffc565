"""What `gapcam.explain` does once its configuration is settled."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from gapcam.arch.network import Network
from gapcam.atomic import atomic_path
from gapcam.build import versions
from gapcam.data.transforms import Views
from gapcam.errors import UserError
from gapcam.explain_tools.picture_files import Found, PictureFile
from gapcam.explain_tools.reading import Opened, Unreadable, read, stamp
from gapcam.explain_tools.record import Entry, Record
from gapcam.explain_tools.results import print_results, write_results
from gapcam.explain_tools.settings import listed
from gapcam.explaining.explain import chooser, settled, views_for
from gapcam.explaining.explanation import Explanation
from gapcam.explaining.seeing import see
from gapcam.explaining.sheet import draw_sheet
from gapcam.network_source import network_of
from gapcam.progress_bar import progress_bar
from gapcam.protocol import Protocol

READERS = 2
"""Threads that decode ahead; each may hold a photograph of 48 million pixels."""

OF_RESULTS = ("classes", "top", "upright", "maps", "colours", "opacity", "side")
"""Settings that change what is written."""

Read = tuple[PictureFile, "Future[Opened | Unreadable]"]


def explain_files(
    config: dict[str, Any], found: Found, folder: Path, command: str, console: Console
) -> None:
    """Explain picture files, and write sheets, tables and a gallery into a folder.

    Pictures that were done before, by the same settings, are left as they are.

    Args:
        config: plain configuration of `gapcam.explain`.
        found: the files.
        folder: of the results.
        command: the command line, for the record.
        console: where progress is shown.

    Raises:
        UserError: on bad input, before any picture is looked at.
    """
    network, source = network_of(config)
    network.to(_device(config["device"]))
    protocol = settled(network.test_evaluation.main, config["threshold"])
    views = views_for(protocol, network, config["resize"], config["shape"] == "keep")
    choose = chooser(network, listed(config["classes"]), config["top"])
    settings = _settings(config, network, source, protocol, views)
    record = Record(folder, settings, config["overwrite"])
    wanted = [one for one in found.pictures if not _is_done(one, record, folder)]
    record.begin()
    done = len(found.pictures) - len(wanted)
    console.print(
        f"{source}\n{len(found.pictures):,} pictures"
        + (f", {done:,} of them done before" if done else "")
        + f"; {views.describe()}; protocol {protocol.title}: {protocol.rule}",
        highlight=False,
        soft_wrap=True,
    )
    reader = partial(_read, views, config)
    with progress_bar("explaining", len(wanted), console) as advance:
        for part in _read_ahead(wanted, config["batch_size"], reader):
            for entry in _explain_part(part, network, protocol, choose, config, folder):
                record.add(entry)
            advance(len(part))
    info = {
        "description": f"gapcam.explain, {source}",
        "maps": network.cam.title,
        "protocol": protocol.as_dict(),
        "command": command,
        "versions": versions(),
    }
    entries = [record.entries[file.name] for file in found.pictures]
    write_results(folder, entries, network.class_names, info)
    print_results(folder, entries, found.left_alone.total(), console)


def _read(views: Views, config: dict[str, Any], file: PictureFile) -> Opened | Unreadable:
    return read(file.path, views, config["side"], config["upright"])


def _read_ahead(
    files: Sequence[PictureFile], size: int, reader: Any
) -> Iterator[list[tuple[PictureFile, Opened | Unreadable]]]:
    """Batches of pictures; the next one is read while the last one is looked at."""
    parts = [files[start : start + size] for start in range(0, len(files), size)]
    pool = ThreadPoolExecutor(READERS)
    try:
        ahead = [pool.submit(reader, file) for file in parts[0]] if parts else []
        for number, part in enumerate(parts):
            now = ahead
            following = parts[number + 1] if number + 1 < len(parts) else []
            ahead = [pool.submit(reader, file) for file in following]
            yield [(file, task.result()) for file, task in zip(part, now, strict=True)]
    finally:
        pool.shutdown(cancel_futures=True)


def _explain_part(
    part: Sequence[tuple[PictureFile, Opened | Unreadable]],
    network: Network,
    protocol: Protocol,
    choose: Any,
    config: dict[str, Any],
    folder: Path,
) -> Iterator[Entry]:
    for file, one in part:
        if isinstance(one, Unreadable):
            yield {"name": file.name, "stamp": stamp(file.path), "reason": one.reason}
    good = [(file, one) for file, one in part if isinstance(one, Opened)]
    if not good:
        return
    opened = [one for _, one in good]
    seen = see(network, [o.crops for o in opened], [o.size for o in opened], protocol, choose)
    whole = Explanation(
        pictures=[one.small for one in opened],
        names=[file.name for file, _ in good],
        **seen._asdict(),
        class_names=network.class_names,
        protocol=protocol,
        view=network.size,
    )
    for row, (file, one) in enumerate(good):
        yield _write_picture(whole[row], file, one, config, folder)


def _write_picture(
    one: Explanation, file: PictureFile, opened: Opened, config: dict[str, Any], folder: Path
) -> Entry:
    sheet = Path("pictures") / f"{_inside(file.name)}.png"
    drawn = draw_sheet(one, file.name, config["side"], config["opacity"], config["colours"])
    with atomic_path(folder / sheet) as temporary:
        drawn.sheet.save(temporary, format="PNG")
    maps = Path("maps") / f"{_inside(file.name)}.npy"
    if config["maps"]:
        with atomic_path(folder / maps) as temporary, temporary.open("wb") as stream:
            np.save(stream, one.maps[0].numpy())
    return {
        "name": file.name,
        "stamp": stamp(file.path),
        "size": list(opened.size),
        "turned": opened.orientation,
        "remarks": opened.remarks,
        "sheet": str(sheet),
        "best": list(drawn.best),
        "maps": str(maps) if config["maps"] else None,
        "found": [
            {
                "class": int(one.classes[0, rank]),
                "name": one.class_name(0, rank),
                "score": round(float(one.scores[0, rank]), 6),
                "boxes": [[round(c, 3) for c in box] for box in one.boxes[0, rank].tolist()],
            }
            for rank in range(one.classes.shape[1])
        ],
    }


def _inside(name: str) -> str:
    """A picture's name as a path below the results' folder."""
    return "/".join(part for part in Path(name).parts if part not in ("..", "/", "."))


def _is_done(file: PictureFile, record: Record, folder: Path) -> bool:
    entry = record.entries.get(file.name)
    if entry is None or "reason" in entry:  # it may have been mended
        return False
    same = entry["stamp"] == stamp(file.path)
    return same and all((folder / entry[k]).is_file() for k in ("sheet", "maps") if entry[k])


def _settings(
    config: dict[str, Any], network: Network, source: str, protocol: Protocol, views: Views
) -> dict[str, Any]:
    """All that results depend on."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    names = "\n".join(network.class_names)
    return {
        "network": source,
        "weights": digest.hexdigest()[:16],
        "class_names": hashlib.sha256(names.encode()).hexdigest()[:16],
        "cam": network.cam.word,
        "protocol": protocol.as_dict(),
        "seen_as": views.describe(),
        **{key: config[key] for key in OF_RESULTS},
    }


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device={name} cannot be used here ({reason}): give device=cpu") from error
    return device
