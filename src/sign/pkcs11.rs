#![expect(clippy::disallowed_methods, reason = "back end: loads the module of a token, and reads the file of a PIN")]
//! Keys in tokens and hardware modules: `pkcs11:` URIs, through the library (module) of their maker.
//!
//! The module is code that runs in this process, so its path must be absolute: nothing that a checkout contains is
//! loaded. It is found before a build step, and loaded when the key is opened, after the step, if it is still the same. A
//! call that does not come back is given up.

use super::pkcs11_uri::{self, Pkcs11Uri, shown};
use super::reference::Holder;
use super::{Found, KeyMaterial, OpenContext, Opened, SignError, Signed, Signer};
use crate::model::limits;
use crate::programs::{NamedFile, ProgramError};
use crate::regular;
use crate::seam::{BoxFuture, ready};
use crate::trust::{KeyAlgorithm, PublicKey};
use crate::verify::made_by;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use spki::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use spki::der::{self, Decode as _, Encode as _};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use zeroize::Zeroizing;

/// Variables that may hold the module's path and the PIN, the first one set counts.
const MODULE_VARIABLES: [&str; 2] = ["ATTEST_PKCS11_MODULE_PATH", "COSIGN_PKCS11_MODULE_PATH"];
const PIN_VARIABLES: [&str; 2] = ["ATTEST_PKCS11_PIN", "COSIGN_PKCS11_PIN"];

/// Finds the module that a URI or a variable names.
pub(super) fn find(rest: &str, reference: &str, context: &OpenContext<'_>) -> Result<Holder, SignError> {
    let uri = pkcs11_uri::parse(rest, reference)?;
    let reference = shown(reference);
    let module = uri.module_path.clone().or_else(|| variable(MODULE_VARIABLES, context));
    let module = module.filter(|m| Path::new(m).is_absolute()).ok_or_else(|| SignError::Malformed {
        reference: reference.clone(),
        why: format!("expected the absolute path of a module in `?module-path=` or {}", MODULE_VARIABLES[0]),
    })?;
    let search = context.launch.search();
    let pin = uri.pin_source.as_deref().map(|source| search.named(pin_path(source))).transpose();
    let found = search.file(Path::new(&module)).and_then(|module| Ok(Holder::Module(module, pin?)));
    found.map_err(|error| match error {
        ProgramError::Missing { cause, .. } => not_loaded(&reference, Path::new(&module), &cause),
        error => SignError::Program { reference, error },
    })
}

fn variable(names: [&str; 2], context: &OpenContext<'_>) -> Option<String> {
    names.into_iter().find_map(|n| (context.environment)(n)?.into_string().ok())
}

fn not_loaded(reference: &str, module: &Path, cause: &str) -> SignError {
    let cause = format!("the module `{}` cannot be loaded: {cause}", module.display());
    SignError::Unreadable { reference: reference.to_owned(), cause }
}

/// Opens the key that a URI names: loads the module, logs in, reads the public key.
pub(super) fn open(found: &Found, context: &OpenContext<'_>) -> Result<Opened, SignError> {
    let uri = pkcs11_uri::parse(&found.rest, &found.reference)?;
    let reference = shown(&found.reference);
    let Holder::Module(module, pin_file) = &found.holder else {
        return Err(SignError::Unreadable { reference, cause: "no module was found".into() });
    };
    let refused = |error| SignError::Program { reference: reference.clone(), error };
    pin_file.as_ref().map_or(Ok(()), NamedFile::unchanged).map_err(refused)?;
    let pin = pin(&uri, &reference, || variable(PIN_VARIABLES, context))?;
    module.unchanged().map_err(|error| SignError::Program { reference: reference.clone(), error })?;
    let (module, named) = (module.path().to_owned(), reference.clone());
    let key = within(&reference, move || Key::open(&module, &uri, pin, &named))?;
    let public = key.public.clone();
    let token = Token { reference, key: Arc::new(Mutex::new(key)) };
    Ok(Opened { public_key: Some(public), signer: Box::new(token), file: None })
}

