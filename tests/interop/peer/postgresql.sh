#!/usr/bin/env bash
# PostgreSQL 15 of Debian: where Trillian keeps its trees. Unpacked, not installed, when the machine has none, so that no
# service is changed and no root is needed. Prints the folder of its programs. Started by sigstore.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install)
  folder=/usr/lib/postgresql/15/bin
  if [[ ! -x $folder/initdb ]]; then
    locked
    folder=$CACHE/postgresql/usr/lib/postgresql/15/bin
    if [[ ! -x $folder/initdb ]]; then
      rm -rf "$CACHE/postgresql"
      mkdir -p "$CACHE/postgresql"
      cd "$CACHE/postgresql"
      # With the libraries that a small machine may lack; what a library needs further, the package manager would know.
      apt download postgresql-15 postgresql-client-15 libpq5 libxml2 libldap-2.5-0 libicu72 libsasl2-2 \
        libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libssl3 libreadline8 libedit2
      for package in *.deb; do dpkg -x "$package" . >&2; done
      rm -- *.deb
    fi
    export LD_LIBRARY_PATH=$CACHE/postgresql/usr/lib/x86_64-linux-gnu
  fi
  version=$("$folder/postgres" --version 2>&1) || cannot "PostgreSQL 15 does not run here: $version"
  printf '%s\n' "$folder"
  ;;
*) exit 2 ;;
esac
