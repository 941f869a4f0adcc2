#!/usr/bin/env bash
# sigstore-js: verifies our bundles independently. `verify ROOT BUNDLE` exits 0 when it does; `verify ROOT BUNDLE KEY`
# the same for a public key. It is a library, hence the few lines in sigstore-js.mjs. It looks at no artifact.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  npm_packages sigstore-js @sigstore/verify@4.1.3 @sigstore/bundle@5.0.1 @sigstore/protobuf-specs@0.5.2
  ;;
verify) node "$(dirname "${BASH_SOURCE[0]}")/sigstore-js.mjs" "$CACHE/npm-sigstore-js" "${@:2}" ;;
*) exit 2 ;;
esac