fn pin_path(source: &str) -> &str {
    source.strip_prefix("file://").or_else(|| source.strip_prefix("file:")).unwrap_or(source)
}

fn pin(
    uri: &Pkcs11Uri,
    reference: &str,
    variable: impl Fn() -> Option<String>,
) -> Result<Option<Zeroizing<String>>, SignError> {
    if let Some(value) = &uri.pin_value {
        return Ok(Some(value.clone()));
    }
    let Some(source) = &uri.pin_source else { return Ok(variable().map(Zeroizing::new)) };
    let unreadable =
        |cause: String| SignError::Unreadable { reference: reference.to_owned(), cause: format!("its PIN: {cause}") };
    let (file, _) = regular::open(Path::new(pin_path(source))).map_err(|e| unreadable(e.to_string()))?;
    let mut text = Zeroizing::new(String::new());
    file.take(limits::PIN_BYTES as u64).read_to_string(&mut text).map_err(|e| unreadable(e.to_string()))?;
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

/// Runs what calls a module on a thread of its own, and gives it up when it does not end.
fn within<T: Send + 'static>(
    reference: &str,
    call: impl FnOnce() -> Result<T, SignError> + Send + 'static,
) -> Result<T, SignError> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || drop(send.send(call())));
    let deadline = Duration::from_secs(limits::EXEC_SECONDS);
    receive.recv_timeout(deadline).unwrap_or_else(|e| {
        let cause = match e {
            RecvTimeoutError::Timeout => format!("no answer within {} seconds", deadline.as_secs()),
            RecvTimeoutError::Disconnected => "the call stopped in the middle".to_owned(),
        };
        Err(SignError::Unavailable { service: format!("the token of `{reference}`"), cause })
    })
}

struct Token {
    reference: String,
    key: Arc<Mutex<Key>>,
}

impl Signer for Token {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        let (key, message) = (self.key.clone(), pae.to_vec());
        ready(within(&self.reference, move || key.lock().unwrap_or_else(PoisonError::into_inner).sign(&message)))
    }
}

/// An open key of a token.
struct Key {
    reference: String,
    session: Session,
    private: ObjectHandle,
    public: PublicKey,
}

