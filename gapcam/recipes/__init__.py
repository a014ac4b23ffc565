"""Recipes: a table or figure of the paper as a list of runs."""
