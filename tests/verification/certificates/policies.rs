//! What policies say about certificates: whom they accept, how many, and on what proof.

use super::{GITHUB, WORKFLOW, artifact, claim, roots, workflow};
use attest::model::Timestamp;
use attest::policy::{self, Assurance, Outcome, SubjectDecision, Verdict};
use attest::sign::LocalKey;
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::world::now;
use attest::testing::{Claim, Holder, Instance, decide_at};
use attest::trust::{KeyAlgorithm, TrustedRoot};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Decides by a policy with this requirement.
fn decide(root: &Value, requirement: &Value, bundles: Vec<Value>) -> SubjectDecision {
    by_policy(root, std::slice::from_ref(requirement), bundles)
}

/// Decides by a policy with these requirements.
fn by_policy(root: &Value, requirements: &[Value], bundles: Vec<Value>) -> SubjectDecision {
    with_roots(&roots(root), requirements, bundles)
}

/// Decides by a policy with these requirements and roots.
fn with_roots(roots: &[TrustedRoot], requirements: &[Value], bundles: Vec<Value>) -> SubjectDecision {
    attest::testing::decide(roots, requirements, artifact(), &bundles).unwrap_or_else(|e| panic!("{e}"))
}

/// The code of a decision by one signer rule, or nothing where it allows.
fn by_signer(signer: Value, holder: &Holder, claim: &Claim) -> Option<String> {
    let instance = Instance::new("acme", 1);
    let bundle = instance.sign(holder, &claim.to_bytes());
    let decision = decide(&instance.root(), &json!({ "signers": [signer] }), vec![bundle]);
    assert_eq!(decision.verdict == Verdict::Allow, decision.code().is_none());
    decision.code().map(|c| c.to_string())
}

fn exactly() -> Value {
    json!({ "issuer": GITHUB, "identity": WORKFLOW })
}

#[test]
fn a_revoked_key_signs_nothing_although_a_certificate_names_it() {
    let instance = Instance::new("acme", 1);
    let bundle = instance.sign(&workflow(), &claim().to_bytes());
    let id = super::verify(&instance.root(), &bundle).unwrap().signers()[0].key_id().unwrap();
    let by = |revoked: &str| {
        let spec = json!({
            "images": [{ "glob": "**" }], "require": [{ "signers": [exactly()] }], "revoked": { "keys": [revoked] },
        });
        let decision =
            attest::testing::decide_by(&roots(&instance.root()), &spec, artifact(), std::slice::from_ref(&bundle));
        decision.unwrap().code().map(|c| c.to_string())
    };
    assert_eq!(by(&format!("sha256:{}", "a".repeat(64))), None);
    assert_eq!(by(&id), Some("key-revoked".into()));
}

#[test]
fn a_root_may_be_as_old_as_the_policy_says() {
    let instance = Instance::new("acme", 1);
    let bundle = instance.sign(&workflow(), &claim().to_bytes());
    let json = instance.root().to_string();
    let aged = |seconds: i64| {
        let as_of = Timestamp::from_unix(now().unix() - seconds).unwrap();
        TrustedRoot::parse_one(json.as_bytes(), "dated", as_of).unwrap()
    };
    let code = |root: &TrustedRoot, requirement: &Value| {
        let decision = with_roots(std::slice::from_ref(root), std::slice::from_ref(requirement), vec![bundle.clone()]);
        decision.code().map(|c| c.to_string())
    };
    let limit = |age: &str| json!({ "signers": [exactly()], "trust": { "maxAge": age } });
    let too_old = Some("trusted-root-too-old".to_owned());
    let file = roots(&instance.root()).remove(0);
    for (root, requirement, wanted) in [
        // The clock goes on while this runs.
        (aged(90 * 86_400 - 600), limit("90d"), None),
        (aged(90 * 86_400 + 1), limit("90d"), too_old.clone()),
        (aged(3_600 - 600), limit("1h"), None),
        (aged(3_601), limit("1h"), too_old.clone()),
        (file.clone(), limit("90d"), too_old),
        (file, json!({ "signers": [exactly()] }), None),
        (aged(900 * 86_400), json!({ "signers": [exactly()] }), None),
    ] {
        assert_eq!(code(&root, &requirement), wanted, "{requirement} {:?}", root.as_of());
    }
}

