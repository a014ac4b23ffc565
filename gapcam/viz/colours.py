"""Colours that drawings share; no torch is needed to know them."""

TRUE_COLOUR = "#ffffff"
PREDICTED_COLOUR = "#ff3d6e"
COLOURS = ("viridis", "cividis", "inferno", "magma", "plasma", "gray")
"""Colour maps of evenly growing lightness: they survive grey printing and colour blindness."""