impl Key {
    fn open(
        module: &Path,
        uri: &Pkcs11Uri,
        pin: Option<Zeroizing<String>>,
        reference: &str,
    ) -> Result<Self, SignError> {
        let failed = |e: Error| failure(reference, &e);
        let library = Pkcs11::new(module).map_err(|e| not_loaded(reference, module, &e.to_string()))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(e) => return Err(failed(e)),
        }
        let slots = slots(&library, uri).map_err(failed)?;
        let slot = one(&slots, reference, "token")?;
        let info = library.get_token_info(slot).map_err(failed)?;
        let session = library.open_ro_session(slot).map_err(failed)?;
        if info.login_required() {
            match pin {
                Some(pin) => login(&session, Some(&AuthPin::new(pin.as_str().into()))),
                None if info.protected_authentication_path() => login(&session, None),
                None => {
                    return Err(SignError::PinNeeded { reference: reference.to_owned(), variable: PIN_VARIABLES[0] });
                }
            }
            .map_err(failed)?;
        }
        let find = |class: ObjectClass, id: Option<&[u8]>| {
            let mut template = vec![Attribute::Class(class)];
            template.extend(uri.object.as_ref().filter(|_| id.is_none()).map(|o| Attribute::Label(o.clone().into())));
            template.extend(id.or(uri.id.as_deref()).map(|id| Attribute::Id(id.to_vec())));
            session.find_objects(&template)
        };
        let private = one(&find(ObjectClass::PRIVATE_KEY, None).map_err(failed)?, reference, "private key")?;
        // The two halves of a pair have one id; their labels need not be the same.
        let id = session.get_attributes(private, &[AttributeType::Id]).map_err(failed)?;
        let id = id.into_iter().find_map(|a| if let Attribute::Id(id) = a { Some(id) } else { None });
        let id = id.filter(|id| !id.is_empty());
        let public = find(ObjectClass::PUBLIC_KEY, id.as_deref()).map_err(failed)?;
        let public = one(&public, reference, "public key beside the private key")?;
        let public = public_key(&session, public, reference)?;
        Ok(Self { reference: reference.to_owned(), session, private, public })
    }

    fn sign(&self, message: &[u8]) -> Result<Signed, SignError> {
        let ecdsa = |digest: &[u8]| self.session.sign(&Mechanism::Ecdsa, self.private, digest);
        let raw = match self.public.algorithm() {
            KeyAlgorithm::EcdsaP256 => ecdsa(&Sha256::digest(message)),
            KeyAlgorithm::EcdsaP384 => ecdsa(&Sha384::digest(message)),
            KeyAlgorithm::EcdsaP521 => ecdsa(&Sha512::digest(message)),
            _ => {
                let pure = EddsaParams::new(EddsaSignatureScheme::Ed25519);
                self.session.sign(&Mechanism::Eddsa(pure), self.private, message)
            }
        };
        let raw = raw.map_err(|e| failure(&self.reference, &e))?;
        let is_ecdsa = self.public.algorithm() != KeyAlgorithm::Ed25519;
        // What is no signature stays as it is, and fails in the check.
        let signature = if is_ecdsa { asn1(&raw).unwrap_or(raw) } else { raw };
        if !made_by(&self.public, message, &signature) {
            return Err(SignError::WrongKey { signer: self.reference.clone(), expected: self.public.id() });
        }
        Ok(Signed { signature, material: KeyMaterial::PublicKey(self.public.clone()) })
    }
}

fn login(session: &Session, pin: Option<&AuthPin>) -> Result<(), Error> {
    match session.login(UserType::User, pin) {
        Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        other => other,
    }
}

/// The slots whose token is the one that is named.
fn slots(library: &Pkcs11, uri: &Pkcs11Uri) -> Result<Vec<Slot>, Error> {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|w| w == found.trim_end());
    let mut out = Vec::new();
    for slot in library.get_slots_with_initialized_token()? {
        let info = library.get_token_info(slot)?;
        let fits = is(&uri.token, info.label())
            && is(&uri.serial, info.serial_number())
            && is(&uri.manufacturer, info.manufacturer_id())
            && is(&uri.model, info.model())
            && uri.slot_id.is_none_or(|id| id == slot.id());
        if fits {
            out.push(slot);
        }
    }
    Ok(out)
}

fn one<T: Copy>(found: &[T], reference: &str, what: &str) -> Result<T, SignError> {
    match found {
        [one] => Ok(*one),
        _ => Err(SignError::Unreadable {
            reference: reference.to_owned(),
            cause: format!(
                "expected one {what}, found {}",
                if found.is_empty() { "none".into() } else { found.len().to_string() }
            ),
        }),
    }
}

/// Curves by the DER of their names, with the bytes of a public key on them.
const CURVES: &[(&[u8], usize)] = &[
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 65),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], 97),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], 133),
    (&[0x06, 0x03, 0x2b, 0x65, 0x70], ED25519_BYTES),
    // PKCS #11 version 3.0 section 2.3.9 allows the curve's name as a PrintableString.
    (b"\x13\x0cedwards25519", ED25519_BYTES),
];
const ED25519_BYTES: usize = 32;
/// Key types of RFC 5480 section 2.1.1 and RFC 8410 section 3.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

