#!/usr/bin/env bash
# The audit log and real servers of S3: versitygw keeps what its lock promises, and its owner cannot change what was copied; a
# bucket without lock, and moto, which lets a lock be shortened, are found out and get nothing.
# needs: versitygw moto
set -euo pipefail
source "$INTEROP/lib.sh"

log=$WORK/log
audit() { local at=$1; shift; expect "$at" "$ATTEST" audit --log "$log" "$@"; }
# s3 USER COMMAND ARGUMENT...: a request of AWS's own client; prints what it answers.
s3() { "$ATTEST_INTEROP_CACHE/python-moto/bin/python" "$INTEROP/peer/s3.py" "http://$server" "$@"; }
as() { export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$1-secret; }

server=$(start versitygw)
place="s3://audit/team?endpoint=http://$server"
as owner
equal 'a bucket with lock' 200 "$(s3 owner bucket audit lock)"
equal 'a bucket without' 200 "$(s3 owner bucket plain)"

audit 0 init --origin audit.example/interop
"$PYTHON" - >"$WORK/records" <<'PY'
for n in range(600):
    print('{"kind":"action","execution_id":"run-%d","action_type":"file_modify","target":"src/%d.rs"}' % (n % 7, n))
PY
audit 0 record --file "$WORK/records"

say 'no lock, no copy'
audit 3 replicate "s3://plain/team?endpoint=http://$server"
contains "$WORK/out" 'audit-replica-not-append-only'
contains "$WORK/out" 'it takes no locked object'
audit 3 replicate "s3://nothing/team?endpoint=http://$server"
contains "$WORK/out" 'NoSuchBucket'
AWS_SECRET_ACCESS_KEY=not-it audit 3 replicate "$place"
contains "$WORK/out" 'SignatureDoesNotMatch'

say 'all of it, and once'
audit 0 replicate "$place"
contains "$WORK/out" '601 records, 601 new'
contains "$WORK/out" 'locked: to delete, to shorten and to go round the lock were tried there, and refused'
audit 0 replicate "$place"
contains "$WORK/out" 'nothing new'
audit 0 verify --replica "$place"
contains "$WORK/out" 'not edited   proved       by the replica s3://audit/team'

say 'the owner of the account deletes nothing, and what is put on top is said'
tile=tile/entries/001
first=$(s3 owner versions audit "team/$tile" | tail -n 1)
equal 'to delete a locked version' 403 "$(s3 owner delete audit "team/$tile" "$first")"
equal 'to go round the lock' 403 "$(s3 owner delete audit "team/$tile" "$first" bypass)"
equal 'another version' 200 "$(s3 owner put audit "team/$tile" other)"
audit 1 verify --replica "$place"
contains "$WORK/out" 'REPLICA CHANGED'
contains "$WORK/out" "another version of $tile was put on top of the one that was copied"
newest=$(s3 owner versions audit "team/$tile" | sed -n 1p)
equal 'the other version is not locked' 204 "$(s3 owner delete audit "team/$tile" "$newest")"
audit 0 verify --replica "$place"
equal 'to say that it is deleted' 204 "$(s3 owner delete audit "team/$tile")"
audit 1 verify --replica "$place"
contains "$WORK/out" "$tile was marked as deleted there"
marker=$(s3 owner versions audit "team/$tile" | sed -n 1p)
equal 'the marker goes' 204 "$(s3 owner delete audit "team/$tile" "$marker")"
audit 0 verify --replica "$place"

say 'an old copy of the log is found by the bucket, also where its owner puts a checkpoint of more records there'
cp -a "$log" "$WORK/old"
audit 0 record decision what=more reason=interop
audit 0 replicate "$place"
contains "$WORK/out" '602 records, 1 new'
log=$WORK/old
audit 0 record decision what=other reason=interop
audit 0 verify
audit 1 replicate "$place"
contains "$WORK/out" 'record 601 is another one'
equal 'a checkpoint that nobody signed' 200 "$(s3 owner put audit team/checkpoints/00000000000000000009 anything)"
audit 1 verify --replica "$place"
contains "$WORK/out" 'TAMPERED audit.example/interop: record 601: the replica'
contains "$WORK/out" 'is no checkpoint that this log signed'
log=$WORK/log

say 'who may only write copies, and is told that the lock was not tried'
cat >"$WORK/policy.json" <<'JSON'
{"Statement":[{"Effect":"Allow","Principal":["writer"],"Action":["s3:PutObject","s3:PutObjectRetention"],"Resource":["arn:aws:s3:::audit/*"]}]}
JSON
equal 'a policy' 204 "$(s3 owner policy audit "$WORK/policy.json")"
as writer
only="s3://audit/only?endpoint=http://$server"
audit 0 replicate "$only"
contains "$WORK/out" '602 records, 602 new'
contains "$WORK/out" 'lock not tried: these credentials may'
audit 0 record decision what=further reason=interop
audit 0 replicate "$only"
contains "$WORK/out" '603 records, 1 new'
audit 3 verify --replica "$only"
contains "$WORK/err" 'AccessDenied'
as owner
audit 0 verify --replica "$only"
contains "$WORK/out" 'replica s3://audit/only: 603 records, whole'

say 'moto lets a lock be shortened'
server=$(start moto)
equal 'a bucket with lock' 200 "$(s3 owner bucket audit lock)"
audit 3 replicate "s3://audit/team?endpoint=http://$server"
contains "$WORK/out" 'its lock does not hold'
! grep -rq 'owner-secret' "$log" || fail 'the secret key was kept'
