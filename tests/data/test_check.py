"""`check` is green on every twin, and red on each planted fault."""

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from all_twins import MAKERS, make_twin
from omegaconf import OmegaConf
from PIL import Image
from support import compose_config
from twins import edit, make_cub200, save_picture
from twins_ilsvrc import ANNOTATIONS, PICTURES, VAL, WNIDS, parquet_layout, write_xml

from gapcam.build import build
from gapcam.data.check import Finding, check
from gapcam.data_tools.command import main


def checked(overrides: list[str], **kwargs: Any) -> list[Finding]:
    config = OmegaConf.to_container(compose_config(*overrides), resolve=True)
    return list(check(build(config["data"], "data"), **kwargs))


def faults(found: list[Finding]) -> list[tuple[str, str]]:
    return [(f.check, Path(f.where).name) for f in found if f.level == "fault"]


@pytest.mark.parametrize("option", MAKERS)
def test_green_on_every_twin(option: str, tmp_path: Path) -> None:
    assert faults(checked(make_twin(option, tmp_path), deep=True)) == []


def _picture(name: str = "001.Black_footed_Albatross/bird 0.jpg") -> Callable[[Path], Path]:
    return lambda root: root / "images" / name


FIRST = _picture()
TRAINING = _picture("001.Black_footed_Albatross/bird 1.jpg")


def _resized(root: Path) -> None:
    save_picture(FIRST(root), size=(20, 24))


def _truncated(root: Path) -> None:
    FIRST(root).write_bytes(FIRST(root).read_bytes()[:-300])


def _a_copy(root: Path) -> None:
    shutil.copy(TRAINING(root), FIRST(root))


@pytest.mark.parametrize(
    ("spoil", "deep", "expected"),
    [
        (lambda root: None, False, []),
        (
            lambda root: FIRST(root).write_bytes(b"no picture"),
            False,
            [("unreadable", "bird 0.jpg")],
        ),
        (_truncated, False, []),
        (_truncated, True, [("unreadable", "bird 0.jpg")]),
        (_resized, False, [("frame", "bird 0.jpg")]),
        (_a_copy, False, [("in two splits", "bird 0.jpg")]),
        (lambda root: FIRST(root).unlink(), False, [("missing picture", "bird 0.jpg")]),
        (
            lambda root: edit(
                root / "bounding_boxes.txt", lambda text: text.replace("22.0", "0.0")
            ),
            False,
            [("empty box", f"bird {number}.jpg") for number in (1, 3, 1, 3, 0, 2, 0, 2)],
        ),
        (lambda root: (root / "classes.txt").unlink(), False, [("layout", "")]),
        (shutil.rmtree, False, [("layout", "")]),
    ],
)
def test_red_on_planted_faults(
    tmp_path: Path, spoil: Callable[[Path], Any], deep: bool, expected: list[tuple[str, str]]
) -> None:
    root = make_cub200(tmp_path / "cub")
    spoil(root)
    assert faults(checked(["data=cub200", f"data.root={root}"], deep=deep)) == expected


def _rotated_copy(root: Path) -> None:
    """A picture that somebody turned as its EXIF says: the boxes are in the frame before."""
    path = root / PICTURES / "val" / f"{VAL.format(0)}.JPEG"
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path)


def _half_size(root: Path) -> None:
    for path in (root / PICTURES / "val").iterdir():
        Image.open(path).resize((30, 20)).save(path)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_rotated_copy, ("fault", "another shape, so its boxes are elsewhere")),
        (_half_size, ("note", "4 pictures have another size than their annotation")),
    ],
)
def test_pictures_of_another_size_than_annotated(
    ilsvrc_root: Path, spoil: Callable[[Path], None], expected: tuple[str, str]
) -> None:
    write_xml(ilsvrc_root / ANNOTATIONS / "val")
    spoil(ilsvrc_root)
    found = checked(["data=ilsvrc", f"data.root={ilsvrc_root}"])
    frame = next(finding for finding in found if finding.check == "frame")
    assert frame.level == expected[0]
    assert expected[1] in frame.message


def test_odd_forms_are_noted(ilsvrc_root: Path) -> None:
    """ILSVRC has 22 CMYK pictures and one PNG that is named .JPEG."""
    folder = ilsvrc_root / PICTURES / "train" / "n01440764"
    Image.new("CMYK", (30, 20)).save(folder / "n01440764_0.JPEG", format="JPEG")
    Image.new("RGBA", (30, 20)).save(folder / "n01440764_1.JPEG", format="PNG")
    found = checked(["data=ilsvrc", f"data.root={ilsvrc_root}"], deep=True)
    notes = {finding.message for finding in found if finding.check == "form"}
    assert notes == {
        "1 pictures are CMYK; read as RGB",
        "1 pictures are RGBA; read as RGB",
        "1 pictures are PNG named .JPEG; read as RGB",
    }
    assert faults(found) == []


