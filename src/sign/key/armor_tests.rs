//! Every format times every algorithm, and what is refused in each.
//!
//! `testdata/` was made for these tests with OpenSSL 3.0 and cosign 3.1 and guards nothing; every password is
//! `password`. `*-pkcs8`, `*-sec1`: `openssl ecparam -name CURVE -genkey -noout`, `openssl genpkey -algorithm ed25519`,
//! `openssl pkcs8 -topk8 -nocrypt`. `*-pbkdf2*`, `*-scrypt`, `*-pbes1`, `*-des3`: `openssl pkcs8 -topk8 -passout
//! pass:password` with no option (2,048 iterations), `-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 100`, `-scrypt
//! -scrypt_N 1024`, `-v1 PBE-SHA1-3DES`, `-v2 des3`, `-iter 10000001`. `p256-legacy-encryption`: `openssl ec -aes128`.
//! `p256-two-blocks`: `openssl ecparam -genkey` without `-noout`. `cosign-3`: `cosign generate-key-pair`.

use super::*;
use crate::model::code;
use crate::sign::{NoPassword, Signer};
use crate::trust::{KeyAlgorithm, PublicKey};
use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../testdata/", $name)) as &[u8]
    };
}

const P256_PUB: &[u8] = data!("p256.pub");
const P384_PUB: &[u8] = data!("p384.pub");
const ED25519_PUB: &[u8] = data!("ed25519.pub");

/// Gives one password and counts how often it was asked.
struct Fixed(&'static [u8], AtomicUsize);

impl Fixed {
    const fn new(password: &'static [u8]) -> Self {
        Self(password, AtomicUsize::new(0))
    }
}

impl PasswordSource for Fixed {
    fn password(&self, for_what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        assert_eq!(for_what, "k");
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Zeroizing::new(self.0.to_vec())))
    }
}

fn read(text: &[u8], password: &'static [u8]) -> Result<LocalKey, SignError> {
    read_private_key("k", text, &Fixed::new(password))
}

fn sealed(algorithm: KeyAlgorithm, cost: (u8, u32, u32)) -> (LocalKey, String) {
    let key = LocalKey::generate(algorithm).unwrap();
    let text = cosign::seal(&key.to_pkcs8().unwrap(), b"password", cost, &[7; 32], &[9; 24]).unwrap();
    (key, text)
}

#[test]
fn plain_keys_are_read_and_no_password_is_asked() {
    for (text, public) in [
        (data!("p256-pkcs8.pem"), P256_PUB),
        (data!("p256-sec1.pem"), P256_PUB),
        (data!("p384-pkcs8.pem"), P384_PUB),
        (data!("p384-sec1.pem"), P384_PUB),
        (data!("ed25519-pkcs8.pem"), ED25519_PUB),
    ] {
        let passwords = Fixed::new(b"");
        let key = read_private_key("k", text, &passwords).unwrap();
        assert_eq!(key.public_key(), &PublicKey::from_pem(public).unwrap());
        assert_eq!(passwords.1.into_inner(), 0);
    }
}

/// As `openssl ecparam -genkey` and `openssl pkey -outform DER` write them, and of the largest curve.
#[test]
fn keys_with_parameters_in_der_and_of_p521_are_read() {
    let of_two = read(data!("p256-two-blocks.pem"), b"").unwrap();
    assert_eq!(of_two.public_key().algorithm(), KeyAlgorithm::EcdsaP256);
    let p521 = read(data!("p521-pkcs8.pem"), b"").unwrap();
    assert_eq!(p521.public_key().algorithm(), KeyAlgorithm::EcdsaP521);
    assert_eq!(&PublicKey::from_file(p521.public_key().to_pem().as_bytes()).unwrap(), p521.public_key());
    for text in [data!("p256-pkcs8.pem"), data!("p384-sec1.pem"), data!("ed25519-pkcs8.pem"), data!("p256-pbkdf2.pem")]
    {
        let key = read(text, b"password").unwrap();
        let der = pem::parse(text).unwrap().into_contents();
        assert_eq!(read(&der, b"password").unwrap().public_key(), key.public_key());
        assert!(read(&der[..der.len() - 1], b"password").is_err());
        let public = PublicKey::from_file(key.public_key().spki()).unwrap();
        assert_eq!(&public, key.public_key());
    }
    // The password is asked for in DER, too.
    let der = pem::parse(data!("p256-pbkdf2.pem")).unwrap().into_contents();
    assert!(matches!(read(&der, b"Password"), Err(SignError::WrongPassword { .. })));
}

