"""File names that stand for secrets: what is never shown to a model unless its owner says so.

Source code is none, whatever it is called: `credentials.py` handles credentials, `credentials` and `credentials.json` hold
them. Shell scripts and files of settings are no source code here, for secrets are kept in them.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePath

from lsp_server.code.languages.table import LANGUAGES

_NAMES = (
    *(".env*", "*.env"),
    # Keys and certificates.
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.ppk"),
    *("*.crt", "*.cer", "*.der", "*.p7b", "*.jks", "*.keystore", "*.gpg", "*.kdb", "*.kdbx"),
    # Credentials.
    *("credentials*", "secret.json", "secret.y*ml", "secrets.*", "client_secret*.json", "service-account*.json"),
    *(".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials", ".dockercfg"),
    *(".boto", ".s3cfg", ".vault-token", ".vault_pass*", "*.tfstate*", "*.tfvars"),
)
_FOLDERS = (".ssh", ".gnupg", ".aws", ".azure", ".password-store")
_PLACES = (".kube/config", ".docker/config.json", "gh/hosts.yml")
_ALWAYS = frozenset((".env*",))
"""Names of secrets whatever their extension: `.env.ts` says who it belongs to."""
_NO_SOURCE = frozenset(("bash", "json", "yaml", "toml", "markdown"))
_SOURCE = frozenset(ending for one in LANGUAGES if one.name not in _NO_SOURCE for ending in one.extensions) | frozenset(
    (
        *(
            ".kt",
            ".kts",
            ".swift",
            ".scala",
            ".sc",
            ".dart",
            ".vue",
            ".svelte",
            ".astro",
            ".groovy",
            ".gradle",
            ".m",
            ".mm",
        ),
        *(
            ".ex",
            ".exs",
            ".erl",
            ".hrl",
            ".hs",
            ".lhs",
            ".ml",
            ".mli",
            ".fs",
            ".fsi",
            ".fsx",
            ".vb",
            ".clj",
            ".cljs",
            ".cljc",
        ),
        *(
            ".pl",
            ".pm",
            ".t",
            ".r",
            ".jl",
            ".zig",
            ".nim",
            ".cr",
            ".elm",
            ".sol",
            ".proto",
            ".graphql",
            ".gql",
            ".thrift",
        ),
        *(
            ".d",
            ".pas",
            ".f90",
            ".f95",
            ".lisp",
            ".el",
            ".scm",
            ".rkt",
            ".tcl",
            ".v",
            ".sv",
            ".vhd",
            ".vhdl",
            ".asm",
            ".s",
        ),
        *(".coffee", ".scss", ".sass", ".less", ".ejs", ".erb", ".hbs", ".jinja", ".j2", ".twig", ".cshtml", ".razor"),
        *(".move", ".gleam", ".odin", ".hx", ".as", ".ino", ".pyx", ".pxd", ".metal", ".glsl", ".wgsl", ".hlsl"),
    )
)


def secret_pattern(path: PurePath) -> str | None:
    """The pattern by which `path` is that of a secret, whatever the case of its letters; None for other files."""
    *folders, name = (part.lower() for part in path.parts) if path.parts else ("",)
    for folder in _FOLDERS:
        if folder in folders:
            return f"{folder}/*"
    place = "/".join([*folders[-1:], name])
    named = (pattern for pattern in (*_NAMES, *_PLACES) if fnmatchcase(place if "/" in pattern else name, pattern))
    source = PurePath(name).suffix in _SOURCE
    return next((pattern for pattern in named if not source or pattern in _ALWAYS), None)
