"""What is shipped: one wheel with the five packages and the data they read, and nothing of the workshop.

The import names are an application's, so no other distribution in the environment may claim them.
"""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_house import ROOT, imported_packages, tracked_files

PACKAGES = ("schema", "authz", "resolvers", "server", "migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_packages_and_nothing_of_the_workshop(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert [name for name in wheel.namelist() if "node_modules" in name or "__pycache__" in name] == []
    graphiql = [name for name in wheel.namelist() if name.startswith("server/graphiql/")]
    assert [name for name in graphiql if not name.startswith("server/graphiql/dist/")] == []


def test_the_wheel_holds_every_tracked_file_of_its_packages(wheel: zipfile.ZipFile) -> None:
    shipped = [name for name in tracked_files() if name.partition("/")[0] in PACKAGES]
    shipped = [name for name in shipped if not name.startswith("server/graphiql/")]
    assert sorted(set(shipped) - set(wheel.namelist())) == []
    for package in ("schema", "authz", "resolvers", "server"):
        assert f"{package}/py.typed" in wheel.namelist()


def test_the_wheel_alone_prints_the_schema(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = (
        "import sys, server; from pathlib import Path; from server.cli import main; "
        "assert Path(server.__file__).is_relative_to(Path.cwd()); sys.argv = ['fieldgate', 'schema']; main()"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "type Query" in ran.stdout


def test_the_wheel_holds_the_built_graphiql_page(wheel: zipfile.ZipFile) -> None:
    if not (ROOT / "server" / "graphiql" / "dist").is_dir():
        pytest.skip("the GraphiQL page is not built: run `make test`")
    assert "server/graphiql/dist/index.html" in wheel.namelist()


def test_the_distribution_cannot_be_uploaded_and_says_its_licence(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = wheel.read(name).decode()
    assert "Classifier: Private :: Do Not Upload" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())


def test_no_other_distribution_claims_an_import_name_of_ours() -> None:
    claims = packages_distributions()
    assert {name: set(claims[name]) for name in PACKAGES if set(claims.get(name, ())) - {"fieldgate"}} == {}


def test_every_package_that_a_server_needs_is_pinned_as_asked_and_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {canonicalize_name(need.name): need for need in map(Requirement, project["dependencies"])}
    lock = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==(\S+)", lock, re.MULTILINE))
    assert {name for name, need in needed.items() if pinned.get(name, "0") not in need.specifier} == set()

    files = [ROOT / name for name in tracked_files() if name.endswith(".py") and name.partition("/")[0] in PACKAGES]
    imported = {name for file in files for name in imported_packages(file)}
    provides = packages_distributions()
    used = {canonicalize_name(owner) for name in imported for owner in provides.get(name, ())}
    # The server program takes these two by itself when they are there.
    assert set(needed) - used - {"uvloop", "httptools"} == set()


def test_the_console_command_is_installed() -> None:
    (command,) = distribution("fieldgate").entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("fieldgate", "server.cli:main")
