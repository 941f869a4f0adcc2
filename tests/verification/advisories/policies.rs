//! What a policy demands, and what was not looked at.

use super::{GITHUB, WORKFLOW, artifact, by_the_program, claim, decided, exactly, holder, instance, roots};
use attest::policy::{Outcome, Verdict};
use attest::testing::{Claim, Holder};
use serde_json::{Value, json};

const SCAN: &str = "https://acme.example/scan/v1";

fn scan() -> Claim {
    Claim { predicate_type: SCAN.into(), predicate: Some(json!({ "passed": true })), ..claim() }
}

/// cosign: the type of the predicate was not looked at in bundles.
#[test]
fn ghsa_w6c6_c85g_mmv6_the_type_of_a_bundles_predicate_is_the_one_demanded() {
    let instance = instance();
    let of = |claim: Claim| instance.sign(&holder(), &claim.to_bytes());
    let demand = json!({ "predicateType": SCAN, "signers": [exactly()] });
    let found = |claim: Claim| decided(&instance.root(), &demand, &[of(claim)]);
    assert_eq!(found(scan()), None);
    assert_eq!(found(claim()).as_deref(), Some("predicate-type-mismatch"));
    for near in ["https://acme.example/scan/v2", "https://acme.example/scan/v1/", "https://acme.example/SCAN/v1"] {
        let other = Claim { predicate_type: near.into(), ..scan() };
        assert_eq!(found(other).as_deref(), Some("predicate-type-mismatch"), "{near}");
    }
}

/// gh: exit 0 where no attestation was of the type that was asked for.
#[test]
fn cve_2025_25204_ghsa_fgw4_v983_mgp8_nothing_of_the_type_is_exit_1() {
    let flag = |kind: &'static str| move |s: &mut super::Scene| s.flag(&["--predicate-type", kind]);
    let scanned = |s: &mut super::Scene| {
        s.claim.predicate_type = SCAN.into();
        s.claim.predicate = Some(json!({ "passed": true }));
        flag(SCAN)(s);
    };
    let provenance = |s: &mut super::Scene| s.claim.predicate_type = "https://slsa.dev/provenance/v1".into();
    let another = |s: &mut super::Scene| {
        s.claim.predicate = None;
        provenance(s);
    };
    by_the_program(&scanned, &another, 1, "predicate-type-mismatch");
    by_the_program(&|_| (), &flag(SCAN), 1, "predicate-type-mismatch");
    by_the_program(&|_| (), &|s| s.attested = false, 1, "no-attestation");
}

/// policy-controller before 0.2.1, and cosign: no attestation of the type was a pass, and others were returned with it.
#[test]
fn cve_2022_35930_ghsa_739f_hw6h_7wq8_and_cve_2022_35929_no_match_is_no_and_only_matches_are_returned() {
    let instance = instance();
    let demand = json!({ "predicateType": SCAN, "signers": [exactly()] });
    let (match_, other) = (instance.sign(&holder(), &scan().to_bytes()), instance.sign(&holder(), &claim().to_bytes()));
    let decide = |bundles: &[Value]| {
        attest::testing::decide(&roots(&instance.root()), std::slice::from_ref(&demand), artifact(), bundles).unwrap()
    };
    assert_eq!(decide(&[]).verdict, Verdict::Deny);
    assert_eq!(decide(std::slice::from_ref(&other)).verdict, Verdict::Deny);
    let decision = decide(&[other.clone(), match_, other]);
    assert_eq!(decision.verdict, Verdict::Allow);
    let outcomes: Vec<_> = decision.policies[0].requirements[0].candidates.iter().map(|c| &c.outcome).collect();
    let [Outcome::SetAside, Outcome::Accepted(accepted), Outcome::SetAside] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(accepted.statement.statement().predicate_type().as_str(), SCAN);
}

/// Kyverno: `subjectRegExp` and `issuerRegExp` were read and not applied.
#[test]
fn cve_2025_29778_ghsa_46mp_8w32_6g94_every_field_of_a_signer_is_applied() {
    let instance = instance();
    let bundle = instance.sign(&holder().claiming(20, "push"), &claim().to_bytes());
    let with =
        |signer: Value| decided(&instance.root(), &json!({ "signers": [signer] }), std::slice::from_ref(&bundle));
    // Each field: one value that fits and one that does not, with the other fields that it needs.
    let cases = [
        (json!({ "identity": WORKFLOW }), "issuer", GITHUB, "https://gitlab.com", "issuer-mismatch"),
        (json!({ "identity": WORKFLOW }), "issuerRegexp", "https://token[.].*", "https://gitlab.*", "issuer-mismatch"),
        (json!({ "issuer": GITHUB }), "identity", WORKFLOW, "https://evil.example", "identity-mismatch"),
        (
            json!({ "issuer": GITHUB }),
            "identityGlob",
            "https://github.com/acme/*/.github/workflows/*@refs/heads/main",
            "https://github.com/evil/*/.github/workflows/*@refs/heads/main",
            "identity-mismatch",
        ),
        (
            json!({ "issuer": GITHUB }),
            "identityRegexp",
            "https://github.com/acme/.*",
            "https://github.com/evil/.*",
            "identity-mismatch",
        ),
        (exactly(), "notBefore", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "key-outside-window"),
        (exactly(), "notAfter", "2025-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "key-outside-window"),
    ];
    for (others, field, fits, fits_not, wanted) in cases {
        let signer = |value: &str| {
            let mut signer = others.clone();
            signer[field] = value.into();
            with(signer)
        };
        assert_eq!((signer(fits), signer(fits_not).as_deref()), (None, Some(wanted)), "{field}");
    }
    for (value, wanted) in [("push", None), ("schedule", Some("certificate-claim-mismatch"))] {
        let mut signer = exactly();
        signer["certificate"] = json!({ "buildTrigger": value });
        assert_eq!(with(signer).as_deref(), wanted, "{value}");
    }
    for (value, wanted) in [(WORKFLOW, None), ("https://builders.example", Some("builder-not-allowed"))] {
        let mut signer = exactly();
        signer["builders"] = json!([value]);
        assert_eq!(with(signer).as_deref(), wanted, "{value}");
    }
    // And one that is not known is no policy.
    let mut signer = exactly();
    signer["subjectRegExp"] = ".*".into();
    let requirement = json!({ "signers": [signer] });
    let answer = attest::testing::decide(&[], std::slice::from_ref(&requirement), artifact(), &[]);
    assert_eq!(answer.map(|_| ()).map_err(|e| e.code().to_string()), Err("policy-field-unknown".into()));
}

/// Connaisseur, commit 524b73ff: a pattern that takes exponential time.
#[test]
fn connaisseur_524b73ff_a_pattern_takes_time_in_proportion_to_the_text() {
    let instance = instance();
    // A backtracking engine would try 2^2000 ways to split the text before it says no.
    let long = format!("https://github.com/{}!", "a".repeat(2000));
    let bundle = instance.sign(&Holder::new(&long, GITHUB), &claim().to_bytes());
    let with = |pattern: &str| {
        let signer = json!({ "issuer": GITHUB, "identityRegexp": pattern });
        decided(&instance.root(), &json!({ "signers": [signer] }), std::slice::from_ref(&bundle))
    };
    assert_eq!(with("https://github.com/(a+)+"), Some("identity-mismatch".into()));
    assert_eq!(with("https://github.com/(a|aa)*!*$x?"), with("https://github.com/(a+)+!"));
}
