"""What is unusual about a picture file that can be read all the same."""

from PIL import Image

_SEVERAL_IN_ONE = ("MPO",)
"""JPEGs of telephones with a second picture, which nobody means."""


def oddities(picture: Image.Image, suffix: str) -> list[str]:
    """Remarks about an opened picture, in words.

    Args:
        picture: as Pillow opened it, not converted.
        suffix: of the file's name, `.jpg`; may be empty.
    """
    remarks = []
    if picture.mode in ("CMYK", "YCCK", "LAB", "HSV"):
        remarks.append(f"{picture.mode} colours, turned into RGB")
    if picture.mode.startswith("I;16"):
        remarks.append("16 bits a pixel, of which the upper 8 are seen")
    elif picture.mode == "I":
        remarks.append("whole numbers of 32 bits, seen as 8")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        remarks.append("transparent, seen as what lies below")
    known_as = Image.registered_extensions().get(suffix.lower())
    is_jpeg = picture.format in (*_SEVERAL_IN_ONE, "JPEG") and known_as in (
        *_SEVERAL_IN_ONE,
        "JPEG",
    )
    if known_as is not None and picture.format != known_as and not is_jpeg:
        remarks.append(f"{picture.format}, though it is called {suffix}")
    if getattr(picture, "is_animated", False) and picture.format not in _SEVERAL_IN_ONE:
        remarks.append("animated or of several pages: the first is seen")
    return remarks
