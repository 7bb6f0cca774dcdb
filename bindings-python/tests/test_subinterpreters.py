"""Other interpreters of a process are told why they cannot import the package: in any version, whoever comes first."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import tenantry
from conftest import pythons

PACKAGE = Path(tenantry.__file__).parent.parent
CHILD = """
import sys
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters

attempt = '''
import sys
sys.path.insert(0, {path!r})
for _ in range(2):
    try:
        import tenantry
    except ImportError as error:
        print("refused", "subinterpreter" in str(error), flush=True)
    else:
        print("imported", flush=True)
'''.format(path=sys.argv[1])

def elsewhere():
    other = interpreters.create()
    problem = interpreters.run_string(other, attempt)
    if problem is not None: print(problem, flush=True)
    interpreters.destroy(other)

def here():
    sys.path.insert(0, sys.argv[1])
    from tenantry import NotFound, Tenantry
    with Tenantry(in_memory=True) as client:
        try:
            client.tenant("nobody", "prod")
        except NotFound:
            print("caught", flush=True)

for step in sys.argv[2].split(","):
    globals()[step]()
print("end", flush=True)
"""


@pytest.mark.parametrize("steps", ["elsewhere", "here,elsewhere,here", "elsewhere,here", "elsewhere,elsewhere,here"])
@pytest.mark.parametrize("python", pythons(), ids=lambda path: path.strip("/").replace("/", "-"))
def test_another_interpreter_is_told_why_it_cannot_import(python: str, steps: str) -> None:
    command = [python, "-I", "-c", CHILD, str(PACKAGE), steps]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))
    expected = {"elsewhere": ["refused True"] * 2, "here": ["caught"]}
    assert done.stdout.splitlines() == [line for step in steps.split(",") for line in expected[step]] + ["end"], (
        done.stderr
    )
    assert done.returncode == 0