#[test]
fn whoever_is_not_named_is_refused_by_what_differs() {
    let cases = [
        (exactly(), None),
        (json!({ "issuer": GITHUB, "identity": "https://github.com/acme/app" }), Some("identity-mismatch")),
        (json!({ "issuer": "https://gitlab.com", "identity": WORKFLOW }), Some("issuer-mismatch")),
        (json!({ "issuer": ["https://gitlab.com", GITHUB], "identity": ["x", WORKFLOW] }), None),
        (
            json!({ "issuer": GITHUB, "identityGlob": "https://github.com/acme/*/.github/workflows/*@refs/heads/main" }),
            None,
        ),
        (
            json!({ "issuer": GITHUB, "identityGlob": "https://github.com/acme/*@refs/heads/main" }),
            Some("identity-mismatch"),
        ),
        (json!({ "issuer": GITHUB, "identityGlob": "https://github.com/acme/**" }), Some("identity-mismatch")),
        (json!({ "issuerRegexp": "https://token[.]actions.*", "identityRegexp": "https://github.com/acme/.*" }), None),
        (json!({ "issuer": GITHUB, "identityRegexp": "https://github.com/acme/" }), Some("identity-mismatch")),
        (json!({ "issuerRegexp": "githubusercontent", "identity": WORKFLOW }), Some("issuer-mismatch")),
    ];
    for (signer, wanted) in cases {
        assert_eq!(by_signer(signer.clone(), &workflow(), &claim()).as_deref(), wanted, "{signer}");
    }
}

#[test]
fn a_certificate_without_an_issuer_is_of_none_that_is_named() {
    let mut unissued = workflow();
    unissued.claims.retain(|(arc, _)| *arc != 8);
    assert_eq!(by_signer(exactly(), &unissued, &claim()).as_deref(), Some("issuer-mismatch"));
    let any = json!({ "issuerRegexp": ".*", "identity": WORKFLOW });
    assert_eq!(by_signer(any, &unissued, &claim()), None);
}

#[test]
fn a_pattern_that_fits_a_part_is_refused_with_a_hint() {
    let instance = Instance::new("acme", 1);
    let requirement = json!({ "signers": [{ "issuer": GITHUB, "identityRegexp": "^https://github.com/acme/" }] });
    let decision = decide(&instance.root(), &requirement, vec![instance.sign(&workflow(), &claim().to_bytes())]);
    let reason = &decision.policies[0].requirements[0].candidates[0].reasons[0];
    assert!(reason.code.as_str() == "identity-mismatch" && reason.message.contains("`.*`"), "{reason:?}");
}

#[test]
fn every_claim_can_be_demanded() {
    for (name, arc) in policy::CLAIMS {
        let mut holder = Holder::new(WORKFLOW, "https://id.acme.example");
        // What a predicate repeats must agree with it, whatever the policy demands.
        let value = match arc {
            9 => WORKFLOW.to_owned(),
            12 => "https://github.com/acme/app".to_owned(),
            13 => "a".repeat(40),
            14 => "refs/heads/main".to_owned(),
            _ => format!("value {arc}"),
        };
        holder = holder.claiming(*arc, &value);
        let signer = |value: &str| json!({ "issuer": "https://id.acme.example", "identity": WORKFLOW, "certificate": { *name: value } });
        assert_eq!(by_signer(signer(&value), &holder, &claim()), None, "{name}");
        let other = by_signer(signer("another"), &holder, &claim());
        assert_eq!(other.as_deref(), Some("certificate-claim-mismatch"), "{name}");
        let absent = by_signer(signer(&value), &Holder::new(WORKFLOW, "https://id.acme.example"), &claim());
        assert_eq!(absent.as_deref(), Some("certificate-claim-mismatch"), "{name}");
    }
}

