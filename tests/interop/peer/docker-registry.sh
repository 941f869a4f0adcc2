#!/usr/bin/env bash
# docker-registry 2.8 of Debian: a registry without the referrers API. The package is unpacked, not installed, so that
# no service of the machine is changed and no root is needed. `start DIR HTPASSWD` starts one that asks for a password.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
program=$CACHE/docker-registry/usr/bin/docker-registry

case $1 in
install)
  locked
  if [[ $("$program" --version 2>/dev/null) != *' 2.8.'* ]]; then
    rm -rf "$CACHE/docker-registry"
    mkdir -p "$CACHE/docker-registry"
    cd "$CACHE/docker-registry"
    apt download docker-registry
    dpkg -x docker-registry_*.deb . >&2
    [[ $("$program" --version) == *' 2.8.'* ]] || cannot "docker-registry 2.8 expected, found: $("$program" --version)"
  fi
  printf '%s\n' "$program"
  ;;
start)
  port=$(free_port)
  cat >"$2/docker-registry.yaml" <<YAML
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $2/docker-registry }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
YAML
  if [[ -n ${3:-} ]]; then
    printf 'auth: { htpasswd: { realm: registry, path: %s } }\n' "$3" >>"$2/docker-registry.yaml"
  fi
  start_http docker-registry "$2" "$port" "$program" serve "$2/docker-registry.yaml"
  ;;
stop) stop docker-registry "$2" ;;
*) exit 2 ;;
esac
