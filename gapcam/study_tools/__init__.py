"""The command `python -m gapcam.study`: running a study and writing down what it found."""
