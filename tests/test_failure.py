import errno
from pathlib import Path

import pytest

from gapcam.errors import UserError
from gapcam.failure import (
    FAILED,
    clear_failure,
    describe,
    is_explained,
    read_failure,
    write_failure,
)


def raised(error: Exception) -> Exception:
    """The error with a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_run_that_did_not_fail(tmp_path: Path) -> None:
    assert read_failure(tmp_path) is None
    assert read_failure(tmp_path / "nowhere") is None
    clear_failure(tmp_path)


@pytest.mark.parametrize(
    ("error", "message", "explained"),
    [
        (UserError(""), "", True),
        (UserError("two\nlines"), "two\nlines", True),
        (
            UserError("Caught UserError in worker 0.\n  File x\ngapcam.errors.UserError: no file"),
            "no file",
            True,
        ),
        (OSError(errno.ENOSPC, "No space left"), "No room on the disk: ", True),
        (OSError(errno.EIO, "broken"), "OSError: [Errno 5] broken", False),
        (KeyError("a"), "KeyError: 'a'", False),
        (RuntimeError("CUDA\nout of memory"), "RuntimeError: CUDA\nout of memory", False),
    ],
)
def test_errors_in_words(error: Exception, message: str, explained: bool) -> None:
    assert describe(error).startswith(message)
    assert is_explained(error) is explained


def test_all_of_it_is_kept(tmp_path: Path) -> None:
    write_failure(tmp_path, "python -m gapcam.run seed=1", raised(RuntimeError("one\ntwo: ß")))
    failure = read_failure(tmp_path)
    assert failure is not None
    assert failure.message == "RuntimeError: one"
    assert failure.text == (tmp_path / FAILED).read_text(encoding="utf-8")
    lines = failure.text.splitlines()
    assert lines[:3] == ["RuntimeError: one", "two: ß", ""]
    assert lines[3].startswith("date     20")
    assert lines[4:7] == ["command  python -m gapcam.run seed=1", "", lines[6]]
    assert lines[6] == "Traceback (most recent call last):"
    assert f'File "{__file__}"' in failure.text
    assert failure.text.endswith("RuntimeError: one\ntwo: ß\n")


def test_causes_are_in_the_traceback(tmp_path: Path) -> None:
    error = raised(UserError("arch: no such layer"))
    error.__cause__ = raised(ValueError("layer 99"))
    write_failure(tmp_path, "command", error)
    assert "ValueError: layer 99" in (tmp_path / FAILED).read_text()


def test_the_first_of_several_stays_until_the_next_start(tmp_path: Path) -> None:
    write_failure(tmp_path, "command", UserError("the cause"))
    write_failure(tmp_path, "command", UserError("connection closed by peer"))
    assert read_failure(tmp_path).message == "the cause"  # type: ignore[union-attr]
    clear_failure(tmp_path)
    assert read_failure(tmp_path) is None
