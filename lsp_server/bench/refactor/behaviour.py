"""Whether a module of the standard library still passes its own tests when its source was refactored."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

TESTS: Mapping[str, str] = MappingProxyType(
    {
        "textwrap": "test_textwrap", "shlex": "test_shlex", "colorsys": "test_colorsys", "fnmatch": "test_fnmatch",
        "difflib": "test_difflib", "fractions": "test_fractions", "configparser": "test_configparser",
        "quopri": "test_quopri", "base64": "test_base64", "html.parser": "test_htmlparser", "graphlib": "test_graphlib",
        "getopt": "test_getopt", "optparse": "test_optparse", "ipaddress": "test_ipaddress", "pprint": "test_pprint",
        "reprlib": "test_reprlib", "calendar": "test_calendar", "csv": "test_csv", "string": "test_string",
        "urllib.parse": "test_urlparse", "bisect": "test_bisect", "cmd": "test_cmd", "netrc": "test_netrc",
        "plistlib": "test_plistlib", "sched": "test_sched", "glob": "test_glob", "dataclasses": "test_dataclasses",
    }
)  # fmt: skip
"""Modules that are Python alone and touch little else, with their tests of the package `test`."""

_RUN = """
import importlib.util, linecache, sys, types, unittest
name, test = sys.argv[1:]
spec = importlib.util.find_spec(name)
module = types.ModuleType(name)
module.__file__, module.__spec__, module.__package__ = spec.origin, spec, name.rpartition(".")[0]
if "." in name:
    setattr(importlib.import_module(module.__package__), name.rpartition(".")[2], module)
sys.modules[name] = module
source = sys.stdin.buffer.read()
lines = source.decode("utf-8").splitlines(True)
linecache.cache[spec.origin] = len(source), None, lines, spec.origin  # tracebacks show these lines, not the file's
exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)
suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{test}")
result = unittest.TextTestRunner(stream=open("/dev/null", "w"), failfast=True).run(suite)
broken = [*result.failures, *result.errors]
print(broken[0][1][-600:] if broken else "")
print(result.testsRun, len(broken), sep=" ")
"""
_TIMEOUT_S = 120


def module_files() -> dict[Path, str]:
    """The files of the modules that have tests here."""
    found = {}
    for name, test in TESTS.items():
        spec = find_spec(name)
        if spec is not None and spec.origin is not None and find_spec(f"test.{test}") is not None:
            found[Path(spec.origin)] = name
    return found


def why_tests_fail(module: str, source: str) -> str:
    """The first failure of the module's own tests with this source; "" if all pass. None run is a failure, too."""
    command = [sys.executable, "-W", "ignore", "-c", _RUN, module, TESTS[module]]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        with TemporaryDirectory() as folder:  # some tests leave files where they run
            done = subprocess.run(
                command, input=source.encode("utf-8"), capture_output=True, timeout=_TIMEOUT_S, check=False,
                env=environment, cwd=folder,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"the tests of {module} did not end within {_TIMEOUT_S} s"
    said = done.stdout.decode("utf-8", "replace").strip().splitlines()
    counts = said[-1].split() if said else []
    if done.returncode or len(counts) != 2 or counts[0] == "0":
        return f"the tests of {module} did not run: {done.stderr.decode('utf-8', 'replace')[-600:]}"
    return "" if counts[1] == "0" else "\n".join(said[:-1])
