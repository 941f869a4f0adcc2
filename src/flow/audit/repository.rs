//! What is kept in a repository beside its history into an audit log, each file with the commits that it is about.

use super::session::Intake;
use crate::audit::AuditError;
use crate::capture::{Commits, Environment, HistoryError, each_commit, each_kept, gone};
use crate::model::limits;
use crate::sources::{About, Kept, kept_unit, tree_and_parent, tree_wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// Trees and first parents, each with the commits that have both.
type Joined = BTreeMap<(String, String), Vec<String>>;

/// Takes in every wanted file.
///
/// # Errors
/// [`HistoryError`]: the repository cannot be read, has nothing of that kind, or the log cannot be written to.
pub fn take_in(
    env: &Environment,
    folder: &Path,
    kept: &Kept,
    timeout: Duration,
    intake: &mut Intake<'_>,
) -> Result<(), HistoryError<AuditError>> {
    let of_git = |e: HistoryError<AuditError>| e;
    let mut absent = BTreeSet::new();
    let mut joined = Joined::new();
    let wants = |path: &str| (kept.wants)(path);
    match kept.about {
        About::Nothing => {}
        About::NamedCommit => {
            let mut ids = Vec::new();
            each_kept(env, folder, kept.references, timeout, &wants, &mut |path, _| {
                ids.push(path.replace('/', ""));
                Ok(())
            })
            .map_err(of_git)?;
            absent.extend(gone(env, folder, &ids, timeout).map_err(HistoryError::Git)?);
        }
        About::Trees => {
            let mut wanted = BTreeSet::new();
            each_kept(env, folder, kept.references, timeout, &wants, &mut |_, bytes| {
                wanted.extend(bytes.and_then(tree_wanted).filter(|_| wanted.len() < limits::KEPT_JOINS));
                Ok(())
            })
            .map_err(of_git)?;
            each_commit(env, folder, Commits::All, timeout, &mut |commit| {
                if let Some((id, tree, Some(parent))) = tree_and_parent(commit)
                    && wanted.contains(&(tree.clone(), parent.clone()))
                {
                    joined.entry((tree, parent)).or_default().push(id);
                }
                Ok::<(), AuditError>(())
            })?;
        }
    }
    let there = each_kept(env, folder, kept.references, timeout, &wants, &mut |path, bytes| {
        let Some(bytes) = bytes else { return intake.line(None) };
        let commits = match kept.about {
            About::Nothing => Vec::new(),
            About::NamedCommit => Some(path.replace('/', "")).filter(|id| !absent.contains(id)).into_iter().collect(),
            About::Trees => tree_wanted(bytes).and_then(|pair| joined.get(&pair).cloned()).unwrap_or_default(),
        };
        intake.line(Some(&kept_unit(path, &commits, bytes)))
    })?;
    match there {
        true => Ok(()),
        false => Err(HistoryError::NoSuch(format!("it has none of {}", kept.references.join(", ")))),
    }
}
