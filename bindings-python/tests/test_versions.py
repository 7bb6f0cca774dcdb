"""Every version of Python at hand, with what only some of them have: the one library is the same in each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import tenantry
from conftest import pythons

PACKAGE = Path(tenantry.__file__).parent.parent
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import asyncio, copy, dataclasses, datetime, gc, pickle, uuid, warnings
from typing import Annotated, NamedTuple, Optional, ParamSpec
from tenantry import Shield, Tenantry

client = Tenantry(in_memory=True, deadline_ms=30_000)
client.admin.accounts.create("acme"); client.admin.projects.create("acme", "prod")
acme = client.tenant("acme", "prod")
shield = Shield(acme, mode="modify")
MAIL, REDACTED = "write to ada@example.com today", "write to [EMAIL] today"

P = ParamSpec("P")
def passed(*args: P.args, **kwargs: P.kwargs): return args, kwargs
assert shield.prompt(passed)(MAIL, x=MAIL) == ((REDACTED,), {"x": REDACTED})
def optional(question: Annotated[Optional[str], 1] = None): return question
assert shield.prompt(optional)(MAIL) == REDACTED
if sys.version_info >= (3, 12):
    exec('''
type Text = str
type Texts = list[str]
type Maybe[X] = X | None
def aliased(count: int, question: Text): return question
def listed(questions: Texts): return questions
def maybe(question: Maybe[str]): return question
def bound[S: str](question: S) -> S: return question
def spread[**Q](*args: Q.args, **kwargs: Q.kwargs): return args, kwargs
''')
    assert shield.prompt(aliased)(1, MAIL) == shield.prompt(maybe)(MAIL) == shield.prompt(bound)(MAIL) == REDACTED
    assert shield.prompt(listed)([MAIL]) == [REDACTED]
    assert shield.prompt(spread)(MAIL, x=MAIL) == ((REDACTED,), {"x": REDACTED})

@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    text: str
    when: datetime.datetime
    id: uuid.UUID
class Pair(NamedTuple):
    text: str
mail = Mail(MAIL, datetime.datetime.now(), uuid.UUID(int=5))
same = shield.tool(name="search")(lambda value: value)
assert same(mail) == dataclasses.replace(mail, text=REDACTED)
assert type(same(Pair(MAIL))) is Pair and same(Pair(MAIL)).text == REDACTED

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    acme.guard.aevaluate_prompt("x")
    gc.collect()
assert [str(one.message) for one in caught] == ["coroutine 'Guard.aevaluate_prompt' was never awaited"]

response = acme.guard.evaluate_prompt(MAIL, mode="modify", explain=True)
assert pickle.loads(pickle.dumps(response)) == response == copy.deepcopy(response)

async def gathered():
    return await asyncio.gather(*[acme.guard.aevaluate_prompt("x") for _ in range(3)])
assert all(answer.allowed for answer in asyncio.run(gathered()))
if hasattr(asyncio, "eager_task_factory"):
    async def eager():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await asyncio.create_task(acme.guard.aevaluate_prompt("x"))
    assert asyncio.run(eager()).allowed
client.close()
print("all of it")
"""


@pytest.mark.parametrize("python", pythons(), ids=lambda path: path.strip("/").replace("/", "-"))
def test_the_library_is_the_same_in_every_version(python: str) -> None:
    command = [python, "-I", "-W", "error", "-c", PROGRAM, str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "all of it\n", "")
