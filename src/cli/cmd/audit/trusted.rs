//! Whom a person trusts to have seen a log: policies and roots that are named.

use crate::audit::{AuditError, Settings};
use crate::cli::exit::Failure;
use crate::model::limits;
use crate::places::files;
use crate::tlog::LogError;
use crate::tlog::policy::Policy;
use crate::trust::TrustedRoot;
use std::path::{Path, PathBuf};

/// A policy of a file.
pub(super) fn policy(path: &Path) -> Result<Policy, Failure> {
    let text = files::read(path, limits::LOG_POLICY_BYTES)?;
    let named = |e: LogError| AuditError::Malformed { what: path.display().to_string(), cause: e.to_string() };
    Ok(Policy::parse(&String::from_utf8_lossy(&text)).map_err(named)?)
}

/// The roots of files.
pub(super) fn roots(paths: &[PathBuf]) -> Result<Vec<TrustedRoot>, Failure> {
    let mut out = Vec::new();
    for path in paths {
        let origin = path.display().to_string();
        let parsed = TrustedRoot::parse(&files::read(path, limits::ROOT_BYTES)?, &origin);
        out.extend(
            parsed
                .map_err(|e| Failure::usage(e.code(), e.to_string()).context(format!("--trusted-root `{origin}`")))?,
        );
    }
    Ok(out)
}

/// That a log is one of a policy: its settings are its owner's word, and name the key that everything is checked with.
pub(super) fn names(policy: &Policy, settings: &Settings) -> Result<(), Failure> {
    if policy.logs.iter().any(|(key, _)| *key == settings.key) {
        return Ok(());
    }
    let cause = format!("its settings name the key {:?}, which is not one of those that were given", settings.key);
    Err(AuditError::Unproven { what: "the log".into(), cause }.into())
}
