"""Which files are meant, and what is odd about them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gapcam.errors import UserError
from gapcam.explain_tools.picture_files import RECORD, find_pictures, split_sources
from gapcam.explain_tools.settings import listed
from gapcam.explaining.oddities import oddities
from gapcam.shell_words import quoted, unquoted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = (
        "b.jpg",
        "a.PNG",
        "notes.txt",
        "sea/a.PNG",
        "sea/deep/c.webp",
        ".hidden.jpg",
        "d,e.jpg",
    )
    for name in (*names, "before/x.png", f"before/{RECORD}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "names", "left_alone"),
    [
        ([""], ["a.PNG", "b.jpg", "d,e.jpg", "sea/a.PNG", "sea/deep/c.webp"], {".txt": 1}),
        (["sea"], ["a.PNG", "deep/c.webp"], {}),
        (["b.jpg", "sea", "b.jpg"], ["b.jpg", "sea/a.PNG", "sea/deep/c.webp"], {}),
        (["notes.txt"], ["notes.txt"], {}),
        (["*.jpg"], ["b.jpg", "d,e.jpg"], {}),
        (["*"], ["a.PNG", "b.jpg", "d,e.jpg", "sea/a.PNG", "sea/deep/c.webp"], {".txt": 1}),
        (["**/a.PNG"], ["a.PNG", "sea/a.PNG"], {}),
    ],
)
def test_finds(
    folder: Path, sources: list[str], names: list[str], left_alone: dict[str, int]
) -> None:
    found = find_pictures([str(folder / source) for source in sources])
    assert [one.name for one in found.pictures] == names
    assert dict(found.left_alone) == left_alone
    assert all(one.path.is_file() for one in found.pictures)


def test_links_in_a_circle(folder: Path) -> None:
    (folder / "sea" / "round").symlink_to(folder)
    found = find_pictures([str(folder)])
    names = [one.name for one in found.pictures]
    assert names == ["a.PNG", "b.jpg", "d,e.jpg", "sea/a.PNG", "sea/deep/c.webp"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", r"No picture found. Looked in .*empty \(a folder\)"),
        ("nowhere", "there is no file or folder"),
        ("*.jpg", r"nothing matches .*\*.jpg"),
    ],
)
def test_says_where_it_looked(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=message):
        find_pictures([str(tmp_path / "empty" / source)])


def test_names_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"There are other files: 1 \.txt\. A file that is named"):
        find_pictures([str(tmp_path)])


def test_commas_part_unless_they_are_in_a_name(folder: Path) -> None:
    assert split_sources("a.jpg, holidays/") == ["a.jpg", "holidays/"]
    assert split_sources(str(folder / "d,e.jpg")) == [str(folder / "d,e.jpg")]
    assert split_sources(["a,b"]) == ["a,b"]
    assert listed(None) is None
    assert listed("goldfish, king penguin,") == ["goldfish", "king penguin"]
    assert listed(["a,b", 3]) == ["a,b", 3]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("images=", "images=''"),
        ("top=1,2", "top=1,2"),
        ("images=a.jpg,b c.jpg", "images='a.jpg,b c.jpg'"),
        ("images=~/x", "images='~/x'"),
        ("images=[a,b]", "images=[a,b]"),
        ("images='a'", "images='a'"),
        ("images=null", "images=null"),
        ("images=it's", r"images='it\'s'"),
        ("images=a[1].jpg", "images='a[1].jpg'"),
        ("images=${x}", r"images='\${x}'"),
    ],
)
def test_text_is_quoted_for_hydra(word: str, expected: str) -> None:
    assert quoted([word], ["images"]) == [expected]
    if "'" not in word and expected != word:
        assert unquoted([expected]) == [word]


def test_text_given_twice() -> None:
    with pytest.raises(UserError, match=r"images=... is given twice"):
        quoted(["images=a", "images=b"], ["images"])


def said_of(path: Path) -> list[str]:
    with Image.open(path) as opened:
        return oddities(opened, path.suffix)


def test_oddities(tmp_path: Path) -> None:
    plain = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    plain.save(tmp_path / "a.png")
    assert said_of(tmp_path / "a.png") == []
    plain.convert("CMYK").save(tmp_path / "a.jpg")
    assert said_of(tmp_path / "a.jpg") == ["CMYK colours, turned into RGB"]
    plain.save(tmp_path / "b.jpg", format="PNG")
    assert said_of(tmp_path / "b.jpg") == ["PNG, though it is called .jpg"]
    plain.convert("RGBA").save(tmp_path / "c.png")
    assert said_of(tmp_path / "c.png") == ["transparent, seen as what lies below"]
    Image.fromarray(np.full((4, 4), 999, np.uint16)).save(tmp_path / "d.png")
    assert said_of(tmp_path / "d.png")[0].startswith("16 bits a pixel")
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "e.gif", save_all=True, append_images=frames[1:])
    assert said_of(tmp_path / "e.gif")[-1] == "animated or of several pages: the first is seen"
