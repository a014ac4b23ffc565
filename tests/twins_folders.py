"""Twins of data sets in class folders, with the odd files that their archives hold."""

from pathlib import Path

from PIL import Image
from twins import BOX, SIZE, save_picture


def litter(folder: Path) -> None:
    """What Windows and macOS leave in folders of pictures."""
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (folder / "._0.jpg").write_bytes(b"\x00\x05\x16\x07")


def make_mit67(root: Path) -> Path:
    """Three rooms; a name with a blank and an apostrophe, a GIF named .jpg, a picture unlisted."""
    trains = ("airport_inside/a 1.jpg", "children_room/child's_gif.jpg", "winecellar/bodega_12.jpg")
    tests = ("airport_inside/a 2.jpg", "winecellar/wine_3_flickr.jpg")
    for shade, name in enumerate((*trains, *tests, "winecellar/neither.jpg")):
        save_picture(root / "Images" / name, shade)
    Image.new("P", (SIZE[1], SIZE[0])).save(root / "Images" / trains[1], format="GIF")
    litter(root / "Images" / "winecellar")
    (root / "TrainImages.txt").write_text("\n".join(trains))  # no end of the last line
    (root / "TestImages.txt").write_text("\r\n".join(tests) + "\r\n\r\n")
    return root


def make_scene15(root: Path) -> Path:
    """Three scenes as the archive of 2006 has them, six grey pictures each."""
    for shade, name in enumerate(("bedroom", "CALsuburb", "MITcoast")):
        for number in range(1, 7):
            path = root / "scene_categories" / name / f"image_{number:04d}.jpg"
            save_picture(path, shade)
            Image.open(path).convert("L").save(path)
        litter(root / "scene_categories" / name)
    return root


def make_caltech101(root: Path) -> Path:
    """Three classes and the background, four pictures each, as the zip file unpacks."""
    home = root / "caltech-101"
    for shade, name in enumerate(("BACKGROUND_Google", "Faces", "Faces_easy", "accordion")):
        for number in range(1, 5):
            save_picture(home / "101_ObjectCategories" / name / f"image_{number:04d}.jpg", shade)
    save_picture(home / "101_ObjectCategories" / "BACKGROUND_Google" / "tmp")
    (home / "Annotations" / "Faces_2").mkdir(parents=True)
    (home / "Annotations" / "Faces_2" / "annotation_0001.mat").touch()
    (root / "__MACOSX" / "caltech-101").mkdir(parents=True)
    return root


def make_caltech256(root: Path) -> Path:
    """Three classes and the clutter, four pictures each, a script and a stray folder."""
    home = root / "256_ObjectCategories"
    for shade, name in enumerate(("001.ak47", "056.dog", "198.spider", "257.clutter")):
        for number in range(1, 5):
            save_picture(home / name / f"{name[:3]}_{number:04d}.jpg", shade)
    save_picture(home / "056.dog" / "greg" / "vision309")
    (home / "198.spider" / "RENAME2").write_text("#!/bin/sh\nmv $1 $2\n")
    return root


def make_event8(root: Path) -> Path:
    """Three sports, four pictures each; some suffixes in capitals."""
    for shade, name in enumerate(("RockClimbing", "croquet", "rowing")):
        for number in range(1, 5):
            file = f"Easy_Mid_{name.title()}_{number}.{'JPG' if number == 4 else 'jpg'}"
            save_picture(root / "event_dataset" / "event_img" / name / file, shade)
        litter(root / "event_dataset" / "event_img" / name)
    return root


def make_action40(root: Path) -> Path:
    """Two actions, four pictures each in one folder, a person's box each, the official lists."""
    actions = ("riding_a_bike", "watching_TV")
    for shade, action in enumerate(actions):
        for number in range(1, 5):
            save_picture(root / "JPEGImages" / f"{action}_{number:03d}.jpg", shade)
            (root / "XMLAnnotations").mkdir(exist_ok=True)
            xml = root / "XMLAnnotations" / f"{action}_{number:03d}.xml"
            xml.write_text(action_xml(action), encoding="utf-8")
    litter(root / "JPEGImages")
    splits = root / "ImageSplits"
    splits.mkdir()
    for split, numbers in (("train", (1, 3)), ("test", (2, 4))):
        names = [f"{action}_{number:03d}.jpg" for action in actions for number in numbers]
        (splits / f"{split}.txt").write_text("\n".join(names) + "\n")
        (splits / f"riding_a_bike_{split}.txt").write_text("\n".join(names[:2]) + "\n")
    (splits / "actions.txt").write_text(
        "action_name\tnumber_of_train/test\nriding_a_bike\t2/2\nwatching_TV\t2/2\n"
    )
    return root


def action_xml(action: str, boxes: int = 1) -> str:
    """An annotation with so many persons, the first at `BOX`, each a pixel further down."""
    x0, y0, x1, y1 = BOX
    objects = "".join(
        f"<object><name>person</name><action>\n{action} </action><bndbox><xmax>{x1 - 1}</xmax>"
        f"<xmin>{x0}</xmin><ymax>{y1 - 1 + row}</ymax><ymin>{y0 + row}</ymin></bndbox></object>\n"
        for row in range(boxes)
    )
    height, width = SIZE
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>\n{size}\n{objects}</annotation>\n"
