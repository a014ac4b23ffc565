"""Drawings: overlays, galleries, curves, the report."""
