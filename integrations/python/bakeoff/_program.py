"""The program that the wheel carries."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "bin" / ("bakeoff.exe" if os.name == "nt" else "bakeoff")


def main() -> None:
    """Runs the program with the arguments of this process, in its place."""
    command = [str(PROGRAM), *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    # A wheel does not keep whether a file may be run.
    if not os.access(PROGRAM, os.X_OK):
        PROGRAM.chmod(PROGRAM.stat().st_mode | 0o111)
    os.execv(PROGRAM, command)
