#!/usr/bin/env bash
# The admission webhook behind a real API server, with its controllers: what each object becomes, in the API server's own words.
# needs: crane olareg etcd kubernetes openssl
set -euo pipefail
source "$INTEROP/lib.sh"

KUBECTL=$(bash "$INTEROP/peer/kubernetes.sh" kubectl)
kube() { "$KUBECTL" --kubeconfig "$WORK/kubeconfig" "$@"; }

registry=$(start olareg)
etcd=$(start etcd)
start kubernetes "$etcd" >/dev/null
say "API server $(kube version -o json | sed -n 's/.*"gitVersion": "\(v1[^"]*\)".*/\1/p' | tail -n 1)"

cd "$WORK"
export ATTEST_PASSWORD=correct-horse
"$ATTEST" keygen --output-key-prefix team >/dev/null
"$ATTEST" keygen --output-key-prefix blue >/dev/null
good=$(image "$registry/acme/good")
printf 'other\n' >content.txt && rm -f layer.tar
bare=$(image "$registry/acme/bare")
printf 'blue\n' >content.txt && rm -f layer.tar
blue=$(image "$registry/blue/app")
printf 'old\n' >content.txt && rm -f layer.tar
old=$(image "$registry/acme/old")
checkout src
(cd src && "$ATTEST" create "$good" --key ../team.key -q && "$ATTEST" create "$blue" --key ../blue.key -q)

mkdir policies
policy() {
  cat >"policies/$1.yaml" <<YAML
apiVersion: agent-attest.github.io/v1
kind: AttestationPolicy
metadata:
  name: $1
spec:
  images: [{ glob: "$2" }]
  require:
    - signers: [{ key: $3 }]
$4
YAML
  chmod 644 policies/*
}
cp team.pub blue.pub policies/
later=$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)
policy acme "$registry/acme/**" team.pub "  exceptions: [{ images: [{ glob: '$registry/acme/old' }], namespaces: [default], until: '$later', approvedBy: bob, reason: moves }]"
policy blue "$registry/blue/**" blue.pub "  namespaces: [blue]"

# Certificates as docs/admission.md makes them, for the address that is asked here.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=attest admission' -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=attest-admission' -keyout tls.key -out tls.csr 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1,DNS:attest-admission.attest-system.svc' >san
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile san -out tls.crt 2>/dev/null

ports=$("$PYTHON" -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in held))')
read -r port watch <<<"$ports"
"$ATTEST" audit --log "$WORK/log" init --origin audit.example/admission >/dev/null 2>&1
serve_webhook() {
  ATTEST_AUDIT_LOG="$WORK/log" "$ATTEST" admission serve --policy policies --tls-cert tls.crt --tls-key tls.key --allow-loopback-registry \
    --listen "127.0.0.1:$port" --watch "127.0.0.1:$watch" --unmatched deny --drain 1s >>webhook.log 2>webhook.err &
  printf '%s\n' "$!" >webhook.pid
  local _
  for _ in $(seq 100); do
    "$PYTHON" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=1)' "http://127.0.0.1:$watch/readyz" 2>/dev/null && return
    sleep 0.1
  done
  fail "the webhook did not become ready: $(cat webhook.err)"
}

# pod NAME IMAGE [MORE]: a pod with one container, and more of its spec.
pod() {
  printf 'apiVersion: v1\nkind: Pod\nmetadata: { name: %s, namespace: %s }\nspec:\n  automountServiceAccountToken: false\n  containers: [{ name: c, image: "%s" }]\n%s\n' \
    "$1" "${NAMESPACE:-default}" "$2" "${3:-}"
}

# allowed WHAT FILE, denied WHAT FILE WORDS: what `kubectl create` says.
allowed() {
  kube create -f "$2" >"$WORK/out" 2>&1 || fail "$1: $(cat "$WORK/out")"
  say "allowed: $1$(sed -n 's/^Warning: /; warning: /p' "$WORK/out" | head -n 1 | cut -c1-160)"
}
denied() {
  if kube create -f "$2" >"$WORK/out" 2>&1; then fail "$1 was allowed: $(cat "$WORK/out")"; fi
  contains "$WORK/out" "$3"
  say "denied: $1: $(grep -o 'denied the request.*' "$WORK/out" | head -n 1 | sed "s|$registry|REGISTRY|g; s|sha256:[0-9a-f]*|DIGEST|g" | cut -c1-200)"
}
# until_true SECONDS COMMAND...
until_true() {
  local seconds=$1 _
  shift
  for _ in $(seq $((seconds * 5))); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  fail "not within $seconds s: $*"
}

# Before the webhook is there: what it will find.
workload() {
  cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: { name: $1, namespace: default }
spec:
  replicas: $3
  selector: { matchLabels: { app: $1 } }
  template:
    metadata: { labels: { app: $1 } }
    spec: { containers: [{ name: c, image: "$2" }] }
YAML
}
workload stays "$bare" 0 | kube create -f - >/dev/null
pod stays "$bare" | sed 's/namespace: default/namespace: default, finalizers: [acme.example\/x]/' | kube create -f - >/dev/null
kube create namespace blue >/dev/null
kube create namespace green >/dev/null

# What `manifests` writes is taken by the API server; the webhook itself is reached by its address here.
"$ATTEST" admission manifests --image "registry.example/attest@sha256:$(printf 'a%.0s' $(seq 64))" --policy policies/acme.yaml --policy policies/blue.yaml \
  --ca ca.crt --enforce >webhook.yaml
serve_webhook
grep -v '^$' webhook.yaml | kube apply -f - >"$WORK/applied" 2>&1 || fail "manifests: $(cat "$WORK/applied")"
if grep -qi 'would violate PodSecurity' "$WORK/applied"; then fail "the webhook's own pods are not restricted: $(cat "$WORK/applied")"; fi
kube patch validatingwebhookconfiguration attest-admission --type=json -p '[{"op":"remove","path":"/webhooks/0/clientConfig/service"},
  {"op":"add","path":"/webhooks/0/clientConfig/url","value":"https://127.0.0.1:'"$port"'/validate"}]' >/dev/null
say "applied: $(sed -n 's/ \(created\|configured\|unchanged\)$//p' "$WORK/applied" | tr '\n' ' ')"
until_true 20 bash -c "! '$KUBECTL' --kubeconfig '$WORK/kubeconfig' run probe --image='$bare' --dry-run=server"
until_true 30 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' -n attest-system get pods -o name | grep -q pod/"
say "pods of the webhook's own Deployment are admitted under the restricted standard"

# Pods, and each place of an image.
pod good "$good" >pod.yaml && allowed 'an attested image' pod.yaml
pod bare "$bare" >pod.yaml && denied 'an image without attestation' pod.yaml 'no-attestation'
contains "$WORK/out" "attest verify $bare --namespace default"
pod init "$good" "  initContainers: [{ name: i, image: \"$bare\" }]" >pod.yaml && denied 'an init container' pod.yaml 'spec.initContainers[0].image'
pod sidecar "$good" "  initContainers: [{ name: i, image: \"$bare\", restartPolicy: Always }]" >pod.yaml && denied 'a native sidecar' pod.yaml 'no-attestation'
pod init "$good" "  initContainers: [{ name: i, image: \"$good\" }]" >pod.yaml && allowed 'an attested init container' pod.yaml
pod volume "$good" "  volumes: [{ name: v, image: { reference: \"$bare\" } }]" >pod.yaml && denied 'an image volume' pod.yaml 'spec.volumes[0].image.reference'
pod volume "$good" "  volumes: [{ name: v, image: { reference: \"$good\" } }]" >pod.yaml && allowed 'an attested image volume' pod.yaml
pod other docker.io/library/nginx:1 >pod.yaml && denied 'an image that no policy speaks about' pod.yaml 'no-policy-for-subject'
if kube debug good --image="$bare" -c dbg --profile=general >"$WORK/out" 2>&1; then fail 'kubectl debug with an image without attestation was allowed'; fi
contains "$WORK/out" 'spec.ephemeralContainers[0].image'
kube debug good --image="$good" -c dbg --profile=general >"$WORK/out" 2>&1 || fail "kubectl debug: $(cat "$WORK/out")"
say 'kubectl debug: denied without, allowed with an attestation'

# Exceptions, namespaces, forged metadata.
pod excepted "$old" >pod.yaml && allowed 'an excepted image' pod.yaml
contains "$WORK/out" 'excepted until'
pod both "$old" "  initContainers: [{ name: i, image: \"$bare\" }]" >pod.yaml && denied 'an excepted image beside one that is not' pod.yaml 'acme/bare'
NAMESPACE=green pod elsewhere "$old" >pod.yaml && denied 'an excepted image in another namespace' pod.yaml 'no-attestation'
NAMESPACE=blue pod blue "$blue" >pod.yaml && allowed 'an image of another team in its namespace' pod.yaml
NAMESPACE=green pod blue "$blue" >pod.yaml && denied 'the same in a namespace without a policy for it' pod.yaml 'no-policy-for-subject'
pod forged "$bare" | sed 's/metadata: { /metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", uid: "1", annotations: { attest\/skip: "true" }, /' >pod.yaml
denied 'forged deletionTimestamp, uid and annotations' pod.yaml 'no-attestation'
kube label namespace green kubernetes.io/metadata.name=kube-system --overwrite >"$WORK/out" 2>&1 || true
kube label namespace green admission.agent-attest.github.io/ignore=true >/dev/null
NAMESPACE=green pod relabelled "$bare" >pod.yaml && denied 'in a namespace with other labels' pod.yaml 'no-attestation'
kube create -f <(pod dry "$bare") --dry-run=server >"$WORK/out" 2>&1 && fail 'a dry run was allowed'
say 'denied: a dry run'

# Another webhook that adds a container to each pod, whatever it was before.
injected() {
  local at
  at=$(serve injecting_webhook tls.crt tls.key "$1")
  cat >inject.yaml <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: inject }
webhooks:
  - name: inject.acme.example
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: { url: "https://$at/", caBundle: $(base64 -w0 <ca.crt) }
    rules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods] }]
YAML
  kube apply -f inject.yaml >/dev/null
  sleep 2
}
injected "$bare"
pod sidecar-of-another "$good" >pod.yaml && denied 'a sidecar that another webhook adds' pod.yaml 'spec.containers[1].image'
kill "$(<injecting_webhook.pid)" && rm -f injecting_webhook.address
injected "$good"
pod sidecar-of-another "$good" >pod.yaml && allowed 'an attested sidecar that another webhook adds' pod.yaml
[[ $(kube get pod sidecar-of-another -o jsonpath='{.spec.containers[*].name}') == 'c injected' ]] || fail 'nothing was added'
kube delete mutatingwebhookconfiguration inject >/dev/null

# Workloads, and what their controllers make.
workload web "$good" 1 >deployment.yaml && allowed 'a Deployment' deployment.yaml
until_true 30 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' get pods -l app=web -o name | grep -q pod/"
say 'its pod is admitted'
workload evil "$bare" 1 >deployment.yaml && denied 'a Deployment' deployment.yaml 'spec.template.spec.containers[0].image'
for kind in ReplicationController PodTemplate Job CronJob; do
  made() {
    local template="{ metadata: { labels: { app: $1 } }, spec: { restartPolicy: $2, containers: [{ name: c, image: \"$3\" }] } }"
    case $kind in
    ReplicationController) printf 'apiVersion: v1\nkind: %s\nmetadata: { name: %s, namespace: default }\nspec: { replicas: 1, selector: { app: %s }, template: %s }\n' "$kind" "$1" "$1" "$template" ;;
    PodTemplate) printf 'apiVersion: v1\nkind: %s\nmetadata: { name: %s, namespace: default }\ntemplate: %s\n' "$kind" "$1" "$template" ;;
    Job) printf 'apiVersion: batch/v1\nkind: %s\nmetadata: { name: %s, namespace: default }\nspec: { template: %s }\n' "$kind" "$1" "$template" ;;
    CronJob) printf 'apiVersion: batch/v1\nkind: %s\nmetadata: { name: %s, namespace: default }\nspec: { schedule: "* * * * *", jobTemplate: { spec: { template: %s } } }\n' "$kind" "$1" "$template" ;;
    esac
  }
  name=$(printf '%s' "$kind" | tr '[:upper:]' '[:lower:]')
  restart=Always
  [[ $kind == *Job ]] && restart=Never
  made "$name" $restart "$good" >object.yaml && allowed "a $kind" object.yaml
  made "$name-bare" $restart "$bare" >object.yaml && denied "a $kind" object.yaml 'no-attestation'
done
until_true 30 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' get pods -l app=job -o name | grep -q pod/"
until_true 30 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' get pods -l app=replicationcontroller -o name | grep -q pod/"
say 'pods of the Job and of the ReplicationController are admitted'

# What was there before: scaled, finished, changed.
kube patch deployment stays --type=merge -p '{"spec":{"replicas":1}}' >"$WORK/out" 2>&1 || fail "scaling: $(cat "$WORK/out")"
contains "$WORK/out" 'a new pod of it would be refused'
until_true 30 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' get rs -l app=stays -o jsonpath='{.items[0].status.conditions[0].message}' | grep -q no-attestation"
say 'an old Deployment is scaled with a warning, and its new pod is denied'
if kube patch deployment stays --type=merge -p '{"spec":{"replicas":0,"template":{"spec":{"containers":[{"name":"c","image":"'"$bare"'x"}]}}}}' >"$WORK/out" 2>&1; then
  fail 'fewer replicas and another image in one patch were allowed'
fi
kube patch deployment stays --type=merge -p '{"spec":{"replicas":0,"template":{"spec":{"containers":[{"name":"c","image":"'"$good"'"}]}}}}' >/dev/null 2>&1 ||
  fail 'an attested image in one patch with fewer replicas was denied'
kube delete pod stays --wait=false >/dev/null
kube patch pod stays --type=merge -p '{"metadata":{"finalizers":null}}' >"$WORK/out" 2>&1 || fail "finalizer: $(cat "$WORK/out")"
until_true 10 bash -c "! '$KUBECTL' --kubeconfig '$WORK/kubeconfig' get pod stays"
say 'the finalizer of an old pod is removed, and it is gone'

# The API server's audit log, and ours.
grep -q '"admission.agent-attest.github.io/verdict":"deny"' audit.log || fail 'the audit log of the API server has no denial'
grep -q '"admission.agent-attest.github.io/verdict":"allow"' audit.log || fail 'the audit log of the API server has no admission'
sleep 3
"$ATTEST" audit --log "$WORK/log" show --last 200 >shown 2>/dev/null || "$ATTEST" audit --log "$WORK/log" show >shown
grep -q admitted shown || fail "the audit log has no decision: $(head -n 5 shown)"
expect 0 "$ATTEST" audit --log "$WORK/log" verify
say "$(grep -c admitted shown) decisions are in the audit log"

# A policy that changes, one that is broken, and a webhook that is gone.
policy acme "$registry/acme/**" blue.pub ''
until_true 4 bash -c "! '$KUBECTL' --kubeconfig '$WORK/kubeconfig' run changed --image='$good' --dry-run=server"
printf 'nonsense: true\n' >policies/acme.yaml
until_true 4 bash -c "'$KUBECTL' --kubeconfig '$WORK/kubeconfig' -n blue run changed --image='$blue' --dry-run=server 2>&1 | grep -q policy-field-unknown"
policy acme "$registry/acme/**" team.pub ''
until_true 4 "$KUBECTL" --kubeconfig "$WORK/kubeconfig" run changed --image="$good" --dry-run=server
say 'a policy that changes acts, and a broken one denies'
kill "$(<webhook.pid)"
until_true 10 bash -c "! kill -0 $(<webhook.pid)"
pod gone "$good" >pod.yaml
if kube create -f pod.yaml >"$WORK/out" 2>&1; then fail 'without the webhook a pod was allowed'; fi
contains "$WORK/out" 'failed calling webhook'
serve_webhook
allowed 'the same when it is back' pod.yaml

# What runs, as `scan` sees it: the exception is no longer in the policy.
kube get pods -A -o json >pods.json
expect 1 "$ATTEST" admission scan pods.json --policy policies/acme.yaml --policy policies/blue.yaml --unmatched allow
contains out '1 of '
contains out "DENY $old in default: excepted"
policy acme "$registry/acme/**" team.pub "  exceptions: [{ images: [{ glob: '$registry/acme/old' }], namespaces: [default], until: '$later', approvedBy: bob, reason: moves }]"
expect 0 "$ATTEST" admission scan pods.json --policy policies/acme.yaml --policy policies/blue.yaml --unmatched allow
contains out '0 of '
workload evil "$bare" 1 >deployment.yaml
expect 1 "$ATTEST" admission test deployment.yaml --policy policies/acme.yaml
contains out 'DENY Deployment default/evil'
workload web "$good" 1 >deployment.yaml
expect 0 "$ATTEST" admission test deployment.yaml --policy policies/acme.yaml
