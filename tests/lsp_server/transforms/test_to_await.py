"""`to-await`: Node.js runs the function before and after, and both come to the same."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from lsp_server.transforms.applying import change_of
from lsp_server.transforms.convert.awaiting import ToAwait
from tests.lsp_server.transforms.test_golden import opened

CASES = [
    "async function f(a) {\n  return load(a).‸then((b) => {\n    b += 1;\n    return load(b);\n  }).then((c) => c * 2);\n}\n",
    "async function f(a) {\n  return load([a, 2]).‸then(([b, c]) => b + c).then((d) => ({ d }));\n}\n",
    "async function f(a) {\n  let said = 0;\n  await load(a).‸then((b) => { said = b; });\n  return said;\n}\n",
    "async function f(a) {\n  const b = await load(a).‸then(() => load(7)).then((c) => c + 1);\n  return b;\n}\n",
    "async function f(a) {\n  try {\n    await fail(a).‸then((b) => b);\n  } catch (e) {\n    return e + 1;\n  }\n}\n",
    "async function f(a) {\n  if (a) {\n    return load(a).‸then((b) => { log(b); });\n  }\n  return 9;\n}\n",
    "async function f(a) {\n  return load(a).‸then(async (b) => {\n    const c = await load(b);\n    return c + 1;\n  });\n}\n",
]
PROGRAM = """
const said = [];
const load = async (x) => { said.push(["load", x]); return x; };
const fail = async (x) => { throw x; };
const log = (x) => said.push(["log", x]);
f(3).then((value) => console.log(JSON.stringify([value, said])));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")
@pytest.mark.parametrize("text", CASES)
def test_it_does_the_same(text: str) -> None:
    snapshot, region = opened(text, "javascript")
    after = change_of(ToAwait(), snapshot, region, answers={}).source.decode()
    assert ".then(" not in after
    results = [
        subprocess.run(["node", "-e", source + PROGRAM], capture_output=True, text=True, check=True, timeout=60).stdout
        for source in (snapshot.source.decode(), after)
    ]
    assert results[0] == results[1] != ""
