"""Generated twins of data sets that come with words: read from signs, written about pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twins import BOX, SIZE, save_picture

PATCH = (BOX[0], BOX[1], BOX[2] - BOX[0], BOX[3] - BOX[1])
"""The bright patch as x, y, width, height."""

Word = tuple[str, tuple[int, int, int, int]]


def svt_image(name: str, words: Sequence[Word], resolution: str = "Resolution") -> str:
    """The element of one picture, as the official files have it."""
    rectangles = "".join(
        f'<taggedRectangle height="{h}" width="{w}" x="{x}" y="{y}">\n<tag>{tag}</tag>\n'
        "</taggedRectangle>\n"
        for tag, (x, y, w, h) in words
    )
    return (
        f"<image>\n<imageName>img/{name}</imageName>\n<address>1 Main Street</address>\n"
        f'<lex>LIVING,ROOM</lex>\n<{resolution} x="{SIZE[1]}" y="{SIZE[0]}"/>\n'
        f"<taggedRectangles>\n{rectangles}</taggedRectangles>\n</image>\n"
    )


def make_svt(root: Path) -> Path:
    """Two training pictures, one with two words of which one sticks out, and a test picture."""
    pictures = {
        "train": [
            svt_image("00_00.jpg", [("LIVING", PATCH), ("ROOM", (-5, 30, 25, 20))]),
            svt_image("café 1.jpg", [("CAFÉ", PATCH)], "resolution"),
        ],
        "test": [svt_image("00_02.jpg", [("BAR", PATCH)])],
    }
    for split, images in pictures.items():
        text = f'<?xml version="1.0" encoding="utf-8"?>\n<tagset>\n{"".join(images)}</tagset>\n'
        (root / "img").mkdir(parents=True, exist_ok=True)
        (root / f"{split}.xml").write_text(text, encoding="utf-8")
    for shade, name in enumerate(("00_00.jpg", "café 1.jpg", "00_02.jpg")):
        save_picture(root / "img" / name, shade)
    return root


def make_scenes(root: Path) -> Path:
    """Five pictures at different depths; a sixth is too deep, a seventh hidden."""
    names = ("z.jpg", "a/b.jpg", "a/bü c.jpg", "a/abbey/d.jpg", "a/apse/indoor/e.jpg")
    for name in (*names, "a/apse/indoor/deep/f.jpg", "a/.g.jpg"):
        save_picture(root / name)
    return root


CAPTIONS = {
    "lake/1.jpg": ["A mirror in  lake water", "mountains"],
    "lake/2 ü.jpg": ["the Mirror in Lake Como"],
    "lake/3.jpg": ["a mirror in lakes"],
    "lake/4.jpg": ["a lake"],
    "5.jpg": ["a dog in a park"],
    "6.jpg": ["two dogs, inside"],
    "7.jpg": ["a cat"],
}
"""The first two have the phrase `mirror in lake`; the next two words of it."""


def make_table(root: Path, captions: Mapping[str, Sequence[str]] = CAPTIONS) -> Path:
    lines = ["image\tcaption"]
    for name, texts in captions.items():
        save_picture(root / name)
        lines += [f"{name}\t{text}" for text in texts]
    (root / "captions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")


def coco_file(split: str, number: int) -> str:
    return f"COCO_{split}2014_{number:012d}.jpg"


def make_coco(root: Path) -> Path:
    """The captions above, and a validation split of the first and the last of them."""
    texts = list(CAPTIONS.values())
    for split, chosen in (("train", texts), ("val", [texts[0], texts[-1]])):
        images, annotations = [], []
        for number, captions in enumerate(chosen, start=1):
            save_picture(root / f"{split}2014" / coco_file(split, number))
            record = {"license": 5, "height": SIZE[0], "width": SIZE[1], "id": number}
            images.append({**record, "file_name": coco_file(split, number)})
            annotations += [
                {"image_id": number, "id": 10 * number + n, "caption": f"{caption}\n"}
                for n, caption in enumerate(captions)
            ]
        lists = {"images": images, "annotations": annotations, "licenses": []}
        write_json(root / "annotations" / f"captions_{split}2014.json", lists)
    return root


def make_sbu(root: Path) -> Path:
    """The captions above, one a picture; the last two links are dead, one caption is blank."""
    urls, lines = [], []
    for number, captions in enumerate(CAPTIONS.values()):
        urls.append(f"http://static.flickr.com/27/{number}_b0.jpg")
        lines.append(captions[0])
        if number < 5:
            save_picture(root / f"{number}_b0.jpg")
    lines[3] = ""
    (root / "SBU_captioned_photo_dataset_urls.txt").write_text("\n".join(urls) + "\n")
    (root / "SBU_captioned_photo_dataset_captions.txt").write_text("\n".join(lines) + "\n")
    return root


ANSWERS = {
    "train": {
        1: [("Is it red?", "yes"), ("What is it?", "a rare thing"), ("Is it blue?", "no")],
        2: [("Ist das schön?", "yes"), ("Is it a dog?", "no")],
    },
    "val": {3: [("Is it green?", "no"), ("Who made it?", "nobody knows")]},
}
"""Questions and their most frequent answers, by picture: `no` and `yes` are equally frequent."""


def make_vqa(root: Path, questions: str = "", annotations: str = "", pictures: str = "") -> Path:
    """Two training pictures and a validation picture; its files in the folders that are given."""
    for split, by_picture in ANSWERS.items():
        asked, answered = [], []
        for picture, pairs in by_picture.items():
            save_picture(root / pictures / f"{split}2014" / coco_file(split, picture))
            for turn, (question, answer) in enumerate(pairs):
                ids = {"question_id": 10 * picture + turn, "image_id": picture}
                asked.append({**ids, "question": question})
                replies = [answer] * 9 + ["maybe"]
                answered.append(
                    {
                        **ids,
                        "question_type": "is it",
                        "answer_type": "other",
                        "multiple_choice_answer": answer,
                        "answers": [
                            {"answer": reply, "answer_confidence": "yes", "answer_id": n}
                            for n, reply in enumerate(replies, start=1)
                        ],
                    }
                )
        asked_in = root / questions / f"OpenEnded_mscoco_{split}2014_questions.json"
        # The two lists are not in the same order.
        write_json(asked_in, {"info": {}, "questions": asked[::-1]})
        answered_in = root / annotations / f"mscoco_{split}2014_annotations.json"
        write_json(answered_in, {"info": {}, "annotations": answered})
    return root
