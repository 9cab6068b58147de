#!/usr/bin/env bash
# Print the folder of Node.js 24, which code-server wants and vsce and vitest need: the machine's own, else one from npm.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ "$(node --version 2>/dev/null)" == v24.* ]]; then
  dirname "$(command -v node)"
  exit
fi
command -v npm >/dev/null || { echo "the VS Code extension needs Node.js with npm: install nodejs and npm" >&2; exit 1; }
bin="$PWD/.node/node_modules/node/bin"
if [[ "$("$bin/node" --version 2>/dev/null)" != v24.* ]]; then
  mkdir -p .node
  echo '{"private": true}' >.node/package.json
  (
    cd .node
    npm install --no-audit --no-fund --silent --save-exact node@24.9.0
    # npm 11.19 and newer run no install scripts that nobody has approved.
    [ -x node_modules/node/bin/node ] || { npm install-scripts approve node && npm rebuild --silent; }
  ) >&2
fi
echo "$bin"
