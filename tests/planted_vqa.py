"""Questions whose answers are planted: one is the colour of a square, the others lie in the words.

    python tests/planted_vqa.py FOLDER

writes pictures of grey clutter with one coloured square each, questions as VQA v1 publishes them,
and a network whose units see colours.
"""

import json
import sys
from pathlib import Path

import numpy as np
from benches import COLOURS, colour_network, save_network
from PIL import Image, ImageDraw
from twins_text import coco_file, write_json

Box = tuple[int, int, int, int]

RGB = {
    **{"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)},
    **{"yellow": (255, 255, 0), "magenta": (255, 0, 255), "cyan": (0, 255, 255)},
}
SIDE = 64
COLOUR_QUESTIONS = ("What colour is the square?", "Which colour does the square have?")
WORDS_ALONE = {
    "Is there a square?": ("yes/no", "yes"),
    "Is there a dog?": ("yes/no", "no"),
    "How many squares are there?": ("number", "1"),
}
"""Questions that need no picture, with the type of the answer and the answer."""

NOBODY_KNOWS = "Who painted the square?"
"""Its answers, all different, are no class."""


def picture(colour: str, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Grey clutter with one square, and where the square lies."""
    image = Image.new("RGB", (SIDE, SIDE), (60, 60, 60))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, w, h = random.integers([0, 0, 8, 8], [56, 56, 24, 24]).tolist()
        grey = int(random.integers(80, 200))
        pen.rectangle((x, y, x + w, y + h), fill=(grey, grey, grey))
    side = int(random.integers(16, 25))
    left, top = random.integers(0, SIDE - side + 1, 2).tolist()
    box = left, top, left + side, top + side
    pen.rectangle((left, top, left + side - 1, top + side - 1), fill=RGB[colour])
    return image, box


def make_planted_vqa(root: Path, train: int = 120, val: int = 60, seed: int = 0) -> Path:
    """Two questions a picture, one about the colour; `squares.json` has the boxes by picture."""
    random = np.random.default_rng(seed)
    boxes: dict[str, Box] = {}
    number = 0
    for split, count in (("train", train), ("val", val)):
        asked, answered = [], []
        (root / f"{split}2014").mkdir(parents=True, exist_ok=True)
        for turn in range(count):
            number += 1
            colour = COLOURS[turn % len(COLOURS)]
            image, box = picture(colour, random)
            name = coco_file(split, number)
            image.save(root / f"{split}2014" / name, quality=95, subsampling=0)
            boxes[name] = box
            words = list(WORDS_ALONE)[turn % len(WORDS_ALONE)]
            triples = [
                (COLOUR_QUESTIONS[turn % 2], "other", colour),
                (words, *WORDS_ALONE[words]),
            ]
            if turn % 20 == 0:
                triples.append((NOBODY_KNOWS, "other", f"painter {number}"))
            for place, (question, kind, answer) in enumerate(triples):
                ids = {"question_id": 10 * number + place, "image_id": number}
                asked.append({**ids, "question": question})
                # Nine people agree, more or less, and one does not know.
                replies = [answer] * 9 + ["unknown"]
                answered.append(
                    {
                        **ids,
                        "question_type": question.split(maxsplit=1)[0].lower(),
                        "answer_type": kind,
                        "multiple_choice_answer": answer,
                        "answers": [
                            {"answer": reply, "answer_confidence": "yes", "answer_id": n}
                            for n, reply in enumerate(replies, start=1)
                        ],
                    }
                )
        write_json(root / f"OpenEnded_mscoco_{split}2014_questions.json", {"questions": asked})
        write_json(root / f"mscoco_{split}2014_annotations.json", {"annotations": answered})
    (root / "squares.json").write_text(json.dumps(boxes))
    return root


def main() -> None:
    root = make_planted_vqa(Path(sys.argv[1]))
    save_network(root / "colours.ckpt", colour_network(list(COLOURS)))


if __name__ == "__main__":
    main()
