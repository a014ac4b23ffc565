"""`python -m gapcam.study study=... arch=... data=...`."""

from gapcam.study_tools.command import main

if __name__ == "__main__":
    main()
