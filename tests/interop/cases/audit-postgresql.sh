#!/usr/bin/env bash
# The audit log and a real PostgreSQL: entries are copied into tables that only grow, by a role that can change none of them; what
# a superuser changes there is found at its record, and so is what the log's owner writes anew.
# needs: postgresql
set -euo pipefail
source "$INTEROP/lib.sh"

pg=$(bash "$INTEROP/peer/postgresql.sh" install)
[[ -z ${LD_LIBRARY_PATH:-} && $pg == "$ATTEST_INTEROP_CACHE"* ]] &&
  export LD_LIBRARY_PATH=$ATTEST_INTEROP_CACHE/postgresql/usr/lib/x86_64-linux-gnu
data=$WORK/pg
mkdir "$data"
# PostgreSQL does not run as root: it is nobody's then.
as() { "$@"; }
if [[ $(id -u) == 0 ]]; then
  chown nobody "$data"
  chmod o+x "$WORK" "$(dirname "$WORK")"
  as() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
fi
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as "$pg/initdb" -D "$data/db" -U owner --auth=trust -E UTF8 --locale=C >/dev/null
(
  as "$pg/postgres" -D "$data/db" -p "$port" -k "$data" -c listen_addresses=127.0.0.1 >"$WORK/pg.log" 2>&1 &
  echo $! >"$WORK/postgres.pid"
)
for _ in $(seq 100); do as "$pg/pg_isready" -q -h 127.0.0.1 -p "$port" && break || sleep 0.1; done
owner() { "$pg/psql" -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U owner audit "$@"; }
writer() { "$pg/psql" -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U attest_audit_writer audit "$@"; }
"$pg/psql" -qX -h 127.0.0.1 -p "$port" -U owner postgres -c 'CREATE DATABASE audit'
place=postgresql://attest_audit_writer@127.0.0.1:$port/audit

log=$WORK/log
audit() { local at=$1; shift; expect "$at" "$ATTEST" audit --log "$log" "$@"; }
audit 0 init --origin audit.example/interop
"$PYTHON" - >"$WORK/records" <<'PY'
for n in range(600):
    print('{"kind":"decision","what":"number %d","reason":"interop"}' % n)
PY
audit 0 record --file "$WORK/records"

say 'without tables, nothing; as the owner of the tables, nothing'
audit 3 replicate "$place"
"$ATTEST" audit replicate --schema >"$WORK/schema.sql"
owner -f "$WORK/schema.sql"
audit 3 replicate "postgresql://owner@127.0.0.1:$port/audit"
contains "$WORK/out" 'audit-replica-not-append-only'
equal 'rows after a refusal' 0 "$(owner -c 'SELECT count(*) FROM audit_entries')"

say 'as the writer, all of it, and once'
audit 0 replicate "$place"
contains "$WORK/out" '601 records, 601 new'
audit 0 replicate "$place"
contains "$WORK/out" 'nothing new'
equal rows 601 "$(owner -c 'SELECT count(*) FROM audit_entries')"
equal 'the longest entry' 87 "$(owner -c 'SELECT max(octet_length(entry)) FROM audit_entries')"
audit 0 verify --replica "$place"
contains "$WORK/out" 'not edited   proved       by the replica postgresql://attest_audit_writer@127.0.0.1'
audit 0 verify --replica "postgresql://attest_audit_reader@127.0.0.1:$port/audit"

say 'the writer can change nothing'
for table in audit_entries audit_checkpoints; do
  for change in "UPDATE $table SET origin = 'x'" "DELETE FROM $table" "TRUNCATE $table" "DROP TABLE $table" \
    "ALTER TABLE $table DISABLE TRIGGER append_only"; do
    expect_not 0 writer -c "$change"
  done
done
expect_not 0 writer -c "INSERT INTO audit_entries (origin, number, entry, copied_at) VALUES ('x', 1, 'x', '2020-01-01')"
expect_not 0 writer -c "INSERT INTO audit_entries (origin, number, entry)
  SELECT origin, number, entry FROM audit_entries LIMIT 1 ON CONFLICT (origin, number) DO UPDATE SET entry = 'x'"
say 'and neither can the owner of the tables, by the trigger'
for change in "UPDATE audit_entries SET origin = 'x'" 'DELETE FROM audit_entries' 'TRUNCATE audit_entries'; do
  expect_not 0 owner -c "$change"
  contains "$WORK/err" 'append-only'
done
equal rows 601 "$(owner -c 'SELECT count(*) FROM audit_entries')"

