//! [`Approved`]: who approved what, and when it was logged. Untouched, the approval counts.

use crate::refusals::scene::{Scene, policy};
use attest::model::{Digest, uri};
use attest::sign::LocalKey;
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::{Claim, Holder, Instance};
use attest::trust::KeyAlgorithm;
use serde_json::{Map, Value, json};
use std::cell::{RefCell, RefMut};

/// SHA-256 of a commit object that the provenance names.
pub(crate) const COMMIT_OBJECT: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
/// The issuer of people's certificates.
pub(crate) const ISSUER: &str = "https://id.acme.example";

/// Approvals, and the log that has them.
pub(crate) struct Approved {
    pub(crate) instance: RefCell<Instance>,
    /// Two people's keys.
    pub(crate) alice: LocalKey,
    pub(crate) bob: LocalKey,
    /// When the provenance was logged; not at all where there is none.
    pub(crate) signed_at: Option<i64>,
    pub(crate) approvals: Vec<Approving>,
}

/// Who signed an approval.
#[derive(Clone)]
pub(crate) enum Signatory {
    Alice,
    Bob,
    /// The key that signs the provenance.
    Builder,
    /// The key that nobody trusts.
    Stranger,
    Certificate(Holder),
}

/// One approval; each field is a knob.
#[derive(Clone)]
pub(crate) struct Approving {
    pub(crate) by: Signatory,
    pub(crate) at: Option<i64>,
    pub(crate) subjects: Vec<Vec<(String, String)>>,
    pub(crate) predicate_type: String,
    pub(crate) predicate: Value,
    /// Changes the bundle after it was signed.
    pub(crate) bundle: Option<fn(Vec<u8>) -> Vec<u8>>,
}

impl Approving {
    fn of(kind: &str, uri: Option<&str>, digests: &[(&str, &str)]) -> Self {
        let mut target = json!({ "kind": kind });
        if let Some(uri) = uri {
            target["uri"] = uri.into();
        }
        Self {
            by: Signatory::Alice,
            at: Some(SIGNED_AT - 30),
            subjects: vec![digests.iter().map(|(a, v)| ((*a).to_owned(), (*v).to_owned())).collect()],
            predicate_type: uri::APPROVAL.to_owned(),
            predicate: json!({ "target": target, "decision": "approved", "approvedAt": "2024-05-31T00:00:00Z" }),
            bundle: None,
        }
    }

    fn statement(&self) -> Vec<u8> {
        let subjects = self.subjects.iter().map(|digests| {
            let digests: Map<_, _> = digests.iter().map(|(a, v)| (a.clone(), Value::from(v.clone()))).collect();
            json!({ "name": "approved", "digest": digests })
        });
        let statement = json!({
            "_type": uri::STATEMENT_V1,
            "subject": subjects.collect::<Vec<_>>(),
            "predicateType": self.predicate_type,
            "predicate": self.predicate,
        });
        statement.to_string().into_bytes()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::sha256(&self.statement())
    }
}

impl Approved {
    fn new(approval: Approving) -> Self {
        let key = || LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        Self {
            instance: RefCell::new(Instance::new("acme", 1)),
            alice: key(),
            bob: key(),
            signed_at: Some(SIGNED_AT),
            approvals: vec![approval],
        }
    }

    /// The provenance's bundle.
    pub(crate) fn provenance(&self, key: &LocalKey, statement: &[u8]) -> Vec<u8> {
        self.log(key, self.signed_at, statement)
    }

    fn log(&self, key: &LocalKey, at: Option<i64>, statement: &[u8]) -> Vec<u8> {
        let mut bundle = self.at(at).sign_with_key(key, statement);
        if at.is_none() {
            bundle["verificationMaterial"].as_object_mut().expect("an object").remove("tlogEntries");
        }
        bundle.to_string().into_bytes()
    }

