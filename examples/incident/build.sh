#!/bin/sh
# Builds a small organisation in the folder that is named, in which something went wrong: an agent's credential leaked.
#   examples/incident/build.sh FOLDER
# What it makes is real: commits by git, attestations by `attest create`, session files as an agent leaves them, an audit log. Only
# two things are played: times, so that the story is the same whenever it is told, and the admission decision of the cluster, which
# is written as its webhook writes it. Needs attest and git; asks no network.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
here=$(pwd)
ATTEST_AUDIT_LOG=$here/log ATTEST_PASSWORD=incident ATTEST_CHARTER_SNAPSHOT=none
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export ATTEST_AUDIT_LOG ATTEST_PASSWORD ATTEST_CHARTER_SNAPSHOT GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM

attest audit init --origin audit.acme.example/incident --retain executions=200 > init.txt
attest keygen --output-key-prefix ci > keygen.txt

# as WHO AT COMMAND...: git as somebody, at some time.
as() {
    case $1 in
    alice) name='Alice Example' mail='583231+alice@users.noreply.github.com' ;;
    bob) name='Bob Example' mail='1024+bob@users.noreply.github.com' ;;
    *) name=issue-solver mail='issue-solver@agents.acme.example' ;;
    esac
    at=$2
    shift 2
    GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$mail GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$mail \
        GIT_AUTHOR_DATE=$at GIT_COMMITTER_DATE=$at git "$@"
}

# --- the repository, and what people did before -------------------------------------------------------------------------------
git init -q -b main app
cd app
git remote add origin https://github.com/acme/app.git
mkdir -p src/auth
printf '/dist/\n' > .gitignore
printf 'export const login = () => "ok";\n' > src/auth/login.ts
printf '{ "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {\n  "node_modules/left-pad": { "version": "1.3.0", "integrity": "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==" } } }\n' > package-lock.json
as alice 2026-01-12T09:00:00Z add -A
as alice 2026-01-12T09:00:00Z commit -q -m 'feat: log in'

# --- Tuesday: an issue is labelled, and an agent solves it ---------------------------------------------------------------------
attest audit record execution_started execution_id=exec-abc123 agent=engineering/issue-solver trigger=event \
    requested_by=github:583231 task_id=task-42 charter=https://github.com/acme/app/issues/42 \
    charter_digest=sha256:4f1c9f0d4dbd0d6cf1d0d9b40cf9ef1dd7e6a4b5ad7c3a1d3b0d2e51f0c7a911 model=claude-sonnet-4 \
    environment=gha-runner-7 repository=https://github.com/acme/app branch=main commit="$(git rev-parse HEAD)" \
    credentials=NPM_TOKEN:publish credentials=GITHUB_TOKEN:contents started_at=2026-01-13T10:02:11Z source=runner > /dev/null
as agent 2026-01-13T10:20:00Z checkout -q -b fix-42
printf 'export const login = (name: string) => name.trim();\n' > src/auth/login.ts
as agent 2026-01-13T10:20:00Z commit -q -a -m 'fix: trim names

Agent: issue-solver
Squad: engineering
Trigger: event (issue.labeled)
Execution: exec-abc123
Model: claude-sonnet-4'