def test_rotations_and_unknown_sizes_are_noted(ilsvrc_root: Path) -> None:
    path = ilsvrc_root / PICTURES / "train" / "n01440764" / "n01440764_0.JPEG"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(path).save(path, exif=exif)
    found = checked(["data=ilsvrc", f"data.root={ilsvrc_root}"])
    notes = [(n.check, n.where, n.message[:40]) for n in found if n.level == "note"]
    assert ("form", "train", "1 pictures are to be shown rotated, says") in notes
    assert ("frame", "val", "the annotations do not state the picture") in notes


def test_a_picture_that_is_too_large_is_red_without_decoding(tmp_path: Path) -> None:
    root = make_cub200(tmp_path / "cub")
    Image.new("L", (10_500, 10_500)).save(FIRST(root), format="PNG")
    found = checked(["data=cub200", f"data.root={root}"])
    assert ("unreadable", "bird 0.jpg") in faults(found)


def test_counts_below_the_published_are_notes_unless_all_is_wanted(tmp_path: Path) -> None:
    command = ["data=cub200", f"data.root={make_cub200(tmp_path / 'cub')}"]
    counts = [finding for finding in checked(command) if finding.check == "counts"]
    assert [(c.level, c.where, c.message) for c in counts] == [
        ("note", "train", "4 here, 5,994 published"),
        ("note", "test", "4 here, 5,794 published"),
        ("note", "classes", "2 here, 200 published"),
    ]
    assert [name for _, name in faults(checked(command, complete=True))] == [
        "train",
        "test",
        "classes",
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures_in_parquet_files_are_decoded(ilsvrc_root: Path, workers: int) -> None:
    home = parquet_layout(ilsvrc_root)
    command = ["data=ilsvrc", f"data.root={home}"]
    assert faults(checked(command, deep=True, workers=workers)) == []
    quick = {(f.level, f.check) for f in checked(command)}
    assert {("note", "unreadable"), ("note", "frame"), ("note", "in two splits")} <= quick
    (home / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        + "".join(f"{VAL.format(n)},{wnid} 0 0 900 2400\n" for n, wnid in enumerate(WNIDS))
    )
    assert faults(checked(command, deep=True)) == [
        ("frame", f"{VAL.format(n)}_{wnid}.JPEG") for n, wnid in enumerate(WNIDS)
    ]


def test_progress_counts_pictures(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    root = make_cub200(tmp_path / "cub")
    checked(["data=cub200", f"data.root={root}"], progress=lambda *step: steps.append(step))
    assert ("train pictures", 4, 4) in steps
    assert ("test pictures", 4, 4) in steps
    assert ("comparing splits", 8, 8) in steps


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["gapcam.data", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_the_command_prints_lists_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_cub200(tmp_path / "[cub]")
    monkeypatch.chdir(tmp_path)
    FIRST(root).write_bytes(b"no picture")
    words = ("check", "data=cub200", f"data.root='{root}'", "list=faults.csv")
    assert command(monkeypatch, *words) == 1
    printed = capsys.readouterr().out
    assert "1 fault, listed in faults.csv" in printed
    with (tmp_path / "faults.csv").open(newline="") as file:
        ((check_, where, message),) = list(csv.reader(file))[1:]
    assert (check_, where) == ("unreadable", str(FIRST(root)))
    assert message.endswith("no picture that Pillow knows")
    save_picture(FIRST(root), 1)
    monkeypatch.setattr(sys, "argv", ["gapcam.data", *words])
    main()
    assert not (tmp_path / "faults.csv").exists()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 0, "check   data=...   is the data set whole and right?"),
        (("chek",), 2, "There is no command 'chek'. The commands are:"),
        (("check", "data=cub20"), 1, "There is no data=cub20. Did you mean cub200?"),
        (("check", "data=cub200", "data.rot=x"), 1, "Did you mean data.root?"),
        (("check", "data=cub200", "dep=true"), 1, "There is no setting dep."),
        (("check", "data=cub200"), 1, "data.root must be set: add data.root=... to the command"),
        (("shards", "data=cub200", "data.root=x"), 1, "out must be set"),
        (("get", "data=ilsvrc"), 1, "data=ilsvrc cannot be downloaded by a command"),
    ],
)
def test_mistakes_in_commands(
    words: tuple[str, ...],
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, *words) == status
    assert message in "".join(capsys.readouterr())
