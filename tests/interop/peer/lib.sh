# shellcheck shell=bash
# What every peer script uses. A peer script is called with:
#   install      makes the program available in the cache folder and prints its path; exit 77 and a reason if it cannot,
#                69 if the one host that has it is not reached from here
#   start DIR    (servers) starts it on a free loopback port, waits until it answers, prints ADDRESS:PORT,
#                and leaves DIR/NAME.pid for whoever stops it
#   stop DIR     (servers) stops the process that `start` left there
# Versions are pinned in the scripts. Everything is kept outside the repository.

CACHE=${ATTEST_INTEROP_CACHE:-$HOME/.cache/attest-interop}
mkdir -p "$CACHE/bin"
PYTHON=${PYTHON:-python3}

cannot() {
  printf '%s\n' "$*" >&2
  exit 77
}

# unreachable REASON: the peer is had from a source host alone, and this machine does not reach it.
unreachable() {
  printf '%s\n' "$*" >&2
  exit 69
}

# One installation at a time, also between two runs of the suite.
locked() {
  exec 9>"$CACHE/lock"
  flock -w 1200 9 || cannot "another installation holds $CACHE/lock"
}

# go_version PROGRAM MODULE: the version of MODULE that PROGRAM was built from.
go_version() {
  command -v go >/dev/null || return 0
  go version -m "$1" 2>/dev/null | awk -v module="$2" '($1 == "mod" || $1 == "dep") && $2 == module { print $3; exit }'
}

# go_install NAME MODULE VERSION PACKAGE: `go install`, only when the program of that version is not there.
go_install() {
  local name=$1 module=$2 version=$3 package=$4
  locked
  if [[ $(go_version "$CACHE/bin/$name" "$module") != "$version" ]]; then
    command -v go >/dev/null || cannot "$name $version needs Go to be built, and there is no go"
    (cd "$CACHE" && CGO_ENABLED=0 GOBIN="$CACHE/bin" go install -ldflags='-s -w' "$package@$version") \
      >"$CACHE/$name.log" 2>&1 || cannot "go install of $name $version failed: $(tail -n 1 "$CACHE/$name.log")"
  fi
  printf '%s\n' "$CACHE/bin/$name"
}

# go_module NAME MODULE VERSION PACKAGE: for programs whose own go.mod cannot be installed: a small module around it.
go_module() {
  local name=$1 module=$2 version=$3 package=$4
  locked
  if [[ $(go_version "$CACHE/bin/$name" "$module") != "$version" ]]; then
    command -v go >/dev/null || cannot "$name $version needs Go to be built, and there is no go"
    local folder="$CACHE/build-$name"
    rm -rf "$folder"
    mkdir -p "$folder"
    printf 'module interop\n\ngo 1.24\n\nrequire %s %s\n' "$module" "$version" >"$folder/go.mod"
    printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$package" >"$folder/tools.go"
    (cd "$folder" && go mod tidy && CGO_ENABLED=0 go build -ldflags='-s -w' -o "$CACHE/bin/$name" "$package") \
      >"$CACHE/$name.log" 2>&1 || cannot "building $name $version failed: $(tail -n 1 "$CACHE/$name.log")"
  fi
  printf '%s\n' "$CACHE/bin/$name"
}

# go_source NAME MODULE VERSION FILE: a program of a few lines around a library.
go_source() {
  local name=$1 module=$2 version=$3 file=$4 folder=$CACHE/build-$1
  locked
  if [[ $(go_version "$CACHE/bin/$name" "$module") != "$version" ]] || ! cmp -s "$file" "$folder/main.go"; then
    command -v go >/dev/null || cannot "$name $version needs Go to be built, and there is no go"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$file" "$folder/main.go"
    printf 'module interop\n\ngo 1.24\n\nrequire %s %s\n' "$module" "$version" >"$folder/go.mod"
    (cd "$folder" && go mod tidy && CGO_ENABLED=0 go build -ldflags='-s -w' -o "$CACHE/bin/$name" .) \
      >"$CACHE/$name.log" 2>&1 || cannot "building $name $version failed: $(tail -n 1 "$CACHE/$name.log")"
  fi
  printf '%s\n' "$CACHE/bin/$name"
}

