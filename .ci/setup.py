"""What the make targets do: bring what the target needs, then run it.

Everything is done once and remembered (see steps.py); only Python's standard library is used here, since nothing is
installed yet when this starts.
"""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import chromium
import environment
import node
from steps import CACHE, ROOT, VENV, Failed, Missing, alone, carry_out, loudly, say, step

LOCKS = {
    "runtime": ["pyproject.toml", "--group", "build"],
    "dev": ["pyproject.toml", "--group", "dev", "--constraint", "requirements/runtime.txt"],
    "node": ["--group", "node"],
    "lock": ["--group", "lock"],
}


def _prepare_to_run() -> None:
    environment.install("runtime")
    environment.install_project()
    node.build_graphiql()


def _prepare_to_test() -> None:
    environment.install("dev")
    environment.install_project()
    node.build_graphiql()
    chromium.find()


def demo(arguments: Sequence[str]) -> None:
    with alone():
        _prepare_to_run()
    # The server takes this process's place, so that it gets the terminal and its signals.
    program = str(VENV / "bin" / "fieldgate")
    os.chdir(ROOT)
    os.execve(program, [program, "demo", *arguments], environment.environ())


def _check() -> None:
    with step("checking style (ruff) and types (mypy)"):
        loudly([VENV / "bin" / "ruff", "check", "--quiet", "."])
        loudly([VENV / "bin" / "ruff", "format", "--check", "--quiet", "."])
        loudly([VENV / "bin" / "mypy", "--no-error-summary"])


def check(_: Sequence[str]) -> None:
    with alone():
        environment.install("dev")
        environment.install_project()
    _check()


def test(arguments: Sequence[str]) -> None:
    with alone():
        _prepare_to_test()
    _check()
    loudly([VENV / "bin" / "python", "-m", "pytest", *arguments], node.environ())


def prove(arguments: Sequence[str]) -> None:
    with alone():
        _prepare_to_test()
    loudly([VENV / "bin" / "python", "-m", "pytest", "-m", "prove", *arguments], node.environ())


def bench(arguments: Sequence[str]) -> None:
    with alone():
        environment.install("dev")
        environment.install_project()
    loudly([VENV / "bin" / "python", "-m", "bench", *arguments], environment.environ())


def prepare(_: Sequence[str]) -> None:
    """Bring everything that `make test` needs, and run nothing."""
    with alone():
        _prepare_to_test()


def lock(arguments: Sequence[str]) -> None:
    """Resolve pyproject.toml into the locks, for every platform and Python from 3.11 on."""
    with alone():
        environment.install("dev")
        environment.install("lock")
        for name, inputs in LOCKS.items():
            command: list[str | Path] = [VENV / "bin" / "uv", "pip", "compile", *inputs, *arguments, "--universal"]
            command += ["--python-version=3.11", "--generate-hashes", "--no-emit-index-url", "--no-config"]
            command += ["--custom-compile-command=make lock", f"--output-file=requirements/{name}.txt"]
            carry_out(f"making requirements/{name}.txt", f"lock-{name}", f"requirements/{name}.txt", command)


def clean(_: Sequence[str]) -> None:
    leftovers = [VENV, CACHE, node.GRAPHIQL / "dist", node.GRAPHIQL / "node_modules"]
    leftovers += [chromium.BROWSER_PROJECT / "node_modules"]
    leftovers += [ROOT / name for name in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist")]
    for leftover in leftovers:
        shutil.rmtree(leftover, ignore_errors=True)


TARGETS: dict[str, Callable[[Sequence[str]], None]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "bench": bench,
    "prove": prove,
    "prepare": prepare,
    "lock": lock,
    "clean": clean,
}


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in TARGETS:
        say(f"usage: setup.py {'|'.join(TARGETS)} …")
        return 2
    try:
        TARGETS[arguments[0]](arguments[1:])
    except Missing as missing:
        say(f"fieldgate: {missing}")
        return 1
    except Failed as failed:
        return failed.status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
