"""What a table was measured on and with."""

import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

PACKAGES = ("scikit-learn", "faiss-cpu", "torch", "tensorflow-cpu", "keras", "lightgbm", "xgboost-cpu", "numpy", "matplotlib")


def processor() -> str:
    """The processor's name with the instruction sets that matter here."""
    name, flags = platform.processor() or platform.machine(), set()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
                break
    except OSError:
        pass
    known = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "amx_tile") if flag in flags]
    return f"{name} ({', '.join(known)})" if known else name


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def versions(program: Path) -> list[str]:
    ours = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = [ours.stdout.strip() or "bakeoff"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return [*found, f"Python {sys.version.split()[0]}", platform.platform(terse=True)]


def settle(quiet_load: float, at_most_seconds: int = 180) -> float:
    """Waits until the load average of a build just before is gone; the load that is left."""
    until = time.monotonic() + at_most_seconds
    while os.getloadavg()[0] > quiet_load and time.monotonic() < until:
        time.sleep(5)
    return os.getloadavg()[0]