say 'a role that was given more is refused'
owner -c 'GRANT DELETE ON audit_entries TO attest_audit_writer'
audit 3 replicate "$place"
contains "$WORK/out" 'may update, delete or truncate'
owner -c 'REVOKE DELETE ON audit_entries FROM attest_audit_writer'
owner -c 'ALTER TABLE audit_entries DISABLE TRIGGER append_only'
audit 3 replicate "$place"
contains "$WORK/out" 'no trigger'
owner -c 'ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only'
audit 0 replicate "$place"

say 'a row that a superuser changed is found, and the log is not blamed'
owner -c "SET session_replication_role = replica; ALTER TABLE audit_entries DISABLE TRIGGER append_only;
  UPDATE audit_entries SET entry = set_byte(entry, 60, get_byte(entry, 60) # 1) WHERE number = 417;
  ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only"
audit 1 verify --replica "$place"
contains "$WORK/out" 'REPLICA CHANGED'
contains "$WORK/out" '417  its records are not those of its checkpoint'
owner -c "ALTER TABLE audit_entries DISABLE TRIGGER append_only;
  UPDATE audit_entries SET entry = set_byte(entry, 60, get_byte(entry, 60) # 1) WHERE number = 417;
  ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only"
audit 0 verify --replica "$place"

say 'an old copy of the log is found by the rows'
cp -a "$log" "$WORK/old"
audit 0 record decision what=more reason=interop
audit 0 replicate "$place"
log=$WORK/old
audit 0 record decision what=other reason=interop
audit 0 verify
audit 1 replicate "$place"
contains "$WORK/out" 'record 601 is another one'
audit 1 verify --replica "$place"
contains "$WORK/out" 'TAMPERED audit.example/interop: record 601: the replica'
log=$WORK/log
audit 0 replicate "$place"

say 'TLS: a certificate that is good for the name, and no other'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout "$WORK/ca.key" -out "$WORK/ca.pem" \
  2>/dev/null
for name in localhost other.example; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$WORK/$name.key" \
    -out "$WORK/$name.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s\n' "$name" >"$WORK/$name.ext"
  openssl x509 -req -in "$WORK/$name.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 1 -extfile "$WORK/$name.ext" \
    -out "$WORK/$name.pem" 2>/dev/null
done
certified() {
  install -m 644 "$WORK/$1.pem" "$data/db/server.crt"
  install -m 600 "$WORK/$1.key" "$data/db/server.key"
  [[ $(id -u) != 0 ]] || chown nobody "$data/db/server.crt" "$data/db/server.key"
  as "$pg/pg_ctl" -D "$data/db" reload >/dev/null
  sleep 0.5
}
certified localhost
owner -c 'ALTER SYSTEM SET ssl = on' -c 'SELECT pg_reload_conf()' >/dev/null
sleep 0.5
encrypted=postgresql://attest_audit_writer@localhost:$port/audit?sslmode=require
audit 3 replicate "$encrypted"
SSL_CERT_FILE=$WORK/ca.pem audit 0 replicate "$encrypted"
certified other.example
SSL_CERT_FILE=$WORK/ca.pem audit 3 replicate "$encrypted"

say 'a server elsewhere is spoken to over TLS'
audit 2 replicate 'postgresql://attest_audit_writer:secret@192.0.2.1/audit?sslmode=disable'
contains "$WORK/out" 'audit-replica-insecure'
! grep -q secret "$WORK/out" "$WORK/err" || fail 'the password was printed'

say 'a row that somebody put behind the checkpoint is named, and nothing is copied over it'
writer -c "INSERT INTO audit_entries (origin, number, entry) VALUES ('audit.example/interop', 602, 'anything')"
audit 1 verify --replica "$place"
contains "$WORK/out" '602  record 602 stands behind its checkpoint, and the log has no such record'
audit 0 record decision what=further reason=interop
audit 1 replicate "$place"
contains "$WORK/out" 'audit-replica-changed'
contains "$WORK/out" 'its row of record 602 is another one than the log'
equal 'the row' anything "$(owner -c "SELECT convert_from(entry, 'UTF8') FROM audit_entries WHERE number = 602")"

say 'a checkpoint that the log did not sign is named, and hides nothing'
writer -c "INSERT INTO audit_checkpoints (origin, size, note) VALUES ('audit.example/interop', 9000, 'anything')"
log=$WORK/old
audit 1 verify --replica "$place"
contains "$WORK/out" 'TAMPERED audit.example/interop: record 601: the replica'
contains "$WORK/out" 'that the log did not sign'
