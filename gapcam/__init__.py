"""Where does a network look? GAP networks, class activation maps, weakly supervised localization.

Importing this package is cheap: nothing heavy is loaded before it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gapcam.checkpoint import load as load
    from gapcam.explaining.explain import explain as explain
    from gapcam.network_source import pretrained as pretrained

__all__ = ["__version__", "explain", "load", "pretrained"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from gapcam.checkpoint import load

        return load
    if name == "pretrained":
        from gapcam.network_source import pretrained

        return pretrained
    if name == "explain":
        from gapcam.explaining.explain import explain

        return explain
    if name == "__version__":
        from importlib.metadata import version

        return version("gapcam")
    raise AttributeError(f"module 'gapcam' has no attribute {name!r}")
