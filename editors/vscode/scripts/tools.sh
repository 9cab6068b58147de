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
# npm 11.19 and newer skip scripts that nobody has approved, except where they run code-server's: then all is built already, and
# building it again would take minutes.
built() { [ -e "$code/node_modules/@vscode/spdlog/build/Release/spdlog.node" ] || ! npm install-scripts --help >/dev/null 2>&1; }
log=$PWD/.tools/install.log
code=$PWD/.tools/node_modules/code-server/lib/vscode
{
  cd .tools
  # shellcheck disable=SC2086
  npm install --no-audit --no-fund --save-exact $wanted &&
    { built || { npm install-scripts approve code-server argon2 && npm rebuild; }; } &&
    { built || { cd "$code" && npm install-scripts approve --all && npm rebuild; }; }
} >"$log" 2>&1 || { tail -30 "$log" >&2; exit 1; }
cd "$(dirname "$log")"
node node_modules/code-server/out/node/entry.js --version >/dev/null
echo "$wanted" >.installed