# apt COMMAND...: apt-get; package lists are fetched once, and only when the command fails without.
apt() {
  command -v apt-get >/dev/null || cannot "$1 of ${*: -1} needs Debian's apt-get, which is not here"
  if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" >"$CACHE/apt.log" 2>&1; then
    apt-get -qq update >"$CACHE/apt.log" 2>&1 || cannot "apt-get update failed: $(tail -n 1 "$CACHE/apt.log")"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" >"$CACHE/apt.log" 2>&1 ||
      cannot "apt-get $* failed: $(tail -n 1 "$CACHE/apt.log")"
  fi
}

# apt_program PACKAGE PROGRAM: PROGRAM of the machine, from Debian's PACKAGE where it is missing.
apt_program() {
  if ! command -v "$2" >/dev/null; then
    locked
    [[ $(id -u) == 0 ]] || cannot "$2 is missing and installing Debian's $1 needs root"
    apt install --no-install-recommends "$1"
    hash -r
  fi
  command -v "$2" || cannot "Debian's $1 brought no $2"
}

# python_program PROGRAM VERSION PACKAGE...: a program of the pinned first package, in an environment of its own. Prints it.
python_program() {
  local program=$1 version=$2 folder=$CACHE/python-$1
  shift 2
  locked
  if [[ $("$folder/bin/pip" show "$1" 2>/dev/null | sed -n 's/^Version: //p') != "$version" ]]; then
    rm -rf "$folder"
    "$PYTHON" -m venv "$folder" >"$CACHE/$program.log" 2>&1 || cannot "no Python environment for $program: $(tail -n 1 "$CACHE/$program.log")"
    "$folder/bin/pip" -q install "$1==$version" "${@:2}" >"$CACHE/$program.log" 2>&1 ||
      cannot "installing $program $version failed: $(tail -n 1 "$CACHE/$program.log")"
  fi
  printf '%s\n' "$folder/bin/$program"
}

# npm_packages NAME PACKAGE@VERSION...: packages in a folder of their own. Prints the folder.
npm_packages() {
  local name=$1 folder=$CACHE/npm-$1
  shift
  locked
  if [[ $(cat "$folder/installed" 2>/dev/null) != "$*" ]]; then
    command -v npm >/dev/null || cannot "$name needs npm, which is not here"
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && npm install --no-audit --no-fund --ignore-scripts "$@") >"$CACHE/$name.log" 2>&1 ||
      cannot "installing $name failed: $(grep -m 1 'npm error' "$CACHE/$name.log" || tail -n 1 "$CACHE/$name.log")"
    printf '%s' "$*" >"$folder/installed"
  fi
  printf '%s\n' "$folder"
}

# free_port [COUNT]: ports that nobody listens at, from below those that connections are made from: one of these may be
# taken at any moment.
free_port() {
  "$PYTHON" - "${1:-1}" <<'PY'
import random, socket, sys

held = []
for port in random.sample(range(10000, 32000), 2000):
    try:
        held.append(socket.create_server(("", port)))
    except OSError:
        continue
    if len(held) == int(sys.argv[1]):
        break
print(*(s.getsockname()[1] for s in held))
PY
}

# Whether a registry answers at all; a demand for a password is an answer.
answers='
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError as error:
    sys.exit(error.code != 401)
'

# start_http NAME DIR PORT COMMAND...: starts a registry and waits until /v2/ answers.
start_http() {
  local name=$1 dir=$2 port=$3
  shift 3
  "$@" >"$dir/$name.log" 2>&1 </dev/null &
  local pid=$! _
  echo "$pid" >"$dir/$name.pid"
  for _ in $(seq 150); do
    if "$PYTHON" -c "$answers" "http://127.0.0.1:$port/v2/" 2>/dev/null; then
      printf '127.0.0.1:%s\n' "$port"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  printf '%s did not become ready: %s\n' "$name" "$(tail -n 3 "$dir/$name.log")" >&2
  return 1
}

# stop NAME DIR: ends the process that start left there, by its id.
stop() {
  local pid
  [[ -s $2/$1.pid ]] || return 0
  pid=$(<"$2/$1.pid")
  kill "$pid" 2>/dev/null || true
  rm -f "$2/$1.pid"
}
