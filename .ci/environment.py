"""The Python environment in .venv: exactly what a lock names, hash by hash, and this project itself.

The lock for developing holds everything that the lock for running holds, so it satisfies both.
Only the interpreter's own venv module and pip are needed; nothing is built, nothing is taken without a hash.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from steps import ROOT, VENV, Missing, carry_out, digest, put_stamp, stamped

REQUIREMENTS = ROOT / "requirements"
PYTHON = VENV / "bin" / "python"
PIP: tuple[str | Path, ...] = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")


def _stamp(name: str) -> Path:
    return VENV / f".installed-{name}"


def _key(lock: str) -> str:
    # The environment's scripts hold its path, and its packages fit one version of Python.
    return digest(REQUIREMENTS / f"{lock}.txt", str(ROOT), sys.version)


def _works() -> bool:
    if not PYTHON.exists():
        return False
    asked = subprocess.run(
        [PYTHON, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0 and asked.stdout.strip() == sys.version.strip()


def _create() -> None:
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        raise Missing(
            f"{sys.executable} has no venv module: install it (on Debian and Ubuntu the package python3-venv), "
            "then run the same command again."
        )
    if VENV.exists():
        shutil.rmtree(VENV)
    title = f"creating .venv with Python {sys.version.split()[0]}"
    carry_out(title, "venv", "The environment .venv", [sys.executable, "-m", "venv", VENV])


def install(lock: str) -> None:
    """Install what a lock names, unless this or a wider lock is in place already."""
    wider = ("dev",) if lock == "runtime" else ()
    if not any(stamped(_stamp(name), _key(name)) for name in (lock, *wider)):
        if not _works():
            _create()
        carry_out(
            f"installing the packages of requirements/{lock}.txt",
            f"pip-{lock}",
            f"The Python packages of requirements/{lock}.txt",
            [*PIP, "install", "--require-hashes", "--retries=2", "-r", REQUIREMENTS / f"{lock}.txt"],
        )
        put_stamp(_stamp(lock), _key(lock))


def install_project() -> None:
    """Make the project importable in its environment, and its console command runnable."""
    key = digest(ROOT / "pyproject.toml", str(ROOT))
    if stamped(_stamp("project"), key) and (VENV / "bin" / "fieldgate").exists():
        return
    command: list[str | Path] = [*PIP, "install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT]
    carry_out("installing fieldgate itself", "pip-project", "fieldgate itself", command)
    put_stamp(_stamp("project"), key)


def environ(*extra_path: Path) -> dict[str, str]:
    """The environment variables for a command that runs inside .venv."""
    path = os.pathsep.join([str(VENV / "bin"), *map(str, extra_path), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": path}
