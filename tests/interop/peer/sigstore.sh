#!/usr/bin/env bash
# A whole Sigstore on this machine: OIDC issuer, Fulcio, certificate log, Rekor v2, Rekor v1, timestamp authority.
#
#   install              the programs of all of it
#   start DIR            starts it and leaves in DIR/sigstore:
#       env                      URLs: OIDC_URL ACTIONS_URL FULCIO_URL CT_URL REKOR_V2_URL REKOR_V1_URL TSA_URL
#       trusted_root.json        all of its authorities, made by cosign
#       signing_config.json      Rekor v2 and timestamps; signing_config_v1.json: Rekor v1 without timestamps
#       client_trust.json        the first two in one, for sigstore-python; client_trust_v1.json
#       fulcio.pem ct.pub rekor-v2.pub rekor-v1.pub tsa.pem     certificates and keys of the authorities
#   token DIR EMAIL      a token of an e-mail address
#   token DIR JSON       a token of these claims, of the issuer that speaks as GitHub's workflows do
#   restart DIR NAME     starts one service again, on the same port: fulcio ct rekor-v2 rekor-v1 tsa
#   stop DIR             stops all of it; one alone is stopped by the id in DIR/NAME.pid
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
bin=$CACHE/bin
python=$CACHE/python-sigstore/bin/python
SERVICES='oidc postgresql trillian-log trillian-signer fulcio ct rekor-v2 rekor-v1 tsa'
# What the encrypted keys of services are encrypted with: two of them take no other.
PASSWORD=interop

# service NAME COMMAND...: writes the command down, so that it can be started again, and starts it.
service() {
  local name=$1
  shift
  {
    printf '#!/usr/bin/env bash\nexec'
    printf ' %q' "$@"
    printf '\n'
  } >"$home/$name.run"
  chmod +x "$home/$name.run"
  run_service "$name"
}

run_service() {
  "$home/$1.run" >>"$home/$1.log" 2>&1 </dev/null 9>&- &
  echo $! >"$dir/$1.pid"
}

# ready NAME PORT [PATH]: waits until a service takes connections, and where a path is given, answers it with 200.
ready() {
  printf '%s %s\n' "$2" "${3:-}" >"$home/$1.ready"
  "$PYTHON" - "$(<"$dir/$1.pid")" "$2" "${3:-}" <<'PY' && return
import os, socket, sys, time, urllib.request

pid, port, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
end = time.monotonic() + 60
while time.monotonic() < end:
    os.kill(pid, 0)
    try:
        if path:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        else:
            socket.create_connection(("127.0.0.1", port), 5).close()
        sys.exit(0)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
PY
  printf '%s did not become ready: %s\n' "$1" "$(tail -n 3 "$home/$1.log")" >&2
  return 1
}

