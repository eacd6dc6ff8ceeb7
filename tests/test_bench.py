"""The bench runs, and its three servers answer with the same data. Its figures are for `make bench` to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_house import ROOT


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the bench reads CPU times from /proc")
def test_the_bench_asks_each_query_of_three_servers_that_answer_alike(tmp_path: Path) -> None:
    written = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", "--quick", f"--json={written}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout
    queries = json.loads(written.read_text(encoding="utf-8"))["queries"]
    assert {each["server"] for each in queries} == {"fieldgate", "hand-written endpoint", "permission classes"}
    assert len(queries) == 3 * 5
    assert all(each["requests"] >= 1 and each["cpu_ms"][0] > 0 for each in queries)
