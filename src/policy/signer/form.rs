//! A signer as a policy writes it: a key, or what a certificate must say.

use super::certificate::{CLAIMS, CertificateMatch, Regexp, TextMatch};
use super::rule::SignerRule;
use crate::model::{Timestamp, ValidityWindow};
use crate::policy::form::{At, Declared, Either, Field, Form, Key, ListOf, Map, OneOf, Parsed, TEXT};
use crate::policy::{Glob, PolicyError};
use crate::predicate::field::Group;
use serde_json::{Map as Members, Value, json};

static BY_KEY: Field<Key> =
    Field::new("key", "Public key: path of a PEM file, relative to the policy's, or PEM itself.", Key);
static ISSUER: Field<Either<Parsed<TextMatch>>> =
    Field::new("issuer", "OIDC issuer of the certificate.", Either(EXACT));
static ISSUER_REGEXP: Field<Either<Parsed<TextMatch>>> =
    Field::new("issuerRegexp", "Regular expression over the whole OIDC issuer.", Either(REGEXP));
static IDENTITY: Field<Either<Parsed<TextMatch>>> =
    Field::new("identity", "Subject alternative name of the certificate.", Either(EXACT));
static IDENTITY_GLOB: Field<Either<Parsed<TextMatch>>> =
    Field::new("identityGlob", "Glob over the whole subject alternative name.", Either(GLOB));
static IDENTITY_REGEXP: Field<Either<Parsed<TextMatch>>> =
    Field::new("identityRegexp", "Regular expression over the whole subject alternative name.", Either(REGEXP));
static CERTIFICATE: Field<Claims> =
    Field::new("certificate", "What Fulcio's claims must say, each to the letter.", Claims);
static NOT_BEFORE: Field<Parsed<Timestamp>> =
    Field::new("notBefore", "It may sign from then on; a log or a timestamp must prove the time.", TIME);
static NOT_AFTER: Field<Parsed<Timestamp>> = Field::new("notAfter", "It may sign until then.", TIME);
static BUILDERS: Field<ListOf<Parsed<Glob>>> = Field::new(
    "builders",
    "Builders that it may speak for, to the letter or as globs. Another one fails; with none listed a certificate speaks for its own build-signer URI, and what a key says is only declared.",
    ListOf(Parsed {
        read: |text| Glob::parse(text).ok_or_else(|| "a builder id or glob".to_owned()),
        schema: || Glob::schema("A builder id."),
    }),
);
static MEASURES: Field<ListOf<OneOf<Group>>> = Field::new(
    "measures",
    "Fields of a provenance that it finds out itself, as an isolated build service does: where it signed, their assurance is measured.",
    ListOf(OneOf(|| Group::ALL.to_vec())),
);

static SIGNER: Map = Map::of(
    "A key, or whoever holds a certificate that says this, may have signed.",
    &[
        &BY_KEY,
        &ISSUER,
        &ISSUER_REGEXP,
        &IDENTITY,
        &IDENTITY_GLOB,
        &IDENTITY_REGEXP,
        &CERTIFICATE,
        &NOT_BEFORE,
        &NOT_AFTER,
        &BUILDERS,
        &MEASURES,
    ],
);

/// Fields that speak of a certificate, and so of no key.
static OF_A_CERTIFICATE: [&dyn Declared; 6] =
    [&ISSUER, &ISSUER_REGEXP, &IDENTITY, &IDENTITY_GLOB, &IDENTITY_REGEXP, &CERTIFICATE];

/// Fields that only the signer of a SLSA provenance has: another predicate type names no builder and nothing to measure.
static OF_A_PROVENANCE: [&dyn Declared; 2] = [&BUILDERS, &MEASURES];

/// Signers of a requirement.
pub(in crate::policy) const SIGNERS: ListOf<Signer> = ListOf(Signer);

/// A signer.
pub(in crate::policy) struct Signer;

/// Signers of something else than a provenance.
pub(in crate::policy) struct Others;

/// The schema of a signer: `$defs/signer`.
pub(in crate::policy) fn definition() -> Value {
    let required = |f: &dyn Declared| json!({ "required": [f.name()] });
    let any_of = |fields: &[&dyn Declared]| json!({ "anyOf": fields.iter().map(|f| required(*f)).collect::<Vec<_>>() });
    let mut schema = SIGNER.schema(&[]);
    schema["oneOf"] = json!([
        { "required": [BY_KEY.name()], "not": any_of(&OF_A_CERTIFICATE) },
        {
            "not": required(&BY_KEY),
            "allOf": [
                any_of(&[&ISSUER, &ISSUER_REGEXP]),
                any_of(&[&IDENTITY, &IDENTITY_GLOB, &IDENTITY_REGEXP]),
            ],
        },
    ]);
    schema
}

/// The first field of a signer that only a provenance gives a meaning.
pub(in crate::policy) fn of_provenance<'a>(signers: &[At<'a>]) -> Option<At<'a>> {
    OF_A_PROVENANCE.iter().find_map(|f| signers.iter().find_map(|s| s.get(f.name())))
}

impl Form for Signer {
    type Value = SignerRule;

