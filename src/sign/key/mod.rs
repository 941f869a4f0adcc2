//! Private keys: the formats that they come in, their passwords, and new ones.

pub(in crate::sign) mod armor;
pub(in crate::sign) mod cosign;
pub(in crate::sign) mod keygen;
pub(in crate::sign) mod local;
pub(in crate::sign) mod password;
pub(in crate::sign) mod pbes2;
pub(in crate::sign) mod pkcs8;