#[test]
fn ed25519_is_read_with_its_public_key_beside_it_and_only_if_that_belongs_to_it() {
    // RFC 8410 section 10.3: version 2 carries the public key in [1].
    let v1 = pem::parse(data!("ed25519-pkcs8.pem")).unwrap().into_contents();
    let public = PublicKey::from_pem(ED25519_PUB).unwrap();
    let v2 = |point: &[u8]| {
        let mut der = vec![0x30, 0x51, 0x02, 0x01, 0x01];
        der.extend(&v1[5..]);
        der.extend([0x81, 0x21, 0x00]);
        der.extend(point);
        pem::encode(&pem::Pem::new("PRIVATE KEY", der))
    };
    assert_eq!(read(v2(public.raw()).as_bytes(), b"").unwrap().public_key(), &public);
    let other = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let e = read(v2(other.public_key().raw()).as_bytes(), b"").unwrap_err();
    assert!(e.to_string().ends_with("its parts do not belong together"), "{e}");
}

#[test]
fn a_point_that_does_not_belong_to_the_scalar_is_refused() {
    let der = pem::parse(data!("p256-sec1.pem")).unwrap().into_contents();
    let other = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let mut wrong = der.clone();
    let at = wrong.len() - 65;
    wrong[at..].copy_from_slice(other.public_key().raw());
    let text = |der: Vec<u8>| pem::encode(&pem::Pem::new("EC PRIVATE KEY", der));
    assert!(read(text(der).as_bytes(), b"").is_ok());
    let e = read(text(wrong).as_bytes(), b"").unwrap_err();
    assert!(e.to_string().ends_with("its parts do not belong together"), "{e}");
}

#[test]
fn encrypted_keys_are_read_with_their_password_and_no_other() {
    for (text, public) in [
        (data!("p256-pbkdf2.pem"), P256_PUB),
        (data!("p384-pbkdf2-sha512-aes128.pem"), P384_PUB),
        (data!("ed25519-scrypt.pem"), ED25519_PUB),
        (data!("cosign-3.pem"), data!("cosign-3.pub")),
    ] {
        let key = read(text, b"password").unwrap();
        assert_eq!(key.public_key(), &PublicKey::from_pem(public).unwrap());
        assert_eq!(read(text, b"Password").unwrap_err(), SignError::WrongPassword { reference: "k".into() });
        assert_eq!(
            read_private_key("k", text, &NoPassword).unwrap_err(),
            SignError::PasswordNeeded { reference: "k".into() }
        );
    }
}

#[test]
fn a_wrong_password_that_leaves_good_padding_is_still_a_wrong_password() {
    // One password in about 256 does; these are enough to meet some.
    let wrong = SignError::WrongPassword { reference: "k".into() };
    for i in 0..600u32 {
        let password: &'static [u8] = i.to_string().leak().as_bytes();
        assert_eq!(read(data!("p384-pbkdf2-sha512-aes128.pem"), password).unwrap_err(), wrong, "{i}");
    }
}

#[test]
fn what_we_seal_we_open() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let (key, text) = sealed(algorithm, (4, 8, 1));
        assert!(text.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        assert_eq!(read(text.as_bytes(), b"password").unwrap().public_key(), key.public_key());
        assert!(matches!(read(text.as_bytes(), b""), Err(SignError::WrongPassword { .. })));
        let old = text.replace("SIGSTORE", "COSIGN");
        assert_eq!(read(old.as_bytes(), b"password").unwrap().public_key(), key.public_key());
    }
}

#[test]
fn a_cost_over_the_limit_is_refused_before_anything_is_derived() {
    let body = |n: u64, r: u64, p: u64| {
        let json = format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":{p}}},"salt":"AAAA"}},"cipher":{{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},"ciphertext":"AAAAAAAAAAAAAAAAAAAAAAAA"}}"#
        );
        pem::encode(&pem::Pem::new(cosign::LABEL, json)).into_bytes()
    };
    let asked = |text: &[u8]| {
        let passwords = Fixed::new(b"password");
        (read_private_key("k", text, &passwords).unwrap_err().code(), passwords.1.into_inner())
    };
    let over = (code::LIMIT_EXCEEDED, 0);
    assert_eq!(asked(&body(1 << 18, 8, 1)), over);
    assert_eq!(asked(&body(1 << 16, 8, 64)), over);
    assert_eq!(asked(&body(u64::MAX, u64::MAX, u64::MAX)), over);
    assert_eq!(asked(data!("ed25519-pbkdf2-10000001.pem")), over);
    let malformed = SignError::CODES[2];
    assert_eq!(asked(&body(0, 8, 1)), (malformed, 0));
    assert_eq!(asked(&body(1000, 8, 1)), (malformed, 0));
    // The twin: within the limits the password is asked for, and tried.
    assert_eq!(asked(&body(16, 8, 1)), (SignError::CODES[4], 1));
}