    fn read(&self, field: &At<'_>) -> Result<SignerRule, PolicyError> {
        SIGNER.check(field, &[])?;
        let window = ValidityWindow { not_before: NOT_BEFORE.read(field)?, not_after: NOT_AFTER.read(field)? };
        if let (Some(b), Some(a)) = (window.not_before, window.not_after)
            && a < b
        {
            return Err(field.error("a notAfter that is not before notBefore"));
        }
        let builders = BUILDERS.read(field)?.unwrap_or_default();
        let measures = MEASURES.read(field)?.unwrap_or_default().into_iter().flat_map(Group::facts).collect();
        let Some(key_field) = field.get(BY_KEY.name()) else {
            let rule = SignerRule::certificate(certificate(field)?);
            return Ok(rule.window(window).builders(builders).measures(measures));
        };
        for key in OF_A_CERTIFICATE.iter().map(|f| f.name()) {
            if let Some(f) = field.get(key) {
                return Err(f.error("either `key` or what a certificate says, in entries of their own"));
            }
        }
        let rule = SignerRule::key(Key.read(&key_field)?).window(window).builders(builders).measures(measures);
        let text = key_field.str()?;
        Ok(if text.starts_with("-----") { rule } else { rule.label(format!("key {text}")) })
    }

    fn schema(&self) -> Value {
        json!({ "$ref": "#/$defs/signer" })
    }
}

impl Form for Others {
    type Value = Vec<SignerRule>;

    fn read(&self, at: &At<'_>) -> Result<Vec<SignerRule>, PolicyError> {
        for entry in &at.list()? {
            if let Some(f) = of_provenance(std::slice::from_ref(entry)) {
                return Err(f.error("no builders and no measures, which only the signer of a provenance has"));
            }
        }
        SIGNERS.read(at)
    }

    fn schema(&self) -> Value {
        let never: Vec<_> = OF_A_PROVENANCE.iter().map(|f| json!({ "required": [f.name()] })).collect();
        let one = json!({ "allOf": [Signer.schema()], "not": { "anyOf": never } });
        json!({ "type": "array", "minItems": 1, "items": one })
    }
}

/// Whom a certificate must name: an issuer and an identity, and any claims.
fn certificate(field: &At<'_>) -> Result<CertificateMatch, PolicyError> {
    let mut wanted = CertificateMatch::default();
    for issuer in [&ISSUER, &ISSUER_REGEXP] {
        wanted.issuers.extend(issuer.read(field)?.into_iter().flatten());
    }
    for identity in [&IDENTITY, &IDENTITY_GLOB, &IDENTITY_REGEXP] {
        wanted.identities.extend(identity.read(field)?.into_iter().flatten());
    }
    if wanted.issuers.is_empty() && wanted.identities.is_empty() {
        return Err(field.error("a `key`, or an `issuer` and an `identity`, `identityGlob` or `identityRegexp`"));
    }
    if wanted.issuers.is_empty() || wanted.identities.is_empty() {
        return Err(field.error("an issuer and an identity: either alone can be had from anybody"));
    }
    wanted.claims = CERTIFICATE.read(field)?.unwrap_or_default();
    Ok(wanted)
}

const EXACT: Parsed<TextMatch> =
    Parsed { read: |text| Ok(TextMatch::Exact(text.to_owned())), schema: || TEXT.schema() };

const GLOB: Parsed<TextMatch> = Parsed {
    read: |text| Glob::parse(text).map(TextMatch::Glob).ok_or_else(|| "a glob".to_owned()),
    schema: || TEXT.schema(),
};

const REGEXP: Parsed<TextMatch> = Parsed {
    read: |text| Regexp::parse(text).map(TextMatch::Regexp).map_err(|why| format!("a regular expression ({why})")),
    schema: || TEXT.schema(),
};

pub(in crate::policy) const TIME: Parsed<Timestamp> = Parsed {
    read: |text| Timestamp::parse(text).map_err(|_| "a time such as 2026-01-31T00:00:00Z".to_owned()),
    schema: || json!({ "type": "string", "format": "date-time", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]" }),
};

/// Claims of a certificate: any of [`CLAIMS`], at least one.
struct Claims;

impl Form for Claims {
    type Value = Vec<(u32, Vec<TextMatch>)>;

    fn read(&self, at: &At<'_>) -> Result<Self::Value, PolicyError> {
        let names: Vec<_> = CLAIMS.iter().map(|(name, _)| *name).collect();
        at.fields(&names, &[])?;
        let mut claims = Vec::new();
        for (name, arc) in CLAIMS {
            if let Some(f) = at.get(name) {
                claims.push((*arc, Either(EXACT).read(&f)?));
            }
        }
        if claims.is_empty() {
            return Err(at.error("at least one claim"));
        }
        Ok(claims)
    }

    fn schema(&self) -> Value {
        let claim = |(name, arc): &(&str, u32)| {
            let mut said = Members::new();
            said.insert("description".into(), json!(format!("Claim 1.3.6.1.4.1.57264.1.{arc} of the certificate.")));
            if let Value::Object(form) = Either(EXACT).schema() {
                said.extend(form);
            }
            ((*name).to_owned(), Value::Object(said))
        };
        let claims: Members<String, Value> = CLAIMS.iter().map(claim).collect();
        json!({ "type": "object", "minProperties": 1, "additionalProperties": false, "properties": claims })
    }
}
