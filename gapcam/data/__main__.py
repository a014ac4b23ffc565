"""`python -m gapcam.data check | get | speed | shards`."""

from gapcam.data_tools.command import main

if __name__ == "__main__":
    main()
