"""Pages that need no network: templates of this package, with styles and pictures inside."""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

PAGES = Environment(
    loader=PackageLoader("gapcam", package_path="."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Templates by their path in the package: `viz/report.html.jinja`."""


def data_url(picture: bytes, kind: str = "png") -> str:
    """A picture as text that a page can hold.

    Args:
        picture: the file's bytes.
        kind: `png`, `webp`, ...
    """
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()
