"""Times for people."""

_SHORT, _MINUTE, _HOUR, _DAY = 9.95, 60, 3600, 86400


def duration(seconds: float) -> str:
    """Seconds in the two units that matter.

    Example:
        >>> [duration(s) for s in (0.4, 59.9, 200, 7500, 273600)]
        ['0.4 s', '60 s', '3 min 20 s', '2 h 05 min', '3 d 4 h']
    """
    if seconds < _SHORT:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole <= _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