fn public_key(session: &Session, object: ObjectHandle, reference: &str) -> Result<PublicKey, SignError> {
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let attributes = session.get_attributes(object, &wanted).map_err(|e| failure(reference, &e))?;
    let (mut curve, mut point) = (Vec::new(), Vec::new());
    for attribute in attributes {
        match attribute {
            Attribute::EcParams(bytes) => curve = bytes,
            Attribute::EcPoint(bytes) => point = bytes,
            _ => {}
        }
    }
    let unusable = |why: &str| SignError::Malformed { reference: reference.to_owned(), why: why.to_owned() };
    let known = CURVES.iter().find(|(name, _)| *name == curve.as_slice());
    let (_, length) =
        known.ok_or_else(|| unusable("expected a key on P-256, P-384, P-521 or Ed25519, found another kind"))?;
    // The point is an OCTET STRING; some modules leave its head out.
    let bits = match <&OctetStringRef>::from_der(&point) {
        Ok(inner) if inner.as_bytes().len() == *length => inner.as_bytes(),
        _ if point.len() == *length => &point,
        _ => return Err(unusable("its public key has another length than its curve")),
    };
    let der = spki(&curve, bits, *length == ED25519_BYTES).map_err(|e| unusable(&e.to_string()))?;
    PublicKey::from_der(&der).map_err(|e| unusable(&e.to_string()))
}

/// The SubjectPublicKeyInfo of a key (RFC 5280 section 4.1.2.7), as DER.
fn spki(curve: &[u8], bits: &[u8], is_ed25519: bool) -> der::Result<Vec<u8>> {
    let algorithm = if is_ed25519 {
        AlgorithmIdentifier { oid: ED25519, parameters: None }
    } else {
        AlgorithmIdentifier { oid: EC, parameters: Some(AnyRef::from_der(curve)?) }
    };
    SubjectPublicKeyInfo { algorithm, subject_public_key: BitStringRef::from_bytes(bits)? }.to_der()
}

/// An ECDSA signature as ASN.1 DER (RFC 3279 section 2.2.3) from the two numbers that a token gives.
fn asn1(raw: &[u8]) -> der::Result<Vec<u8>> {
    let (r, s) = raw.split_at(raw.len() / 2);
    vec![UintRef::new(r)?, UintRef::new(s)?].to_der()
}

fn failure(reference: &str, error: &Error) -> SignError {
    let reference = reference.to_owned();
    match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
            SignError::WrongPassword { reference }
        }
        Error::Pkcs11(RvError::PinLocked, _) => {
            SignError::Unreadable { reference, cause: "the token's PIN is locked".into() }
        }
        Error::Pkcs11(rv, function) => SignError::Unavailable {
            service: format!("the token of `{reference}`"),
            cause: format!("{function:?} answered {rv:?}"),
        },
        other => SignError::Unavailable { service: format!("the token of `{reference}`"), cause: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::NoPassword;

    fn refused(reference: &str) -> SignError {
        let environment = |_: &str| None;
        let launch = crate::programs::Launch::default();
        let context = OpenContext { environment: &environment, passwords: &NoPassword, launch: &launch };
        crate::sign::open(reference, &context).err().unwrap()
    }

    #[test]
    fn a_module_is_named_by_an_absolute_path_and_must_be_one() {
        for reference in
            ["pkcs11:object=a", "pkcs11:object=a?module-path=lib.so", "pkcs11:object=a?module-path=./lib.so"]
        {
            let e = refused(reference);
            assert_eq!(e.code().as_str(), "key-malformed", "{e}");
            assert!(e.to_string().contains("absolute path of a module"), "{e}");
        }
        let e = refused("pkcs11:object=a?module-path=/no/such/module.so&pin-value=1234");
        assert_eq!(e.code().as_str(), "key-unreadable", "{e}");
        assert!(e.to_string().contains("`/no/such/module.so` cannot be loaded"), "{e}");
        assert!(!format!("{e}{e:?}").contains("1234"));
    }

    #[test]
    fn numbers_of_a_signature_are_minimal_and_positive() {
        assert_eq!(asn1(&[0, 1, 0x80, 0]).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]);
        assert_eq!(asn1(&[0, 0, 0, 5]).unwrap(), [0x30, 6, 2, 1, 0, 2, 1, 5]);
    }
}
