"""The commands of `dlm-fill` by name: where each is found, and what it does in a line. They are imported when called."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "refactor": (
        "lsp_server.cli.refactoring.refactor:main",
        "Refactor code: rename, extract, inline … (`refactor --list FILE:LINE:COL` tells what is possible there).",
    ),
    "lsp": ("lsp_server.cli.lsp:main", "Serve editors: a language server over standard input and output."),
    "serve": ("lsp_server.serve.serve:main", "Serve completion clients over HTTP: a team's, or your own editor's."),
    "settings": (
        "lsp_server.configuration.show_settings:main",
        "List the settings of the language server, or their JSON schema.",
    ),
    "train": (
        "model.lab.train.train:main",
        "Make the built-in model: prune and quantise published weights, train an adapter.",
    ),
    "tune": ("model.lab.tune.tune:main", "Continue the model on your own code, and keep it if that helped."),
    "eval": (
        "model.lab.eval.evaluate:main",
        (
            "Measure the quality of fills on held-out code (`eval languages`: by language, `eval manners`: when to be"
            " silent, `eval refactor`: whether refactorings preserve what code means)."
        ),
    ),
    "stats": ("lsp_server.feedback.report:main", "Tell what became of suggestions in editors, on this machine."),
    "models": ("model.backends.list_models:main", "List the models there are, and fetch one."),
    "doctor": ("lsp_server.cli.doctor:main", "Tell what this machine has for models, and what it lacks."),
    "bench": (
        "lsp_server.bench.bench:main",
        "Measure speed: `bench cut`, `bench server`, `bench storm`, `bench fill`, `bench engine`, `bench gpu`, `bench drift`.",
    ),
}
