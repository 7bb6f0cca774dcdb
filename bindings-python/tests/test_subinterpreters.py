"""Other interpreters of a process are told why they cannot import the package: in any version, whoever comes first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tenantry

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


def pythons() -> list[str]:
    """Every Python at hand that the library is made for."""
    found = {sys.executable}
    for name in ("python3.10", "python3.11", "python3.12", "python3.13"):
        path = shutil.which(name)
        found.update([path] if path else [])
    # Where versions are installed side by side, those beside this one.
    found.update(str(path) for path in Path(sys.base_prefix).parent.glob("3.1[0-3].*/bin/python3"))
    return sorted(path for path in found if works(path))


def works(python: str) -> bool:
    code = (
        "import sys\ntry: import _xxsubinterpreters\nexcept ImportError: import _interpreters\n"
        "print(sys.version_info >= (3, 10))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == "True"


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
