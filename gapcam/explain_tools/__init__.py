"""The command `python -m gapcam.explain`: finding pictures, keeping what is done, results."""
