//! The routes end to end in memory: sign, attach, check, decide.

use attest::flow::{self, Given, PublishError, Target, Unsigned};
use attest::model::{Artifact, Bundle, Descriptor, Digest, Timestamp, ValidityWindow};
use attest::policy::{Outcome, Policy, Requirement, SignerRule, SubjectDecision, Verdict};
use attest::registry::memory::Operation;
use attest::registry::{Checked, Memory, Registry, RegistryError, RegistryEvidence, Served};
use attest::seam::{BoxFuture, Endless, ready};
use attest::sign::{Evidence, EvidenceItem, KeyMaterial, LocalKey, SignError, Witnessed};
use attest::testing::world::{block_on, now};
use attest::testing::{Claim, Image};
use attest::trust::{KeyAlgorithm, PublicKey};
use attest::verify::EvidenceSource;
use serde_json::json;

/// A witness of signatures that hands back what nobody can prove anything with.
struct Witness(EvidenceItem);

impl Evidence for Witness {
    fn name(&self) -> String {
        "a witness".into()
    }
    fn attest<'a>(
        &'a self,
        _: Witnessed<'a>,
        _: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
        ready(Ok(vec![self.0.clone()]))
    }
}

/// A witness that is not there.
struct Silent;

impl Evidence for Silent {
    fn name(&self) -> String {
        "a silent witness".into()
    }
    fn attest<'a>(
        &'a self,
        _: Witnessed<'a>,
        _: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
        ready(Err(SignError::Failed { cause: "nobody answers".into() }))
    }
}

fn key() -> LocalKey {
    LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn image() -> Image {
    Image::of(b"a layer")
}

fn artifact() -> Artifact {
    Artifact::new("registry.example/acme/app:v1", "registry.example/acme/app", image().digest())
}

fn unsigned(statement: Vec<u8>) -> Result<Unsigned, PublishError> {
    Unsigned::parse(statement)
}

fn signed(key: &LocalKey, witnesses: &[&dyn Evidence]) -> Bundle {
    let statement = Claim::about(&image().digest()).to_bytes();
    let (bundle, material) = block_on(flow::sign(&unsigned(statement).unwrap(), key, witnesses)).unwrap();
    assert_eq!(material, KeyMaterial::PublicKey(key.public_key().clone()));
    bundle
}

fn trusting(key: &PublicKey, window: ValidityWindow) -> Policy {
    let signer = SignerRule::key(key.clone()).label("the key").window(window);
    Policy::named("route").require(Requirement::provenance().signer(signer))
}

fn attach(subject: &dyn Registry, store: &dyn Registry, bundle: &Bundle) -> Result<flow::Attached, PublishError> {
    block_on(flow::attach(subject, store, &artifact(), &bundle.to_bytes(), now()))
}

fn check(subject: &dyn Registry, store: &dyn Registry, policy: Policy) -> SubjectDecision {
    let source = RegistryEvidence::new(store);
    let sources: Vec<Box<dyn EvidenceSource>> = vec![Box::new(source)];
    let target = Target { artifact: artifact(), sources, content: Some(Checked::new(subject)), digests: None };
    block_on(flow::check(target, Given::new(&[policy], &[], now()), &Endless))
}

fn always(key: &LocalKey) -> Policy {
    trusting(key.public_key(), ValidityWindow::default())
}

fn outcome(decision: &SubjectDecision) -> &Outcome {
    &decision.policies[0].requirements[0].candidates[0].outcome
}

#[test]
fn what_is_signed_and_attached_is_allowed_for_its_key_and_no_other() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let key = LocalKey::generate(algorithm).unwrap();
        let memory = image().in_memory();
        let attached = attach(&memory, &memory, &signed(&key, &[])).unwrap();
        assert!(!attached.already);
        let decision = check(&memory, &memory, always(&key));
        assert_eq!((decision.verdict, decision.code()), (Verdict::Allow, None));
        let Outcome::Accepted(accepted) = outcome(&decision) else { panic!("{decision:?}") };
        assert_eq!(accepted.statement.artifact(), &image().digest());
        assert!(accepted.statement.proven_times().is_empty());
        let other = check(&memory, &memory, always(&self::key()));
        assert_eq!((other.verdict, other.code().unwrap().as_str()), (Verdict::Deny, "key-not-trusted"));
    }
}

#[test]
fn evidence_may_live_apart_from_its_subject_and_is_looked_for_where_it_is_said_to_be() {
    let (key, subject, store) = (key(), image().in_memory(), Memory::new("apart"));
    attach(&subject, &store, &signed(&key, &[])).unwrap();
    assert_eq!(check(&subject, &store, always(&key)).verdict, Verdict::Allow);
    let decision = check(&subject, &subject, always(&key));
    assert_eq!((decision.verdict, decision.code().unwrap().as_str()), (Verdict::Deny, "no-attestation"));
}

#[test]
fn attaching_again_changes_nothing() {
    let (key, memory) = (key(), image().in_memory());
    let bundle = signed(&key, &[]);
    let first = attach(&memory, &memory, &bundle).unwrap();
    let again = attach(&memory, &memory, &bundle).unwrap();
    assert_eq!((&again.referrer, again.already), (&first.referrer, true));
    let listed = |m: &Memory| block_on(m.referrers(&image().digest(), 10)).unwrap().len();
    assert_eq!(listed(&memory), 1);
    // Another bundle is another referrer.
    attach(&memory, &memory, &signed(&self::key(), &[])).unwrap();
    assert_eq!(listed(&memory), 2);
}

