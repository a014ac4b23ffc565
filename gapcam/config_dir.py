"""Where the YAML lies: in the wheel (gapcam/conf), or beside the package in a checkout (conf)."""

from pathlib import Path

from gapcam.naming import register_resolvers

_PACKAGE = Path(__file__).resolve().parent
_CANDIDATES = (_PACKAGE / "conf", _PACKAGE.parent / "conf")


def find_config_dir() -> Path:
    """Return the folder that holds `config.yaml`.

    Raises:
        FileNotFoundError: if the installation holds no configuration.
    """
    for candidate in _CANDIDATES:
        if (candidate / "config.yaml").is_file():
            return candidate
    looked = " and ".join(str(candidate) for candidate in _CANDIDATES)
    raise FileNotFoundError(
        f"gapcam's configuration is missing: no config.yaml in {looked}. "
        "The installation is incomplete; install gapcam again."
    )


CONFIG_DIR = find_config_dir()
RECIPES_DIR = CONFIG_DIR / "experiment"  # in a checkout a link to experiments
register_resolvers()  # the configuration there names its runs by them
