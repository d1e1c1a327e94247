"""A user's mistake, told in one line: what is wrong, why, and what to do about it."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import InstantiationException
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue


class UserError(Exception):
    """Something that the user can put right. The message names the thing, the reason and the remedy."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Around a tool's main: a `UserError`, a full disk or Ctrl-C ends the program with one line and a non-zero code.

    Hydra wraps what a constructor raises: a wrong or missing value in the config is a user's mistake too. Anything else is
    a defect of ours and keeps its traceback; HYDRA_FULL_ERROR=1 keeps all of them.
    """
    try:
        yield
    except (UserError, InstantiationException, InterpolationKeyError, MissingMandatoryValue, OSError) as error:
        line = told(error)
        if line is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        sys.exit(f"error: {line}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again to continue")


def told(error: BaseException) -> str | None:
    """The line for the user, or None for a defect of ours."""
    if isinstance(error, UserError):
        return str(error).rpartition("UserError: ")[2].strip()  # a loader's worker puts its traceback before the line
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or 'while writing'}): free some space and run the same command again"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value: add {error.full_key}=... to the command"
    if isinstance(error, InterpolationKeyError):
        return (
            f"{str(error).splitlines()[0]}: this model or objective does not go with this data. Models of videos take "
            "clips (data=actors, ...), models of images take images (data=digits, ...)"
        )
    if isinstance(error, InstantiationException):
        cause = error.__cause__
        if cause is not None and (line := told(cause)):
            return line
        return " ".join(str(error).split()) if isinstance(cause, TypeError | ValueError | None) else None
    return None
