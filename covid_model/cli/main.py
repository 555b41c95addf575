"""`python -m covid_model COMMAND`: parse, run, turn errors into one sentence and an exit code.

Exit codes: 0 success; 1 the command failed; 2 wrong usage, or an image failed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from covid_model import __doc__ as about
from covid_model import __version__
from covid_model.cli import audit, benchmarks, build, cross_validation, data, dicom, images, models
from covid_model.errors import CovidModelError, system_sentence


class Parser(argparse.ArgumentParser):
    """A parser that says in one sentence what is wrong, without the usage of the whole command."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and where to read more; exit code 2."""
        self.exit(2, f"error: {message}; `{self.prog} --help` says what is possible.\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands. It needs no TensorFlow, so that `--help` is immediate."""
    top = Parser(prog="python -m covid_model", description=(about or "").partition("\n\n")[0])
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (images, dicom, data, models, cross_validation, audit, benchmarks, build):
        group.add_commands(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` as in sys.argv[1:]. Returns the exit code."""
    arguments = parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        return int(arguments.run(arguments))
    except CovidModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk or a folder that is read-only, at whichever file
        print(f"error: {system_sentence(error)}", file=sys.stderr)
        return 1
