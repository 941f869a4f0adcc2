//! What is applied to a cluster: the webhook's own objects, as YAML.

mod yaml;

use super::router::{MUTATE, VALIDATE};
use crate::model::{Digest, Reference};
use serde_json::{Value, json};

/// What a cluster does where the webhook does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failing {
    /// Refuses what it would have been asked about.
    #[default]
    Fail,
    /// Admits it.
    Ignore,
}

/// What the manifests say.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// The image, by digest.
    pub image: Reference,
    /// The namespace that it runs in.
    pub namespace: String,
    /// The policies, as files of a ConfigMap: name and text.
    pub policies: Vec<(String, String)>,
    /// The certificate of whoever signed the webhook's own (PEM).
    pub ca: Option<String>,
    /// Whether `/mutate` pins tags.
    pub pin: bool,
    /// What a cluster does where the webhook does not answer.
    pub failing: Failing,
    /// How many run.
    pub replicas: usize,
    /// Further arguments of `attest admission serve`.
    pub arguments: Vec<String>,
}

const NAME: &str = "attest-admission";
/// How long an API server waits (seconds).
const TIMEOUT: u64 = 10;
const USER: u64 = 65532;
/// The Secret with the webhook's certificate and key.
const SECRET: &str = "attest-admission-tls";

impl Manifests {
    /// All objects, in the order in which they are applied: the webhook's configuration comes last, when it can answer.
    #[must_use]
    pub fn objects(&self) -> Vec<Value> {
        let mut out = vec![self.of_namespace(), self.account(), self.policies(), self.deployment(), self.service()];
        out.push(self.disruption());
        out.push(self.configuration("ValidatingWebhookConfiguration", VALIDATE));
        if self.pin {
            out.push(self.configuration("MutatingWebhookConfiguration", MUTATE));
        }
        out
    }

    /// The same as YAML, one document each. JSON is YAML: each document is written so.
    #[must_use]
    pub fn yaml(&self) -> String {
        self.objects().iter().map(|object| format!("---\n{}", yaml::text(object))).collect()
    }

    fn meta(&self, name: &str) -> Value {
        json!({ "name": name, "namespace": self.namespace, "labels": labels() })
    }

    fn of_namespace(&self) -> Value {
        let mut labels = labels();
        for kind in ["enforce", "audit", "warn"] {
            labels[format!("pod-security.kubernetes.io/{kind}")] = json!("restricted");
        }
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace, "labels": labels } })
    }

    /// An account with no right: it asks the API server for nothing.
    fn account(&self) -> Value {
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": self.meta(NAME), "automountServiceAccountToken": false })
    }

    fn policies(&self) -> Value {
        let data: serde_json::Map<_, _> =
            self.policies.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": self.meta("attest-policies"), "data": data })
    }

    fn deployment(&self) -> Value {
        let mut args = vec!["admission", "serve", "--policy", "/etc/attest-policies", "--tls-cert", "/tls/tls.crt"];
        args.extend(["--tls-key", "/tls/tls.key", "--listen", "[::]:8443", "--watch", "[::]:8080"]);
        let args: Vec<_> = args.into_iter().map(str::to_owned).chain(self.arguments.iter().cloned()).collect();
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": "watch" }, "periodSeconds": 5 });
        let container = json!({
            "name": "attest", "image": self.image.to_string(), "args": args,
            "ports": [{ "name": "https", "containerPort": 8443 }, { "name": "watch", "containerPort": 8080 }],
            "livenessProbe": probe("/livez"), "readinessProbe": probe("/readyz"),
            "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "320Mi" } },
            "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] } },
            "volumeMounts": [
                { "name": "policies", "mountPath": "/etc/attest-policies", "readOnly": true },
                { "name": "tls", "mountPath": "/tls", "readOnly": true },
                { "name": "tmp", "mountPath": "/tmp" },
            ],
        });
        let spread = json!([{ "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": labels() } }]);
        let pod = json!({
            "serviceAccountName": NAME, "automountServiceAccountToken": false,
            "priorityClassName": "system-cluster-critical", "terminationGracePeriodSeconds": 30,
            "topologySpreadConstraints": spread,
            "securityContext": { "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [container],
            "volumes": [
                { "name": "policies", "configMap": { "name": "attest-policies" } },
                { "name": "tls", "secret": { "secretName": SECRET } },
                { "name": "tmp", "emptyDir": { "sizeLimit": "64Mi" } },
            ],
        });
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.meta(NAME), "spec": {
            "replicas": self.replicas, "selector": { "matchLabels": labels() },
            "strategy": { "rollingUpdate": { "maxUnavailable": 0 } },
            "template": { "metadata": { "labels": labels() }, "spec": pod } } })
    }

    fn service(&self) -> Value {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": self.meta(NAME), "spec": { "selector": labels(),
            "ports": [{ "name": "https", "port": 443, "targetPort": "https" }] } })
    }

    fn disruption(&self) -> Value {
        json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": self.meta(NAME),
            "spec": { "minAvailable": 1, "selector": { "matchLabels": labels() } } })
    }

    /// The webhook. Its own namespace and kube-system are left out by the one label that the API server sets itself: who may
    /// label a namespace must not be able to leave it out.
    fn configuration(&self, kind: &str, path: &str) -> Value {
        let rule = |group: &str, versions: &[&str], resources: &[&str]| {
            json!({ "apiGroups": [group], "apiVersions": versions, "operations": ["CREATE", "UPDATE"],
                "resources": resources, "scope": "Namespaced" })
        };
        let rules = json!([
            rule("", &["v1"], &["pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates"]),
            rule("apps", &["v1"], &["deployments", "replicasets", "statefulsets", "daemonsets"]),
            rule("batch", &["v1"], &["jobs", "cronjobs"]),
        ]);
        let mut client = json!({ "service": { "name": NAME, "namespace": self.namespace, "path": path, "port": 443 } });
        if let Some(ca) = &self.ca {
            use base64::Engine as _;
            client["caBundle"] = json!(base64::engine::general_purpose::STANDARD.encode(ca));
        }
        let failing = match self.failing {
            Failing::Fail => "Fail",
            Failing::Ignore => "Ignore",
        };
        let conditions = json!([
            // What a node runs of its own files is there already: the API server only shows it.
            { "name": "not-a-mirror-pod", "expression":
                "!(request.kind.kind == 'Pod' && 'system:nodes' in request.userInfo.groups && request.operation == 'CREATE' && has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations)" },
            { "name": "spec-changed", "expression":
                "request.operation != 'UPDATE' || request.kind.kind == 'PodTemplate' || object.spec != oldObject.spec" },
        ]);
        let mut webhook = json!({
            "name": "admission.agent-attest.github.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": failing, "timeoutSeconds": TIMEOUT, "matchPolicy": "Equivalent", "clientConfig": client,
            "namespaceSelector": { "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "NotIn",
                "values": ["kube-system", self.namespace] }] },
            "rules": rules, "matchConditions": conditions,
        });
        if path == MUTATE {
            webhook["reinvocationPolicy"] = json!("IfNeeded");
        } else {
            // An audit log outside of the object is no side effect of a dry run: those are not recorded.
            webhook["sideEffects"] = json!("NoneOnDryRun");
        }
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": { "name": NAME, "labels": labels() }, "webhooks": [webhook] })
    }

    /// The digest of the image, which it must have: a tag could be moved to another program that answers yes.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.image.digest()
    }
}

fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME })
}