#[test]
fn a_predicate_that_contradicts_its_certificate_is_refused() {
    let cases = [
        (claim(), None),
        (
            Claim { repository: "https://github.com/acme/other".into(), ..claim() },
            Some("certificate-contradicts-source-repository"),
        ),
        (
            Claim { commit: "b".repeat(40), dependency_commit: "b".repeat(40), ..claim() },
            Some("certificate-contradicts-source-commit"),
        ),
        (Claim { reference: "refs/heads/evil".into(), ..claim() }, Some("certificate-contradicts-source-ref")),
        (Claim { builder_id: "https://builders.example".into(), ..claim() }, Some("certificate-contradicts-builder")),
    ];
    for (claim, wanted) in cases {
        assert_eq!(by_signer(exactly(), &workflow(), &claim).as_deref(), wanted);
    }
}

#[test]
fn a_certificate_speaks_for_its_own_builder_or_for_those_that_the_policy_lists() {
    let other = Claim { builder_id: "https://builders.example".into(), ..claim() };
    let mut signer = exactly();
    signer["builders"] = json!(["https://builders.example"]);
    assert_eq!(by_signer(signer.clone(), &workflow(), &other), None);
    assert_eq!(by_signer(signer.clone(), &workflow(), &claim()).as_deref(), Some("builder-not-allowed"));
    // Whom it may speak for is no word about the source.
    let lies = Claim { repository: "https://github.com/acme/other".into(), ..other };
    let wanted = Some("certificate-contradicts-source-repository");
    assert_eq!(by_signer(signer, &workflow(), &lies).as_deref(), wanted);
}

#[test]
fn a_certificate_that_names_no_builder_speaks_for_none() {
    let instance = Instance::new("acme", 1);
    let bound = |holder: &Holder| {
        let bundle = instance.sign(holder, &claim().to_bytes());
        let decision = decide(&instance.root(), &json!({ "signers": [exactly()] }), vec![bundle]);
        let Outcome::Accepted(accepted) = &decision.policies[0].requirements[0].candidates[0].outcome else { panic!() };
        accepted.fields.iter().find(|f| f.field == "builder.id").map(|f| (f.assurance(), f.bound))
    };
    assert_eq!(bound(&workflow()), Some((Assurance::Certificate, true)));
    let mut silent = workflow();
    silent.claims.retain(|(arc, _)| *arc != 9);
    assert_eq!(bound(&silent), Some((Assurance::Declared, false)));
}

#[test]
fn what_the_certificate_says_too_is_certified() {
    let instance = Instance::new("acme", 1);
    let demand = |assurance: &str| {
        json!({
            "signers": [exactly()],
            "source": { "repository": "https://github.com/acme/app", "refs": ["refs/heads/main"], "assurance": assurance },
        })
    };
    let bundle = instance.sign(&workflow(), &claim().to_bytes());
    let decision = decide(&instance.root(), &demand("certificate"), vec![bundle]);
    let Outcome::Accepted(accepted) = &decision.policies[0].requirements[0].candidates[0].outcome else {
        panic!("{decision:?}")
    };
    let known = |field: &str| accepted.fields.iter().find(|f| f.field == field).map(|f| (f.assurance(), f.bound));
    for (field, bound) in
        [("builder.id", true), ("source.repository", false), ("source.ref", false), ("source.commit", false)]
    {
        assert_eq!(known(field), Some((Assurance::Certificate, bound)), "{field}");
    }
    for field in ["agent.id", "task.id", "requestedBy.id", "source.dirty"] {
        assert_eq!(known(field), Some((Assurance::Declared, false)), "{field}");
    }
    // A certificate without the claim certifies nothing, and the demand is not met.
    let mut silent = workflow();
    silent.claims.retain(|(arc, _)| *arc != 14);
    let bundle = instance.sign(&silent, &claim().to_bytes());
    let code = |assurance| decide(&instance.root(), &demand(assurance), vec![bundle.clone()]).code();
    assert_eq!(code("certificate").map(|c| c.as_str()), Some("assurance-too-low"));
    assert_eq!(code("declared"), None);
}

