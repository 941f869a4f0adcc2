#!/usr/bin/env bash
# A registry that asks for a password: credentials of docker's configuration and of a credential helper are used, wrong or
# missing ones are "could not find out", and none of them is shown.
# needs: crane docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

password=a-registry-password
perl -e 'print "user:", crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu)), "\n"' "$password" >"$WORK/htpasswd"
grep -q '^user:\$2y\$' "$WORK/htpasswd" || skip 'this system cannot make a bcrypt password entry'
registry=$(start docker-registry "$WORK/htpasswd")
export ATTEST_PASSWORD=password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
checkout "$WORK/checkout"
cd "$WORK/checkout"

# configuration NAME JQ-FILTER: a docker configuration folder of that content.
configuration() {
  mkdir -p "$WORK/$1"
  jq -n --arg registry "$registry" --arg auth "$(printf 'user:%s' "$password" | base64 -w0)" "$2" >"$WORK/$1/config.json"
}
configuration auths '{auths: {($registry): {auth: $auth}}}'
configuration wrong '{auths: {($registry): {auth: ("user:wrong" | @base64)}}}'
configuration helper '{credHelpers: {($registry): "interop"}}'
configuration none '{}'
mkdir "$WORK/programs"
cat >"$WORK/programs/docker-credential-interop" <<SH
#!/bin/sh
[ "\$1" = get ] || exit 1
read -r server
printf '{"ServerURL":"%s","Username":"user","Secret":"$password"}\n' "\$server"
SH
chmod +x "$WORK/programs/docker-credential-interop"

export DOCKER_CONFIG=$WORK/auths
subject=$(image "$registry/demo/app")
create=("$ATTEST" create "$subject" --key "$WORK/key.key" --task t-1 --agent squad/agent)
verify=("$ATTEST" verify "$subject" --key "$WORK/key.pub" --format json)

expect 3 env DOCKER_CONFIG="$WORK/none" "${create[@]}"
expect 0 "${create[@]}"
expect 0 "${verify[@]}"
expect 0 env DOCKER_CONFIG="$WORK/helper" PATH="$WORK/programs:$PATH" "${verify[@]}"
for refused in none wrong; do
  expect 3 env DOCKER_CONFIG="$WORK/$refused" "${verify[@]}"
  contains "$WORK/out" registry-unauthorized
done
expect 3 env DOCKER_CONFIG="$WORK/helper" "${verify[@]}"

say 'nothing shows the password'
for folder in auths wrong helper; do
  DOCKER_CONFIG=$WORK/$folder PATH="$WORK/programs:$PATH" "${verify[@]}" --verbose >"$WORK/shown" 2>&1 || true
  if grep -qF -e "$password" -e "$(printf 'user:%s' "$password" | base64 -w0)" "$WORK/shown"; then
    fail "the output shows the password: $(cat "$WORK/shown")"
  fi
done
