"""Running the program `distil`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, TextIO

from ._errors import Failed, NoProgram

_NAME = "distil.exe" if os.name == "nt" else "distil"
#: Lines of what the program said that an error repeats.
_LAST_LINES = 12


def run(
    *args: str | PathLike[str] | int | float, check: bool = True, echo: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs `distil ARGS…` and waits for it: `distil.run("eval", "runs/photos")`.

    What it writes is shown line by line (also in a notebook) unless `echo` is False, and returned as `stdout` (results, as
    Markdown or CSV) and `stderr` (everything else). Ctrl-C is passed on: the program stops at a safe point, and
    KeyboardInterrupt follows.

    Raises Failed, with its last lines, when the exit code is not 0 and `check` is True; NoProgram when it is not found.
    """
    arguments = [fspath(part) if isinstance(part, PathLike) else str(part) for part in args]
    command = [executable(), *arguments]
    with _Interrupts() as interrupts:
        # A session of its own: Ctrl-C then reaches the program once, from here, and not a second time from the terminal.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        interrupts.pass_on_to(process)
        assert process.stdout is not None and process.stderr is not None, "both are pipes"
        output = _Copy(process.stdout, sys.stdout if echo else None)
        messages = _Copy(process.stderr, sys.stderr if echo else None)
        process.wait()
        output.join()
        messages.join()
    if interrupts.came:
        raise KeyboardInterrupt
    done = subprocess.CompletedProcess(arguments, process.returncode, output.text(), messages.text())
    if check and done.returncode != 0:
        last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-_LAST_LINES:]
        raise Failed(arguments, done.returncode, done.stderr, last)
    return done


def executable() -> str:
    """The program: `$DISTIL_BIN`, or the one beside this Python, or the one in PATH. Raises NoProgram."""
    named = os.environ.get("DISTIL_BIN")
    if named:
        if shutil.which(named) is None:
            raise NoProgram(f"DISTIL_BIN is {named}, which is no program; correct it, or unset it")
        return named
    for folder in _folders():
        if os.access(folder / _NAME, os.X_OK):
            return str(folder / _NAME)
    found = shutil.which(_NAME)
    if found is None:
        raise NoProgram("the program distil is not there; install the wheel in this Python, or name it in DISTIL_BIN")
    return found


def _folders() -> Iterable[Path]:
    """Where pip puts programs."""
    yield Path(sys.executable).parent
    yield Path(sysconfig.get_path("scripts"))
    yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))


def replace_process(arguments: list[str]) -> int:
    """Becomes the program, so that its terminal, signals and exit code are its own. On Windows, which cannot, its exit code."""
    program = executable()
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(program, [program, *arguments])
    return subprocess.call([program, *arguments])


class _Copy(threading.Thread):
    """Keeps what comes from a pipe, and shows it."""

    def __init__(self, pipe: IO[str], shown: TextIO | None) -> None:
        super().__init__(daemon=True)
        self._pipe, self._shown, self._lines = pipe, shown, list[str]()
        self.start()

    def run(self) -> None:
        for line in self._pipe:
            self._lines.append(line)
            if self._shown is not None:
                self._shown.write(line)
                self._shown.flush()
        self._pipe.close()

    def text(self) -> str:
        """All of it; the pipe must have ended."""
        return "".join(self._lines)


class _Interrupts:
    """Passes Ctrl-C on to a program, whenever it comes, instead of raising KeyboardInterrupt somewhere in between.

    Where Ctrl-C is ignored (`nohup`), or outside the main thread, which it never reaches, nothing is changed.
    """

    def __init__(self) -> None:
        self.came = False
        self._process: subprocess.Popen[str] | None = None
        self._before: Any = None

    def __enter__(self) -> _Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def pass_on_to(self, process: subprocess.Popen[str]) -> None:
        """From now on, and what came before."""
        self._process = process
        if self.came:
            self._send()

    def _handle(self, _signal: int, _frame: object) -> None:
        self.came = True
        if self._process is not None:
            self._send()

    def _send(self) -> None:
        # On Windows there are no sessions, and the console tells all of its programs itself.
        if self._process is not None and os.name != "nt":
            self._process.send_signal(signal.SIGINT)