#[test]
fn thresholds_count_distinct_identities() {
    let instance = Instance::new("acme", 1);
    let identities = ["a@acme.example", "b@acme.example"];
    let by = |who: &str| instance.sign(&Holder::new(who, "https://id.acme.example"), &claim().to_bytes());
    let requirement =
        json!({ "threshold": 2, "signers": [{ "issuer": "https://id.acme.example", "identity": identities }] });
    let code = |bundles| decide(&instance.root(), &requirement, bundles).code().map(|c| c.to_string());
    assert_eq!(code(identities.map(by).to_vec()), None);
    // The same one twice, with two certificates, and one that is not asked for.
    let twice = vec![by("a@acme.example"), by("a@acme.example"), by("c@acme.example")];
    assert_eq!(code(twice).as_deref(), Some("threshold-not-met"));
    assert_eq!(code(vec![by("c@acme.example")]).as_deref(), Some("identity-mismatch"));
}

#[test]
fn thresholds_count_one_person_and_one_workflow_once() {
    const ID: &str = "https://id.acme.example";
    const OTHER: &str = "https://id2.acme.example";
    const FLOWS: &str = "https://github.com/acme/app/.github/workflows";
    let instance = Instance::new("acme", 1);
    let code = |people: Value, who: &[(&str, &str)]| {
        let signers = json!([
            { "issuer": ID, "identityGlob": "*@acme.example" },
            { "issuer": OTHER, "identityGlob": "*@acme.example" },
            { "issuer": GITHUB, "identityGlob": format!("{FLOWS}/*.yml@refs/tags/*") },
        ]);
        let spec = json!({ "images": [{ "glob": "**" }], "people": people,
            "require": [{ "threshold": 2, "signers": signers }] });
        let sign = |(name, issuer): &(&str, &str)| instance.sign(&Holder::new(name, issuer), &claim().to_bytes());
        let bundles: Vec<_> = who.iter().map(sign).collect();
        let decision = attest::testing::decide_by(&roots(&instance.root()), &spec, artifact(), &bundles);
        decision.unwrap_or_else(|e| panic!("{e}")).code().map(|c| c.to_string())
    };
    let workflow = |name: &str, tag: &str| format!("{FLOWS}/{name}.yml@refs/tags/{tag}");
    let (r1, r2, s1) = (workflow("r", "v1"), workflow("r", "v2"), workflow("s", "v1"));
    let one = || json!({ "alice": ["a@acme.example", "b@acme.example"] });
    let two = || json!({ "alice": ["a@acme.example"], "bob": ["b@acme.example"] });
    let refused = Some("threshold-not-met".to_owned());
    for (people, who, expected) in [
        (two(), [("a@acme.example", ID), ("b@acme.example", ID)], None),
        (one(), [("a@acme.example", ID), ("b@acme.example", ID)], refused.clone()),
        (two(), [("a@acme.example", ID), ("b@acme.example", OTHER)], None),
        (two(), [("a@acme.example", ID), ("a@acme.example", OTHER)], refused.clone()),
        (two(), [("a@acme.example", ID), ("A@acme.example", OTHER)], refused.clone()),
        (two(), [(&*r1, GITHUB), (&*s1, GITHUB)], None),
        (two(), [(&*r1, GITHUB), (&*r2, GITHUB)], refused),
    ] {
        assert_eq!(code(people, &who), expected, "{who:?}");
    }
}

#[test]
fn thresholds_count_distinct_logs() {
    let instance = Instance::new("acme", 2);
    let bundle = instance.sign(&workflow(), &claim().to_bytes());
    let body = bundle["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"].as_str().unwrap();
    let body = STANDARD.decode(body).unwrap();
    let requirement = |logs: u32| json!({ "signers": [exactly()], "trust": { "logs": logs } });
    let code = |logs, second: Option<usize>| {
        let mut bundle = bundle.clone();
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap();
        entries.extend(second.map(|log| instance.entry(log, &body)));
        decide(&instance.root(), &requirement(logs), vec![bundle]).code().map(|c| c.to_string())
    };
    assert_eq!(code(1, None), None);
    assert_eq!(code(2, Some(1)), None);
    assert_eq!(code(2, None).as_deref(), Some("too-few-logs"));
    assert_eq!(code(2, Some(0)).as_deref(), Some("too-few-logs"));
}

