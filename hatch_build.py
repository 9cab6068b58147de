"""Hatchling's hooks, which run with hatchling alone. One compiles the kernel when a wheel or an editable install is made.

With the kernel a wheel is for one platform and any Python (the library is plain C, called by ctypes); without a
compiler it is for all, and fills run on NumPy. The other makes a package's description of the README.
"""

from __future__ import annotations

import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

KERNEL = "model/backends/builtin/kernel"


class KernelHook(BuildHookInterface[Any]):
    """What hatchling calls before and after it writes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Puts the kernel into the wheel, or beside its sources if the install is editable."""
        sys.path.insert(0, self.root)  # the packages around it are empty: nothing that dlm-fill requires is imported
        self._scratch = tempfile.TemporaryDirectory(prefix="dlm-fill-")
        if version != "editable":  # there the weights lie beside the sources
            build_data["dependencies"] += import_module("data_wheels").required(self.metadata.version, Path(self.root))
        native = import_module(KERNEL.replace("/", ".") + ".build")
        try:
            if version == "editable":
                native.up_to_date()
            else:
                self._include(native, build_data)
        except native.BuildFailed as error:
            if native.required():
                self.app.abort(f"{error.output}\n{native.REQUIRE} is set, and {error}".strip())
            self.app.display_warning(error.consequence)

    def _include(self, native: ModuleType, build_data: dict[str, Any]) -> None:
        # Compiled anew, elsewhere: what lies beside the sources may be older than them, or of another machine.
        product = Path(self._scratch.name, native.PRODUCT)
        native.build(Path(self.root, KERNEL), product)
        platform = self.build_config.builder.get_best_matching_tag().rpartition("-")[2]
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        build_data["force_include"][str(product)] = f"{KERNEL}/{product.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The wheel is written: what was compiled for it may go."""
        self._scratch.cleanup()


class DescriptionHook(MetadataHookInterface):
    """The README as a package index shows it, which has no other file of ours beside it.

    A link to another file becomes its text; a picture, and a comment, go.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Puts the description into the metadata."""
        text = Path(self.root, "README.md").read_text("utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": description(text)}


def description(readme: str) -> str:
    """The README without comments, and without pictures (with their captions) and links that are no whole URLs."""
    prose, fence = re.compile(r"<!--.*?-->\n|^!\[[^]]*\]\((?!https?:)(?:.+\n)+\n", re.MULTILINE), "```"
    link = re.compile(r"\[([^]]*)\]\((?!https?:)[^)]*\)")
    parts = readme.split(fence)
    parts[::2] = [link.sub(r"\1", prose.sub("", part)) for part in parts[::2]]  # between them is code
    return fence.join(parts)
