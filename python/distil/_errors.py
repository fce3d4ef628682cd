"""What this package raises beside Python's own errors."""

from __future__ import annotations

from os import PathLike, fspath


class NotOurs(ValueError):
    """A file is something else than was asked for, or damaged. The message is one line: the file, what is wrong, what to do."""

    def __init__(self, path: str | PathLike[str], what: str, remedy: str) -> None:
        super().__init__(f"{fspath(path)}: {what}; {remedy}")


class NotASet(NotOurs):
    """`distil.load` was given something that is no synthetic set, or a damaged one."""


class NotAModel(NotOurs):
    """`distil.networks.load` was given something that is no trained model, or a damaged one."""


class NotAZcaFit(NotOurs):
    """ZCA matrices were asked for in a file that does not hold them."""


class NoProgram(FileNotFoundError):
    """The program `distil` is not on this machine, or not where it is looked for."""


class Failed(RuntimeError):
    """The program ended with an exit code other than 0.

    `returncode` is that code, `stderr` everything that it wrote there; the message holds its last lines.
    """

    def __init__(self, arguments: list[str], returncode: int, stderr: str, last: list[str]) -> None:
        said = "\n".join(last) or "it said nothing"
        super().__init__(f"distil {' '.join(arguments)} ended with exit code {returncode}:\n{said}")
        self.returncode = returncode
        self.stderr = stderr