#[test]
fn a_promise_is_no_proof_unless_the_requirement_says_so() {
    let instance = Instance::new("acme", 1);
    let mut bundle = instance.sign(&workflow(), &claim().to_bytes());
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
    let requirement = |allow: bool| json!({ "signers": [exactly()], "trust": { "allowPromiseOnly": allow } });
    let code =
        |requirement: &Value| decide(&instance.root(), requirement, vec![bundle.clone()]).code().map(|c| c.to_string());
    assert_eq!(code(&requirement(true)), None);
    assert_eq!(code(&requirement(false)).as_deref(), Some("log-proof-missing"));
    assert_eq!(code(&json!({ "signers": [exactly()] })).as_deref(), Some("log-proof-missing"));
    // That one requirement takes a promise is nothing to another one, also to one that says nothing of trust.
    for other in [requirement(false), json!({ "signers": [exactly()] })] {
        let both = by_policy(&instance.root(), &[requirement(true), other], vec![bundle.clone()]);
        let verdicts: Vec<_> = both.policies[0].requirements.iter().map(|r| r.verdict).collect();
        assert_eq!(verdicts, [Verdict::Allow, Verdict::Deny]);
        assert_eq!(both.code().map(|c| c.as_str()), Some("log-promise-only"));
    }
}

/// The code of a decision at some time after the signature by a policy that takes statements of a day, or nothing where it
/// allows.
fn aged(instance: &Instance, signer: &Value, bundle: &Value, seconds: i64) -> Option<String> {
    let at = Timestamp::from_unix(SIGNED_AT + seconds).unwrap();
    let spec = json!({ "images": [{ "glob": "**" }], "require": [{ "maxAge": "1d", "signers": [signer] }] });
    let decision = decide_at(at, &roots(&instance.root()), &spec, artifact(), std::slice::from_ref(bundle)).unwrap();
    decision.code().map(|c| c.to_string())
}

#[test]
fn a_statement_is_as_old_as_the_earliest_proof_of_its_signature() {
    const DAY: i64 = 86_400;
    let instance = Instance::new("acme", 1);
    let bundle = instance.sign(&workflow(), &claim().to_bytes());
    let too_old = Some("statement-too-old".to_owned());
    assert_eq!(aged(&instance, &exactly(), &bundle, DAY), None);
    assert_eq!(aged(&instance, &exactly(), &bundle, DAY + 1), too_old);
    // Of a key: whoever has an old statement has it stamped again today, and what the key signed says when it was made.
    let instance = Instance::new("acme", 0).with_stamps(1);
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let signer = json!({ "key": key.public_key().to_pem() });
    let made = |finished: Option<i64>| {
        let mut statement: Value = serde_json::from_slice(&claim().to_bytes()).unwrap();
        if let Some(seconds) = finished {
            let at = Timestamp::from_unix(SIGNED_AT + seconds).unwrap().to_string();
            statement["predicate"]["runDetails"]["metadata"] = json!({ "finishedOn": at });
        }
        instance.sign_with_key_alone(&key, statement.to_string().as_bytes())
    };
    let stamped = |finished: Option<i64>, stamps: &[i64]| {
        let mut bundle = made(finished);
        stamps.iter().for_each(|at| instance.stamp(&mut bundle, 0, SIGNED_AT + at));
        aged(&instance, &signer, &bundle, 10 * DAY)
    };
    assert_eq!(stamped(Some(10 * DAY - 60), &[10 * DAY - 30]), None);
    assert_eq!(stamped(Some(10 * DAY - 60), &[]), too_old, "no time is proven");
    assert_eq!(stamped(Some(0), &[10 * DAY - 30]), too_old, "stamped again");
    assert_eq!(stamped(None, &[10 * DAY - 30]), too_old, "it does not say when it was made");
}
