#!/usr/bin/env bash
# Trillian: what the certificate log and Rekor v1 keep their trees in, itself over PostgreSQL. Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  for program in trillian_log_server trillian_log_signer createtree; do
    go_install "$program" github.com/google/trillian v1.8.0 "github.com/google/trillian/cmd/$program"
  done
  if [[ ! -s $CACHE/trillian.sql ]]; then
    cp "$(go env GOMODCACHE)/github.com/google/trillian@v1.8.0/storage/postgresql/schema/storage.sql" "$CACHE/trillian.sql.new" ||
      cannot "Trillian's schema is not where Go keeps modules"
    mv "$CACHE/trillian.sql.new" "$CACHE/trillian.sql"
  fi
  ;;
*) exit 2 ;;
esac