    /// The instance at another time.
    fn at(&self, at: Option<i64>) -> RefMut<'_, Instance> {
        let mut instance = self.instance.borrow_mut();
        instance.logs_at = at.unwrap_or(SIGNED_AT);
        instance
    }

    /// The approvals' bundles.
    pub(crate) fn bundles(&self, scene: &Scene) -> Vec<Vec<u8>> {
        let one = |a: &Approving| {
            let statement = a.statement();
            let key = match &a.by {
                Signatory::Alice => &self.alice,
                Signatory::Bob => &self.bob,
                Signatory::Builder => &scene.world.key,
                Signatory::Stranger => &scene.world.other,
                Signatory::Certificate(holder) => {
                    return self.at(a.at).sign(holder, &statement).to_string().into_bytes();
                }
            };
            self.log(key, a.at, &statement)
        };
        let spoiled = |a: &Approving| a.bundle.map_or_else(|| one(a), |spoil| spoil(one(a)));
        self.approvals.iter().map(spoiled).collect()
    }
}

/// How a key stands in `people`.
pub(crate) fn principal(key: &LocalKey) -> String {
    format!("key:{}", key.public_key().id())
}

/// A person by certificate.
pub(crate) fn holder(identity: &str) -> Signatory {
    Signatory::Certificate(Holder::new(identity, ISSUER))
}

fn demand(s: &mut Scene, approval: Approving) {
    s.key_flag = false;
    let approved = Approved::new(approval);
    let mut demanded = policy(&s.world.key.public_key().to_pem());
    demanded["spec"]["people"] = json!({
        "alice": [principal(&approved.alice), "github:7", "alice@acme.example"],
        "bob": [principal(&approved.bob), "bob@acme.example"],
        "octocat": ["github:583231"],
        "agents": ["agent:platform/*"],
        "ci": [principal(&s.world.key)],
    });
    let by = [&approved.alice, &approved.bob].map(|k| json!({ "key": k.public_key().to_pem() }));
    demanded["spec"]["require"][0]["approvals"] = json!({ "by": by });
    s.policies.push(demanded);
    s.approved = Some(approved);
}

/// The charter of the provenance is approved.
pub(crate) fn charter(s: &mut Scene) {
    let digest = Claim::about(&Digest::sha256(b"")).charter_digest.expect("a digest");
    let uri = s.claim.charter.clone();
    demand(s, Approving::of("charter", uri.as_deref(), &[("sha256", &digest)]));
}

/// The commit of the provenance is approved.
pub(crate) fn commit(s: &mut Scene) {
    s.claim.commit_object = Some(COMMIT_OBJECT.into());
    let digests = [("gitCommit", &*"a".repeat(40)), ("sha256", COMMIT_OBJECT)];
    demand(s, Approving::of("commit", Some("git+https://git.example/acme/app"), &digests));
}

/// The artifact is approved.
pub(crate) fn artifact(s: &mut Scene) {
    let (algorithm, hex) = s.claim.subjects[0].1[0].clone();
    demand(s, Approving::of("artifact", None, &[(&algorithm, &hex)]));
}

/// The charter is approved by somebody with a certificate.
pub(crate) fn by_identity(s: &mut Scene) {
    charter(s);
    s.approval().by = holder("alice@acme.example");
    s.require()["approvals"]["by"] =
        json!([{ "issuer": ISSUER, "identity": ["alice@acme.example", "bob@acme.example"] }]);
}

/// Two persons must approve, and do.
pub(crate) fn by_two(s: &mut Scene) {
    charter(s);
    s.require()["approvals"]["count"] = 2.into();
    let second = Approving { by: Signatory::Bob, ..s.approval().clone() };
    s.approvals().push(second);
}

impl Scene {
    pub(crate) fn approvals(&mut self) -> &mut Vec<Approving> {
        &mut self.approved.as_mut().expect("approvals").approvals
    }

    /// The first approval.
    pub(crate) fn approval(&mut self) -> &mut Approving {
        &mut self.approvals()[0]
    }

    /// `people` of the policy.
    pub(crate) fn people(&mut self) -> &mut Map<String, Value> {
        self.spec()["people"].as_object_mut().expect("people")
    }

    /// One more principal of a person.
    pub(crate) fn also(&mut self, person: &str, principal: &str) {
        self.people()[person].as_array_mut().expect("a list").push(principal.into());
    }
}