# PostgreSQL refuses to run as root, and nobody else can look into our folder: it gets one of its own, which goes with it.
postgresql() {
  local programs as=() data libraries=$CACHE/postgresql/usr/lib/x86_64-linux-gnu
  programs=$(bash "$here/postgresql.sh" install)
  data=$(mktemp -d)
  if [[ $(id -u) == 0 ]]; then
    if [[ $programs == "$CACHE"/* ]]; then
      cp -r "$CACHE/postgresql/usr" "$data/usr"
      programs=$data/${programs#"$CACHE/postgresql/"}
      libraries=$data/usr/lib/x86_64-linux-gnu
    fi
    chown 65534:65534 "$data"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  fi
  database="postgresql:///trillian?host=$data&user=trillian"
  cat >"$home/postgresql.sh" <<SH
export LD_LIBRARY_PATH=$libraries
cd "$data"
${as[@]+"${as[@]}"} "$programs/postgres" -D "$data/db" -k "$data" -F -c listen_addresses= -c max_connections=200 &
pid=\$!
trap 'kill -QUIT \$pid; wait \$pid; rm -rf "$data"' TERM INT
wait \$pid
SH
  export LD_LIBRARY_PATH=$libraries
  (cd "$data" && "${as[@]}" "$programs/initdb" -D "$data/db" -U trillian -A trust -N -E UTF8 --locale=C) >"$home/postgresql.log" 2>&1
  service postgresql bash "$home/postgresql.sh"
  local _
  for _ in $(seq 100); do
    if "$programs/psql" -h "$data" -U trillian -d postgres -qc 'CREATE DATABASE trillian' >>"$home/postgresql.log" 2>&1; then break; fi
    sleep 0.1
  done
  "$programs/psql" -h "$data" -U trillian -d trillian -q -v ON_ERROR_STOP=1 -f "$CACHE/trillian.sql" >>"$home/postgresql.log" 2>&1
  unset LD_LIBRARY_PATH
}

trillian() {
  local port metrics
  read -r trillian metrics <<<"$(free_port 2)"
  local database_options=(--storage_system=postgresql --quota_system=noop "--postgresql_uri=$database" --logtostderr)
  service trillian-log "$bin/trillian_log_server" "${database_options[@]}" "--rpc_endpoint=127.0.0.1:$trillian" \
    "--http_endpoint=127.0.0.1:$metrics"
  port=$(free_port)
  service trillian-signer "$bin/trillian_log_signer" "${database_options[@]}" --force_master --sequencer_interval=200ms \
    "--rpc_endpoint=127.0.0.1:$port" --http_endpoint=
  ready trillian-log "$trillian"
}

tree() { "$bin/createtree" "--admin_server=127.0.0.1:$trillian" 2>>"$home/createtree.log"; }

# certificate NAME ISSUER SUBJECT EXTENSIONS: a key NAME.key and a certificate NAME.pem; by itself when ISSUER is empty.
certificate() {
  local issuer=(-x509)
  [[ -z $2 ]] || issuer=(-x509 -CA "$home/$2.pem" -CAkey "$home/$2.key")
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$home/$1.key"
  printf '[req]\ndistinguished_name=n\n[n]\n[x]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%b\n' "$4" >"$home/$1.cnf"
  openssl req -new "${issuer[@]}" -config "$home/$1.cnf" -extensions x -key "$home/$1.key" -subj "$3" -days 3650 \
    -out "$home/$1.pem" 2>>"$home/openssl.log"
}

authorities() {
  local ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
  certificate fulcio-root '' '/O=interop/CN=interop Fulcio root' "$ca"
  certificate fulcio-ca fulcio-root '/O=interop/CN=interop Fulcio' "$ca,digitalSignature\nextendedKeyUsage=codeSigning"
  cat "$home/fulcio-ca.pem" "$home/fulcio-root.pem" >"$home/fulcio.pem"
  openssl pkcs8 -topk8 -v2 aes256 -passout "pass:$PASSWORD" -in "$home/fulcio-ca.key" -out "$home/fulcio-ca.encrypted"
  certificate tsa-root '' '/O=interop/CN=interop timestamps root' "$ca"
  certificate tsa-leaf tsa-root '/O=interop/CN=interop timestamps' \
    'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping'
  cat "$home/tsa-leaf.pem" "$home/tsa-root.pem" >"$home/tsa.pem"
  openssl ecparam -name prime256v1 -genkey -noout |
    openssl ec -aes256 -passout "pass:$PASSWORD" -out "$home/ct.key" 2>>"$home/openssl.log"
  openssl ec -in "$home/ct.key" -passin "pass:$PASSWORD" -pubout -out "$home/ct.pub" 2>>"$home/openssl.log"
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$home/rekor-v1.key"
  openssl pkey -in "$home/rekor-v1.key" -pubout -out "$home/rekor-v1.pub"
  openssl genpkey -algorithm ed25519 -out "$home/rekor-v2.key"
  openssl pkey -in "$home/rekor-v2.key" -pubout -out "$home/rekor-v2.pub"
}

oidc() {
  service oidc "$python" "$here/../server/oidc_issuer.py" serve "$home/oidc.address" "$home/oidc.key"
  local _
  for _ in $(seq 100); do
    [[ -s $home/oidc.address ]] && break
    sleep 0.1
  done
  OIDC_URL=http://$(<"$home/oidc.address")
  ACTIONS_URL=$OIDC_URL/actions
}

certificate_log() {
  local port
  port=$(free_port)
  CT_URL=http://127.0.0.1:$port/test
  cat >"$home/ct.cfg" <<CFG
config {
  log_id: $(tree)
  prefix: "test"
  roots_pem_file: "$home/fulcio-root.pem"
  ext_key_usages: "CodeSigning"
  private_key: {
    [type.googleapis.com/keyspb.PEMKeyFile] { path: "$home/ct.key" password: "$PASSWORD" }
  }
}
CFG
  service ct "$bin/ct_server" "--log_config=$home/ct.cfg" "--log_rpc_server=127.0.0.1:$trillian" \
    "--http_endpoint=127.0.0.1:$port"
  ready ct "$port"
}

fulcio() {
  local port grpc metrics
  read -r port grpc metrics <<<"$(free_port 3)"
  FULCIO_URL=http://127.0.0.1:$port
  cat >"$home/fulcio.json" <<JSON
{"OIDCIssuers": {
  "$OIDC_URL": {"IssuerURL": "$OIDC_URL", "ClientID": "sigstore", "Type": "email"},
  "$ACTIONS_URL": {"IssuerURL": "$ACTIONS_URL", "ClientID": "sigstore", "Type": "github-workflow"}
}}
JSON
  service fulcio "$bin/fulcio" serve --ca fileca --fileca-cert "$home/fulcio.pem" --fileca-key "$home/fulcio-ca.encrypted" \
    --fileca-key-passwd "$PASSWORD" --fileca-watch=false --config-path "$home/fulcio.json" --ct-log-url "$CT_URL" \
    --ct-log-public-key-path "$home/ct.pub" --host 127.0.0.1 --port "$port" --grpc-host 127.0.0.1 --grpc-port "$grpc" \
    --metrics-port "$metrics" --legacy-unix-domain-socket "$home/fulcio.sock"
  ready fulcio "$port" /api/v2/trustBundle
}

rekor_v2() {
  local port grpc metrics
  read -r port grpc metrics <<<"$(free_port 3)"
  REKOR_V2_URL=http://127.0.0.1:$port
  # The origin of its checkpoints must be the host of its URL: clients look the key up by that.
  service rekor-v2 "$bin/posix" serve --http-port "$port" --grpc-port "$grpc" --http-metrics-port "$metrics" \
    --hostname 127.0.0.1 --storage-dir "$home/rekor-v2" --signer-filepath "$home/rekor-v2.key" --checkpoint-interval 1s \
    --persistent-antispam
  ready rekor-v2 "$port" /healthz
}

rekor_v1() {
  local port
  port=$(free_port)
  # Another host name than Rekor v2's: clients that look a log's key up by the host would find either.
  REKOR_V1_URL=http://localhost:$port
  service rekor-v1 "$bin/rekor-server" serve --rekor_server.address 127.0.0.1 --port "$port" \
    --rekor_server.hostname localhost --trillian_log_server.address 127.0.0.1 --trillian_log_server.port "$trillian" \
    --trillian_log_server.tlog_id "$(tree)" --enable_retrieve_api=false --rekor_server.signer "$home/rekor-v1.key"
  ready rekor-v1 "$port" /api/v1/log
}

# Its metrics are always at port 2112: one at a time on a machine, and before Rekor v1, which does without when it is taken.
tsa() {
  local port _
  for _ in $(seq 600); do
    "$PYTHON" -c 'import socket; socket.create_server(("", 2112))' 2>/dev/null && break
    sleep 0.5
  done
  port=$(free_port)
  TSA_URL=http://127.0.0.1:$port/api/v1/timestamp
  service tsa "$bin/timestamp-server" serve --host 127.0.0.1 --port "$port" --timestamp-signer file \
    --file-signer-key-path "$home/tsa-leaf.key" --certificate-chain-path "$home/tsa.pem" --disable-ntp-monitoring
  ready tsa "$port" /ping
}

# trust: what clients need to know, made by cosign.
trust() {
  local start=start-time=2020-01-01T00:00:00Z by=operator=interop name rekor
  local none=(--no-default-fulcio --no-default-rekor --no-default-tsa)
  "$bin/cosign" trusted-root create "${none[@]}" --no-default-ctfe --out "$home/trusted_root.json" \
    "--fulcio=url=$FULCIO_URL,certificate-chain=$home/fulcio.pem,$start" \
    "--ctfe=url=$CT_URL,public-key=$home/ct.pub,$start" \
    "--rekor=url=$REKOR_V2_URL,public-key=$home/rekor-v2.pub,origin=127.0.0.1,$start" \
    "--rekor=url=$REKOR_V1_URL,public-key=$home/rekor-v1.pub,$start" \
    "--tsa=url=$TSA_URL,certificate-chain=$home/tsa.pem,$start" 2>>"$home/cosign.log"
  local services=("${none[@]}" --no-default-oidc "--fulcio=url=$FULCIO_URL,api-version=1,$start,$by"
    "--oidc-provider=url=$OIDC_URL,api-version=1,$start,$by" --rekor-config=ANY --tsa-config=ANY)
  "$bin/cosign" signing-config create "${services[@]}" "--rekor=url=$REKOR_V2_URL,api-version=2,$start,$by" \
    "--tsa=url=$TSA_URL,api-version=1,$start,$by" --out "$home/signing_config.json" 2>>"$home/cosign.log"
  "$bin/cosign" signing-config create "${services[@]}" "--rekor=url=$REKOR_V1_URL,api-version=1,$start,$by" \
    --out "$home/signing_config_v1.json" 2>>"$home/cosign.log"
  for name in '' _v1; do
    printf '{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":%s,"signingConfig":%s}' \
      "$(<"$home/trusted_root.json")" "$(<"$home/signing_config$name.json")" >"$home/client_trust$name.json"
  done
  # An index of 0 is left out of an entry's JSON, and sigstore-python wants one: the first entries are nobody's.
  printf 'first\n' >"$home/first.txt"
  for rekor in '' _v1; do
    "$bin/cosign" sign-blob --yes --signing-config "$home/signing_config$rekor.json" --trusted-root "$home/trusted_root.json" \
      --identity-token "$(token first@example.org)" --bundle "$home/first$rekor.json" "$home/first.txt" \
      >>"$home/cosign.log" 2>&1
  done
}

token() {
  local issuer=$OIDC_URL
  [[ $1 == '{'* ]] && issuer=$ACTIONS_URL
  "$python" "$here/../server/oidc_issuer.py" token "$home/oidc.key" "$issuer" "$1"
}

stop_all() {
  local name
  for name in $SERVICES; do stop "$name" "$dir"; done
}

start_all() {
  oidc
  authorities
  postgresql
  trillian
  certificate_log
  fulcio
  rekor_v2
  tsa
  rekor_v1
  local name
  for name in OIDC_URL ACTIONS_URL FULCIO_URL CT_URL REKOR_V2_URL REKOR_V1_URL TSA_URL; do
    printf '%s=%q\n' "$name" "${!name}"
  done >"$home/env"
  trust
}

dir=${2:-} home=${2:-}/sigstore
case $1 in
install)
  for peer in cosign fulcio ct-server trillian rekor-v2 rekor-v1 timestamp-server sigstore-python; do
    bash "$here/$peer.sh" install >/dev/null
  done
  bash "$here/postgresql.sh" install >/dev/null
  command -v openssl >/dev/null || apt_program openssl openssl >/dev/null
  ;;
start)
  # What took a port between its choice and its use does so once.
  bash "$0" start-once "$dir" || {
    rm -rf "$home"
    bash "$0" start-once "$dir"
  }
  ;;
start-once)
  mkdir -p "$home"
  trap 'tail -n 3 "$home/cosign.log" >&2 || true; stop_all' ERR
  start_all
  ;;
token)
  source "$home/env"
  token "$3"
  ;;
restart)
  # A Fulcio that was killed leaves its socket, and does not start beside it.
  rm -f "$home/$3.sock"
  run_service "$3"
  read -r port path <"$home/$3.ready"
  ready "$3" "$port" "$path"
  ;;
stop) stop_all ;;
*) exit 2 ;;
esac
