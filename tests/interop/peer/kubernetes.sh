#!/usr/bin/env bash
# The control plane of Kubernetes without nodes: kube-apiserver, kube-controller-manager and kubectl. Its own go.mod names modules
# beside it by folders, which only a checkout has: a small module names them by version.
#   start DIR ETCD    leaves DIR/kubeconfig of an administrator, and DIR/audit.log
# KUBERNETES_VERSION chooses another one, such as v1.35.0.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=${KUBERNETES_VERSION:-v1.37.0}
PROGRAMS=(kube-apiserver kube-controller-manager kubectl)
FOLDER=$CACHE/kubernetes-$VERSION

install() {
  locked
  if [[ -x $FOLDER/kubectl && -x $FOLDER/kube-apiserver && -x $FOLDER/kube-controller-manager ]]; then
    printf '%s\n' "$FOLDER/kube-apiserver"
    return
  fi
  command -v go >/dev/null || cannot "Kubernetes $VERSION needs Go to be built, and there is no go"
  local build=$CACHE/build-kubernetes rest=${VERSION#v1.} log=$CACHE/kubernetes.log module
  rm -rf "$build"
  mkdir -p "$build" "$FOLDER"
  {
    printf 'module interop\n\ngo 1.26\n\ngodebug default=go1.26\n\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$VERSION"
    go mod download -json "k8s.io/kubernetes@$VERSION" | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["GoMod"])' |
      xargs sed -nE 's|^\t(k8s.io/[a-z-]+) => ./staging/.*|\1|p' |
      while read -r module; do printf '\t%s => %s v0.%s\n' "$module" "$module" "$rest"; done
    printf ')\n'
  } >"$build/go.mod" 2>"$log" || cannot "Kubernetes $VERSION is not to be had: $(tail -n 1 "$log")"
  {
    printf '//go:build tools\n\npackage tools\n\nimport (\n'
    printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "${PROGRAMS[@]}"
    printf ')\n'
  } >"$build/tools.go"
  local minor=${rest%%.*} set=k8s.io/component-base/version
  (
    cd "$build"
    go mod tidy
    CGO_ENABLED=0 go build -ldflags="-s -w -X $set.gitVersion=$VERSION -X $set.gitMajor=1 -X $set.gitMinor=$minor" \
      -o "$FOLDER/" "${PROGRAMS[@]/#/k8s.io/kubernetes/cmd/}"
  ) >"$log" 2>&1 || cannot "building Kubernetes $VERSION failed: $(tail -n 1 "$log")"
  printf '%s\n' "$FOLDER/kube-apiserver"
}

kubeconfig() {
  cat <<YAML
apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:$1", insecure-skip-tls-verify: true } }]
users: [{ name: u, user: { token: $2 } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
YAML
}

start_all() {
  local folder=$1 etcd=$2 port
  port=$(free_port)
  mkdir -p "$folder/kube"
  openssl genrsa -out "$folder/kube/sa.key" 2048 2>/dev/null
  openssl rsa -in "$folder/kube/sa.key" -pubout -out "$folder/kube/sa.pub" 2>/dev/null
  {
    printf 'admintoken,admin,1,"system:masters"\n'
    printf 'aliceak,alice,2,"developers"\n'
    printf 'managertoken,system:kube-controller-manager,3,"system:masters"\n'
  } >"$folder/kube/tokens.csv"
  printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{ level: Metadata, verbs: [create, update, patch] }]\n' \
    >"$folder/kube/audit.yaml"
  kubeconfig "$port" admintoken >"$folder/kubeconfig"
  kubeconfig "$port" managertoken >"$folder/kube/manager"
  "$FOLDER/kube-apiserver" --etcd-servers="$etcd" --secure-port="$port" --bind-address=127.0.0.1 --advertise-address=192.0.2.1 --endpoint-reconciler-type=none \
    --cert-dir="$folder/kube" --service-account-key-file="$folder/kube/sa.pub" --service-account-signing-key-file="$folder/kube/sa.key" \
    --service-account-issuer="https://127.0.0.1:$port" --token-auth-file="$folder/kube/tokens.csv" --authorization-mode=RBAC \
    --service-cluster-ip-range=10.0.0.0/24 --disable-admission-plugins=ServiceAccount --audit-policy-file="$folder/kube/audit.yaml" \
    --audit-log-path="$folder/audit.log" >"$folder/kube-apiserver.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/kube-apiserver.pid"
  local _ ready=
  for _ in $(seq 300); do
    if "$FOLDER/kubectl" --kubeconfig "$folder/kubeconfig" get --raw /readyz >/dev/null 2>&1; then
      ready=yes
      break
    fi
    sleep 0.2
  done
  [[ $ready ]] || cannot "kube-apiserver did not become ready: $(tail -n 1 "$folder/kube-apiserver.log")"
  "$FOLDER/kube-controller-manager" --kubeconfig="$folder/kube/manager" --use-service-account-credentials=false --leader-elect=false \
    --bind-address=127.0.0.1 --secure-port=0 --service-account-private-key-file="$folder/kube/sa.key" \
    --controllers=deployment-controller,replicaset-controller,replicationcontroller-controller,job-controller,cronjob-controller,statefulset-controller,daemonset-controller,garbage-collector-controller,namespace-controller \
    >"$folder/kube-controller-manager.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/kube-controller-manager.pid"
  printf 'https://127.0.0.1:%s\n' "$port"
}

case $1 in
install) install ;;
kubectl) printf '%s\n' "$FOLDER/kubectl" ;;
start) start_all "$2" "$3" ;;
stop)
  stop kube-controller-manager "$2"
  stop kube-apiserver "$2"
  ;;
*) exit 2 ;;
esac