#[test]
fn an_encrypted_pkcs8_scrypt_cost_over_the_limit_is_refused_too() {
    // The cost parameter 1024 is the INTEGER 02 02 04 00 of the DER.
    let der = pem::parse(data!("ed25519-scrypt.pem")).unwrap().into_contents();
    let at = der.windows(4).position(|w| w == [2, 2, 4, 0]).unwrap();
    let with = |high: u8| {
        let mut der = der.clone();
        der[at + 2] = high;
        let passwords = Fixed::new(b"password");
        let text = pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", der));
        (read_private_key("k", text.as_bytes(), &passwords).map_err(|e| e.code()).err(), passwords.1.into_inner())
    };
    assert_eq!(with(4), (None, 1));
    // N = 0 is what some implementations do not survive.
    assert_eq!(with(0), (Some(SignError::CODES[2]), 0));
    // r = 8 is the INTEGER after it: 02 01 08.
    let mut der = der.clone();
    der[at + 2] = 0x40;
    der[at + 6] = 0x7f;
    let text = pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", der));
    assert_eq!(read(text.as_bytes(), b"password").unwrap_err().code(), code::LIMIT_EXCEEDED);
}

#[test]
fn what_is_no_private_key_is_named() {
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &data!("p256-pkcs8.pem")[..100];
    let two_and_cut = [data!("p256-pkcs8.pem"), cut].concat();
    let parameters = data!("p256-two-blocks.pem").split_inclusive(|b| *b == b'\n').take(3).flatten().copied();
    let parameters_and_pkcs8 = parameters.chain(data!("p256-pkcs8.pem").iter().copied()).collect::<Vec<_>>();
    let two_keys = [data!("p256-sec1.pem"), data!("p256-sec1.pem")].concat();
    let der_of = |text: &str| [&[0x30, 0x0c], text.as_bytes()].concat();
    let converts = "`openssl pkcs8 -topk8` converts it";
    for (text, found) in [
        (P256_PUB, "found a public key; the private half signs"),
        (certificate.as_bytes(), "found a certificate; a private key signs"),
        (data!("rsa-pkcs1.pem"), "found an RSA key; RSA keys verify here but do not sign"),
        (data!("rsa-pkcs8.pem"), "found an RSA key; RSA keys verify here but do not sign"),
        (data!("rsa-pbkdf2.pem"), "found an RSA key; RSA keys verify here but do not sign"),
        (&parameters_and_pkcs8, "found 2 PEM blocks (`EC PARAMETERS`, `PRIVATE KEY`)"),
        (&two_keys, "found 2 PEM blocks (`EC PRIVATE KEY`, `EC PRIVATE KEY`)"),
        (&der_of("p521 no more"), "found DER that is no PKCS#8 or SEC1"),
        (data!("p256-legacy-encryption.pem"), converts),
        (data!("ed25519-pbes1.pem"), converts),
        (data!("ed25519-des3.pem"), converts),
        (b"", "found no PEM block"),
        (b"\xff\xfe", "found bytes that are no text"),
        (cut, "found a PEM block that is cut short"),
        (&two_and_cut, "found 2 PEM blocks (`PRIVATE KEY`)"),
        (
            b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
            "expected PKCS#8 in DER, found bytes that are not",
        ),
        (b"-----BEGIN X Y-----\nAAAA\n-----END X Y-----\n", "found a PEM block `X Y`"),
    ] {
        let e = read(text, b"password").unwrap_err();
        assert_eq!(e.code().as_str(), "key-malformed", "{e}");
        assert!(e.to_string().ends_with(found), "{e}");
    }
    let long = vec![b'a'; limits::KEY_BYTES + 1];
    assert_eq!(read(&long, b"").unwrap_err().code(), code::LIMIT_EXCEEDED);
}

