//! Issuers whose tokens name a person, or a service by an address: a certificate says nothing of a build.

use crate::issuer::{Issuer, Tokens};

pub(super) static ISSUER: Issuer = Issuer {
    tokens: Some(Tokens::new(
        "email",
        &[
            "https://accounts.google.com",
            "https://github.com/login/oauth",
            "https://login.microsoftonline.com",
            "https://oauth2.sigstore.dev/auth",
            "https://issuer.hello.coop",
            "https://auth.eclipse.org/auth/realms/foundation-service-accounts",
            "https://sigstore.verify.ibm.com/oauth2",
            "https://www.kaggle.com/api/v1/models/signing",
        ],
    )),
    ..Issuer::new("email")
};