# The session as the agent keeps it: it read, it wrote, and it ran something that printed its environment.
line() { # TYPE SECOND CONTENT
    printf '{"type":"%s","uuid":"%s","sessionId":"253fd5ef-0000-4000-8000-000000000001","cwd":"/w/app","version":"2.1.0","gitBranch":"fix-42","timestamp":"2026-01-13T10:%s.000Z","message":{"model":"claude-sonnet-4","content":[%s]}}\n' "$1" "$1$2" "$2" "$3"
}
call() { line assistant "$1" "{\"type\":\"tool_use\",\"id\":\"$2\",\"name\":\"$3\",\"input\":$4}"; }
answer() { line user "$1" "{\"type\":\"tool_result\",\"tool_use_id\":\"$2\",\"content\":\"$3\"$4}"; }
{
    call 03:05 t1 Read '{"file_path":"/w/app/src/auth/login.ts"}'
    answer 03:06 t1 'export const login' ''
    call 11:40 t2 Edit '{"file_path":"/w/app/src/auth/login.ts","old_string":"a","new_string":"b"}'
    answer 11:41 t2 'done' ''
    call 14:30 t3 Bash '{"command":"npm run telemetry -- --print-env"}'
    answer 14:31 t3 'NPM_TOKEN=...' ',"is_error":true'
} > ../session.jsonl
attest audit import claude-code ../session.jsonl --agent engineering/issue-solver --execution exec-abc123 > /dev/null
# A hook on the runner saw that the command used the credential.
printf '%s\n' '{"kind":"action","execution_id":"exec-abc123","session_id":"253fd5ef-0000-4000-8000-000000000001","action_type":"command_run","exit_code":1,"credentials":["NPM_TOKEN:publish"],"at":"2026-01-13T10:14:36Z","source":"hook","known":{"execution_id":"witnessed","credentials":"witnessed","action_type":"witnessed","exit_code":"witnessed"}}' |
    attest audit record --file - > /dev/null

# --- Bob reviews and merges; CI builds, and the cluster takes it ---------------------------------------------------------------
attest audit record approval target="commit:$(git rev-parse HEAD)" approver=github:1024 how=review \
    completed_at=2026-01-13T10:25:00Z source=github > /dev/null
as bob 2026-01-13T10:30:00Z checkout -q main
as bob 2026-01-13T10:30:00Z merge -q --no-ff -m 'Merge fix-42' fix-42
attest audit record execution_ended execution_id=exec-abc123 status=success completed_at=2026-01-13T10:31:40Z \
    tokens_in=812000 tokens_out=41000 cost=3.87 source=runner > /dev/null
mkdir dist
cp src/auth/login.ts dist/app.js
image() { # makes an image of one file, as a layout folder
    blob() { sum=$(sha256sum "$1" | cut -d ' ' -f 1); size=$(wc -c < "$1" | tr -d ' '); mv "$1" "$layout/blobs/sha256/$sum"; }
    layout=$1
    mkdir -p "$layout/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' > "$layout/oci-layout"
    tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 -cf "$layout/part" -C dist app.js
    blob "$layout/part"
    layer="{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:$sum\",\"size\":$size}"
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$sum" > "$layout/part"
    blob "$layout/part"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
        "$sum" "$size" "$layer" > "$layout/part"
    blob "$layout/part"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"1.0"}}]}' \
        "$sum" "$size" > "$layout/index.json"
}
image ../image
attest create "oci:../image@sha256:$sum" --key ../ci.key --agent ci/builder --execution build-7 --base-image \
    "registry.acme.example/node@sha256:$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)" \
    --quiet 2> ../create.txt
attest audit import git . > /dev/null
cat > ../production.yaml <<'END'
apiVersion: agent-attest.github.io/v1
kind: AttestationPolicy
metadata: { name: production }
spec:
  images:
    - glob: "oci:**"
  require:
    - predicateType: https://slsa.dev/provenance/v1
      signers:
        - key: ci.pub
      agent:
        ids: ["ci/*"]
END
attest verify "oci:../image@sha256:$sum" --policy ../production.yaml > ../verify.txt
printf '%s\n' "{\"kind\":\"admitted\",\"subject\":\"oci:image\",\"digest\":\"sha256:$sum\",\"verdict\":\"allow\",\"namespace\":\"prod\",\"policy\":\"production\",\"completed_at\":\"2026-01-13T11:04:00Z\",\"source\":\"attest\",\"known\":{\"subject\":\"witnessed\",\"verdict\":\"witnessed\",\"digest\":\"witnessed\"}}" |
    attest audit record --file - > /dev/null

# --- meanwhile another agent held the same credential, and used nothing --------------------------------------------------------
attest audit start --agent docs/writer --execution exec-9f2 --requested-by github:77 credentials=NPM_TOKEN:publish \
    started_at=2026-01-14T08:00:00Z source=runner > /dev/null
attest audit finish exec-9f2 completed_at=2026-01-14T08:05:00Z source=runner > /dev/null
echo "made $(basename "$here")"
