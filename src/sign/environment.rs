//! Keys in the environment: `env:VARIABLE`, whose value is the PEM text.

use super::{Found, LocalKey, OpenContext, Opened, SignError};
use crate::sign::key::armor;
use zeroize::Zeroizing;

/// The variable that a reference names; `env://VARIABLE`, as cosign writes it, is the same.
pub(super) fn variable(rest: &str) -> &str {
    rest.strip_prefix("//").unwrap_or(rest)
}

/// Looks whether the variable holds a key.
pub(super) fn look(found: &Found, context: &OpenContext<'_>) -> Result<(), SignError> {
    armor::recognise(&found.reference, &text(found, context)?, context.passwords)
}

fn text(found: &Found, context: &OpenContext<'_>) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let variable = variable(&found.rest);
    let value = (context.environment)(variable).ok_or_else(|| SignError::Unreadable {
        reference: found.reference.clone(),
        cause: format!("the variable {variable} is not set"),
    })?;
    Ok(Zeroizing::new(value.into_encoded_bytes()))
}

/// Opens the key in a variable.
pub(super) fn open(found: &Found, context: &OpenContext<'_>) -> Result<Opened, SignError> {
    let reference = found.reference.as_str();
    let text = text(found, context)?;
    let key: LocalKey = armor::read_private_key(reference, &text, context.passwords)?;
    Ok(Opened { public_key: Some(key.public_key().clone()), signer: Box::new(key), file: None })
}

#[cfg(test)]
mod tests {
    use crate::sign::{NoPassword, OpenContext, SignError, open};
    use crate::trust::KeyAlgorithm;

    #[test]
    fn the_value_of_the_variable_is_the_key() {
        let key = crate::sign::LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", key.to_pkcs8().unwrap().to_vec()));
        let environment = move |name: &str| (name == "KEY").then(|| text.clone().into());
        let launch = crate::programs::Launch::default();
        let context = OpenContext { environment: &environment, passwords: &NoPassword, launch: &launch };
        for reference in ["env:KEY", "env://KEY"] {
            let opened = open(reference, &context).unwrap();
            assert_eq!(opened.public_key.as_ref(), Some(key.public_key()));
            assert_eq!(opened.file, None);
        }
        assert_eq!(
            open("env:OTHER", &context).err(),
            Some(SignError::Unreadable {
                reference: "env:OTHER".into(),
                cause: "the variable OTHER is not set".into()
            })
        );
    }
}
