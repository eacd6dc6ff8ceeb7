"""The rules of the house: which package may import which, and what no file may name.

Imports point one way: schema declares, authz decides, resolvers read, server serves. The migrations stand on the last
step, beside the server that runs them.
"""

import ast
import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "schema": set[str](),
    "authz": {"schema"},
    "resolvers": {"schema", "authz"},
    "server": {"schema", "authz", "resolvers", "migrations"},
    "migrations": {"schema", "authz", "resolvers", "server"},
}
FIRST_PARTY = {*MAY_IMPORT, "tests", "bench"}


def imported_packages(file: Path) -> Iterator[str]:
    """The top-level names that a file imports, at whatever depth, lazily or for types only."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_up_the_ladder_only(package: str) -> None:
    forbidden = FIRST_PARTY - MAY_IMPORT[package] - {package}
    against = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sorted((ROOT / package).rglob("*.py"))
        if "node_modules" not in file.parts
        for name in imported_packages(file)
        if name in forbidden
    ]
    assert against == []


def test_only_the_folders_of_the_house_stand_at_the_top() -> None:
    folders = {name.partition("/")[0] for name in tracked_files() if "/" in name}
    assert folders - {*FIRST_PARTY, "docs", "examples", "requirements", ".ci"} == set()


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def registry_hosts() -> set[str]:
    """The hosts that this machine's package clients would ask, as those clients tell; none is written here."""
    index = importlib.import_module("pip._internal.models.index")
    hosts = {
        getattr(registry, part)
        for registry in (index.PyPI, index.TestPyPI)
        for part in ("netloc", "file_storage_domain")
    }
    addresses = [os.environ.get(name, "") for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL")]
    npm = shutil.which("npm")
    if npm:
        asked = subprocess.run([npm, "config", "get", "registry"], cwd=ROOT, capture_output=True, text=True, check=True)
        addresses.append(asked.stdout)
    for sources in Path("/etc/apt").glob("sources.list.d/*.sources"):
        addresses += re.findall(r"^URIs:(.*)$", sources.read_text(encoding="utf-8"), re.MULTILINE)
    for sources in Path("/etc/apt").glob("**/*.list"):
        addresses += re.findall(
            r"^deb(?:-src)?\s+(?:\[.*?\]\s+)?(\S+)", sources.read_text(encoding="utf-8"), re.MULTILINE
        )
    hosts |= {urlsplit(address).hostname for line in addresses for address in line.split()}
    return {host for host in hosts if host and "." in host}


def test_no_tracked_file_names_the_host_of_a_package_registry() -> None:
    hosts = registry_hosts()
    assert len(hosts) >= 2
    pattern = re.compile(b"|".join(re.escape(host).encode() for host in sorted(hosts)))
    naming = [
        f"{name}: {found[0].decode()}"
        for name in tracked_files()
        if (found := pattern.search((ROOT / name).read_bytes()))
    ]
    assert naming == []


def test_the_locks_hold_a_hash_for_every_package_and_agree_with_each_other() -> None:
    locks = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*.txt")}
    pins: dict[str, set[str]] = {}
    for text in locks.values():
        for pin in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            head = pin.partition(" \\")[0]
            name, _, version = head.partition(" ;")[0].partition("==")
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), name
            # One version of each, or one for each Python where a package's newest does not run on the oldest.
            pins.setdefault(f"{name}{head.partition(' ;')[2]}", set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}
    running = re.findall(r"^[a-z0-9-]+==", locks["runtime"], re.MULTILINE)
    assert set(running) <= set(re.findall(r"^[a-z0-9-]+==", locks["dev"], re.MULTILINE))