#[test]
fn the_body_of_a_sealed_key_is_read_strictly() {
    let (_, text) = sealed(KeyAlgorithm::Ed25519, (4, 8, 1));
    let body = String::from_utf8(pem::parse(&text).unwrap().into_contents()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(body.contains(from));
        let block = pem::Pem::new(cosign::LABEL, body.replacen(from, to, 1));
        read(pem::encode(&block).as_bytes(), b"password").map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(with("scrypt", "scrypt"), Ok(()));
    for (from, to, named) in [
        ("scrypt", "argon2", "key.kdf.name"),
        ("nacl/secretbox", "none", "key.cipher.name"),
        ("\"N\":16", "\"N\":16.5", "key.kdf.params.N"),
        ("\"N\":16", "\"N\":16,\"N\":32", "duplicate key `N`"),
        ("\"nonce\":\"", "\"nonce\":\"AAAA", "key.cipher.nonce"),
        ("\"ciphertext\":\"", "\"ciphertext\":\"AAAA\",\"x\":\"", "key.ciphertext"),
        ("\"salt\":\"", "\"salt\":\"*", "key.kdf.salt"),
        ("\"r\":8,", "", "key.kdf.params.r"),
    ] {
        let e = with(from, to).unwrap_err();
        assert!(e.contains(named), "{e}");
    }
}

#[test]
fn no_flipped_bit_of_an_encrypted_key_gives_another_key_or_a_panic() {
    let (key, text) = sealed(KeyAlgorithm::EcdsaP256, (1, 1, 1));
    let body = pem::parse(&text).unwrap().into_contents();
    for at in 0..body.len() {
        for bit in 0..8 {
            let mut flipped = body.clone();
            flipped[at] ^= 1 << bit;
            let text = pem::encode(&pem::Pem::new(cosign::LABEL, flipped));
            if let Ok(other) = read(text.as_bytes(), b"password") {
                assert_eq!(other.public_key(), key.public_key(), "byte {at} bit {bit}");
            }
        }
    }
    // CBC carries no authentication, so only panics are looked for here; every tenth bit keeps it quick.
    for text in [data!("p384-pbkdf2-sha512-aes128.pem"), data!("p256-sec1.pem"), data!("ed25519-pkcs8.pem")] {
        let block = pem::parse(text).unwrap();
        for bit in (0..block.contents().len() * 8).step_by(10) {
            let mut der = block.contents().to_vec();
            der[bit / 8] ^= 1 << (bit % 8);
            // A flip in the iteration count may ask for millions; those within the limit are slow, not wrong.
            let passwords: &dyn PasswordSource = if block.tag().starts_with("ENCRYPTED") && bit < 100 * 8 {
                &NoPassword
            } else {
                &Fixed::new(b"password")
            };
            let _ = read_private_key("k", pem::encode(&pem::Pem::new(block.tag(), der)).as_bytes(), passwords);
        }
    }
}

#[test]
fn no_secret_is_in_debug_or_errors() {
    let text = data!("ed25519-pkcs8.pem");
    let key = read(text, b"").unwrap();
    let seed = &key.to_pkcs8().unwrap()[16..];
    let shown = format!("{key:?}");
    assert!(!shown.contains(&crate::model::digest::hex(seed)) && shown.contains(&key.public_key().id()));
    let body = std::str::from_utf8(text).unwrap().lines().nth(1).unwrap();
    let damaged = std::str::from_utf8(text).unwrap().replace("MC4CAQAw", "MC4CAQBw");
    let e = read(damaged.as_bytes(), b"hunter2").unwrap_err();
    assert!(!format!("{e} {e:?}").contains(&body[20..40]), "{e}");
    let e = read(data!("p256-pbkdf2.pem"), b"hunter2").unwrap_err();
    assert!(!format!("{e} {e:?}").contains("hunter2"));
}

#[test]
fn a_signer_hands_out_its_own_public_key_with_the_signature() {
    let key = read(data!("p256-sec1.pem"), b"").unwrap();
    let signer: &dyn Signer = &key;
    let mut future = signer.sign(b"pae");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(signed) = future.as_mut().poll(&mut context) else { panic!("a local key waits") };
    assert_eq!(signed.unwrap().material, crate::sign::KeyMaterial::PublicKey(key.public_key().clone()));
}