#[test]
fn what_a_witness_hands_back_is_carried_and_proves_nothing() {
    let key = key();
    let entry = json!({ "logIndex": "1", "integratedTime": "978307200" });
    let witnesses: [&dyn Evidence; 2] =
        [&Witness(EvidenceItem::LogEntry(entry)), &Witness(EvidenceItem::Timestamp(vec![0x30, 0]))];
    let bundle = signed(&key, &witnesses);
    assert_eq!((bundle.log_entries().len(), bundle.timestamps().len()), (1, 1));
    let memory = image().in_memory();
    attach(&memory, &memory, &bundle).unwrap();
    let decision = check(&memory, &memory, always(&key));
    let Outcome::Accepted(accepted) = outcome(&decision) else { panic!("{decision:?}") };
    assert_eq!(accepted.statement.unchecked(), (1, 1));
    assert!(accepted.statement.proven_times().is_empty() && accepted.statement.log_entries().is_empty());
    // The entry claims a time within this window; it is not believed.
    let then = Timestamp::parse("2001-12-31T00:00:00Z").unwrap();
    let decision =
        check(&memory, &memory, trusting(key.public_key(), ValidityWindow { not_before: None, not_after: Some(then) }));
    assert_eq!(decision.code().unwrap().as_str(), "key-outside-window");
}

#[test]
fn a_witness_that_fails_leaves_no_bundle() {
    let statement = Claim::about(&image().digest()).to_bytes();
    let error = block_on(flow::sign(&unsigned(statement).unwrap(), &key(), &[&Silent])).unwrap_err();
    assert!(matches!(error, PublishError::Sign(_)), "{error:?}");
}

#[test]
fn a_push_that_fails_is_no_success_and_nothing_is_listed() {
    let key = key();
    let bundle = signed(&key, &[]);
    let failed = || RegistryError::Failed {
        place: "memory".into(),
        what: "a push".into(),
        status: 500,
        detail: String::new(),
        wait: None,
    };
    let faults: [fn(&Operation<'_>) -> bool; 3] = [
        |o| matches!(o, Operation::PushBlob(_)),
        |o| matches!(o, Operation::PushManifest(_)),
        |o| matches!(o, Operation::Referrers(_)),
    ];
    for fails in faults {
        let subject = image().in_memory();
        let store = Memory::new("memory").with_faults(move |o| fails(&o).then(failed));
        let error = attach(&subject, &store, &bundle).unwrap_err();
        assert_eq!(error.code().as_str(), "registry-unavailable");
        assert_ne!(check(&subject, &store, always(&key)).verdict, Verdict::Allow);
    }
    let healthy = image().in_memory();
    assert!(attach(&healthy, &healthy, &bundle).is_ok());
}

/// A registry that says yes to every push and forgets it.
struct Forgetful(Memory);

impl Registry for Forgetful {
    fn place(&self) -> String {
        "forgetful".into()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        self.0.resolve(tag)
    }
    fn manifest<'a>(
        &'a self,
        digest: &'a Digest,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        self.0.manifest(digest, limit)
    }
    fn blob<'a>(&'a self, digest: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        self.0.blob(digest, limit)
    }
    fn referrers<'a>(
        &'a self,
        subject: &'a Digest,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        self.0.referrers(subject, limit)
    }
    fn push_blob<'a>(&'a self, _: &'a Digest, _: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(Ok(()))
    }
    fn push_manifest<'a>(&'a self, _: &'a Descriptor, _: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(Ok(()))
    }
}

#[test]
fn a_push_that_is_forgotten_is_no_success() {
    let error = attach(&image().in_memory(), &Forgetful(Memory::new("memory")), &signed(&key(), &[])).unwrap_err();
    assert_eq!(error.code().as_str(), "content-missing");
}

#[test]
fn a_statement_about_something_else_is_not_attached() {
    let key = key();
    let statement = Claim::about(&Digest::sha256(b"another")).to_bytes();
    let (bundle, _) = block_on(flow::sign(&unsigned(statement).unwrap(), &key, &[])).unwrap();
    let memory = image().in_memory();
    assert_eq!(attach(&memory, &memory, &bundle).unwrap_err().code().as_str(), "bundle-not-attachable");
    assert!(block_on(memory.referrers(&image().digest(), 10)).unwrap().is_empty());
}

#[test]
fn a_subject_that_is_not_there_is_not_attached_to() {
    let empty = Memory::new("memory");
    assert_eq!(attach(&empty, &empty, &signed(&key(), &[])).unwrap_err().code().as_str(), "subject-not-found");
}

#[test]
fn a_statement_that_would_be_refused_is_not_signed() {
    let mut claim = Claim::about(&image().digest());
    claim.dependency_commit = "b".repeat(40);
    let error = unsigned(claim.to_bytes()).unwrap_err();
    assert_eq!(error.code().as_str(), "statement-refused");
    claim.dependency_commit = claim.commit.clone();
    assert!(unsigned(claim.to_bytes()).is_ok());
}
