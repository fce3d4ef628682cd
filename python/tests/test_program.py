"""The program is found, shown, interrupted and its failures raised."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

from support import Case, needs

import distil

SOURCE = str(Path(distil.__file__).parents[1])


@unittest.skipIf(os.name == "nt", "the stand-in is a script of a shell")
class Run(Case):
    def program(self, script: str) -> str:
        """A stand-in for the program."""
        path = self.folder / "distil"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.enterContext(mock.patch.dict(os.environ, {"DISTIL_BIN": str(path)}))
        return str(path)

    def test_what_it_writes_is_shown_and_returned(self) -> None:
        self.program('echo "result: $*"; echo "grün" >&2')
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            done = distil.run("eval", Path("runs/x"), "--seeds", 3)
            distil.run("silent", echo=False)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("result: eval runs/x --seeds 3\n", "grün\n", 0))
        self.assertEqual((out.getvalue(), err.getvalue()), (done.stdout, done.stderr))

    def test_a_failure_says_what_the_program_said_last(self) -> None:
        self.program('for i in $(seq 100); do echo "line $i" >&2; done; echo "error: no" >&2; exit 3')
        with self.assertRaises(distil.Failed) as raised:
            distil.run("eval", "x", echo=False)
        message = str(raised.exception)
        self.assertIn("distil eval x ended with exit code 3", message)
        self.assertIn("line 100\nerror: no", message)
        self.assertNotIn("line 50\n", message)
        self.assertIn("line 50\n", raised.exception.stderr)
        self.assertEqual((raised.exception.returncode, distil.run("x", check=False, echo=False).returncode), (3, 3))

    def test_much_output_does_not_block(self) -> None:
        self.program("seq 100000 >&2; seq 100000")
        done = distil.run("x", echo=False)
        self.assertEqual(len(done.stdout.splitlines()), len(done.stderr.splitlines()))

    def test_one_interrupt_reaches_it_once_and_its_end_is_waited_for(self) -> None:
        self.program(
            'trap \'echo stopped >>"$0.log"\' INT; touch $0.ready; for i in 1 2 3 4 5 6; do sleep 0.2; done; echo end >>"$0.log"'
        )
        # Tests that run in the background of a shell inherit that Ctrl-C is ignored.
        listen = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code = listen + "import distil\ntry:\n distil.run('x')\nexcept KeyboardInterrupt:\n print('interrupted')"
        environment = {**os.environ, "PYTHONPATH": SOURCE}
        # A session of its own, whose terminal would send Ctrl-C to all of its group.
        python = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        ready = self.folder / "distil.ready"
        deadline = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(python.pid, signal.SIGINT)
        output, _ = python.communicate(timeout=30)
        self.assertEqual(output, "interrupted\n")
        self.assertEqual((self.folder / "distil.log").read_text(), "stopped\nend\n")

    def test_the_module_runs_it(self) -> None:
        self.program('echo "$*"; exit 5')
        done = subprocess.run(
            [sys.executable, "-m", "distil", "eval", "a b"],
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.stdout, done.returncode), ("eval a b\n", 5))

    def test_where_it_is_looked_for(self) -> None:
        named = self.program("echo found")
        nowhere = mock.patch("distil._program._folders", return_value=[])
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            del os.environ["DISTIL_BIN"]
            with nowhere:
                self.assertEqual(distil.run(echo=False).stdout, "found\n", "in PATH")
            os.environ["PATH"] = ""
            with mock.patch("sys.executable", str(self.folder / "python")):
                self.assertEqual(distil.run(echo=False).stdout, "found\n", "beside Python")
            with nowhere, self.refused(distil.NoProgram, "install the wheel"):
                distil.run()
        with (
            mock.patch.dict(os.environ, {"DISTIL_BIN": named + "-not"}),
            self.refused(distil.NoProgram, "DISTIL_BIN is"),
        ):
            distil.run()


@needs("program")
class Real(Case):
    def test_it_answers(self) -> None:
        self.assertTrue(distil.run("--version", echo=False).stdout.startswith("distil "))
        self.assertIn("trajectory", distil.run("methods", echo=False).stdout.lower())

    def test_its_message_is_raised(self) -> None:
        with self.assertRaisesRegex(distil.Failed, "nothing-here"):
            distil.run("eval", self.folder / "nothing-here", echo=False)


class OnlyNumPy(Case):
    def test_nothing_but_numpy_is_imported(self) -> None:
        code = (
            "import numpy, sys\nbefore = set(sys.modules)\nimport distil\n"
            "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
            "print(*sorted(new - set(sys.stdlib_module_names) - {'distil', 'numpy', '_distutils_hack', '_virtualenv'}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(done.stdout.strip(), "")

    def test_networks_without_pytorch_say_what_is_missing(self) -> None:
        code = "import sys\nsys.modules['torch'] = None\nimport distil\ntry:\n distil.networks\nexcept ImportError as e:\n print(e)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(done.stdout, "distil.networks needs PyTorch; pip install torch\n")

    def test_the_version_is_that_of_the_package(self) -> None:
        self.assertRegex(distil.__version__, r"^\d+(\.\d+)*|^0\+source$")
        with self.assertRaises(AttributeError):
            distil.nothing


if __name__ == "__main__":
    unittest.main()
