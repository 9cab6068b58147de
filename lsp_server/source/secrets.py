"""File names that stand for secrets: what is never shown to a model unless its owner says so."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePath

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


def secret_pattern(path: PurePath) -> str | None:
    """The pattern by which `path` is that of a secret, whatever the case of its letters; None for other files."""
    *folders, name = (part.lower() for part in path.parts) if path.parts else ("",)
    for folder in _FOLDERS:
        if folder in folders:
            return f"{folder}/*"
    place = "/".join([*folders[-1:], name])
    patterns = (pattern for pattern in (*_NAMES, *_PLACES) if fnmatchcase(place if "/" in pattern else name, pattern))
    return next(patterns, None)
