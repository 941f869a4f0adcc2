#!/usr/bin/env bash
# Sigstore's conformance suite, by its commit. `run PATTERN COMMAND` runs the tests that a pattern of pytest names against
# COMMAND, with the instance that the files SUITE_TOKEN, SUITE_ROOT and SUITE_CONFIG describe (server/conformance_instance.py).
# The suite's own client, which checks what was signed, is sigstore-python.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
commit=a73de4970176d258e0154c530b89d20b89444e4d
suite=$CACHE/sigstore-conformance

case $1 in
install)
  python_program pytest 9.1.1 pytest pytest-subtests==0.15.0 sigstore-protobuf-specs==0.5.1 cryptography==50.0.0 \
    platformdirs==4.11.1 urllib3==2.7.0 >/dev/null
  locked
  if [[ $(git -C "$suite" rev-parse HEAD 2>/dev/null) != "$commit" ]]; then
    rm -rf "$suite"
    git clone -q --no-checkout https://github.com/sigstore/sigstore-conformance "$suite" >"$CACHE/sigstore-conformance.log" 2>&1 ||
      unreachable "cloning the conformance suite failed: $(tail -n 1 "$CACHE/sigstore-conformance.log")"
    git -C "$suite" checkout -q "$commit"
  fi
  printf '%s\n' "$suite"
  ;;
run)
  cd "$suite"
  export GHA_SIGSTORE_CONFORMANCE_SELFTEST_ENV=$CACHE/python-sigstore PYTHONPATH=$here/../server PYTHONDONTWRITEBYTECODE=1
  exec "$CACHE/python-pytest/bin/pytest" -q -p conformance_instance -p no:cacheprovider --entrypoint "$3" -k "$2" test
  ;;
*) exit 2 ;;
esac
