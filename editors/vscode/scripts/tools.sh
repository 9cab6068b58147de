#!/usr/bin/env bash
# Install what the tests in the real editor need into .tools: VS Code for the browser, and what drives the browser.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted="code-server@4.139.1 playwright-core@1.65.1"
[ "$(cat .tools/.installed 2>/dev/null)" != "$wanted" ] || exit 0
echo "Installing $wanted into editors/vscode/.tools …" >&2
rm -rf .tools
mkdir .tools
echo '{"private": true}' >.tools/package.json
approves() { npm install-scripts --help >/dev/null 2>&1; }  # npm 11.19 and newer skip scripts that nobody has approved
log=$PWD/.tools/install.log
{
  cd .tools
  # shellcheck disable=SC2086
  npm install --no-audit --no-fund --save-exact $wanted &&
    { ! approves || { npm install-scripts approve code-server argon2 && npm rebuild; }; } &&
    cd node_modules/code-server/lib/vscode &&
    { ! approves || { npm install-scripts approve --all && npm rebuild; }; }
} >"$log" 2>&1 || { tail -30 "$log" >&2; exit 1; }
cd "$(dirname "$log")"
node node_modules/code-server/out/node/entry.js --version >/dev/null
echo "$wanted" >.installed
