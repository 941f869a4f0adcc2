//! A folder that is made for somebody else, and what such a folder holds.
#![expect(clippy::disallowed_methods, reason = "back end: a folder and its files")]

use super::{PlaceError, lines};
use crate::model::digest::hex;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A folder that is new, for its user alone.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
}

/// A file of it, while it is written.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: BufWriter<fs::File>,
    hash: Sha256,
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> PlaceError + '_ {
    move |e| PlaceError::Unwritable { path: path.display().to_string(), cause: e.to_string() }
}

impl NewFolder {
    /// Makes it; one that is there must be empty.
    ///
    /// # Errors
    /// `file-unwritable`.
    pub fn make(path: &Path) -> Result<Self, PlaceError> {
        let fail = unwritable(path);
        fs::DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(&fail)?;
        match fs::read_dir(path).map_err(&fail)?.next() {
            None => Ok(Self { path: path.to_owned() }),
            Some(_) => Err(fail(io::Error::other("the folder is not empty: name a new one"))),
        }
    }

    /// Begins a file, which must not be there; folders of its name are made.
    ///
    /// # Errors
    /// `file-unwritable`.
    pub fn file(&self, name: &str) -> Result<NewFile, PlaceError> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(folder).map_err(unwritable(folder))?;
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = BufWriter::new(file.map_err(unwritable(&path))?);
        Ok(NewFile { path, file, hash: Sha256::new() })
    }

    /// Writes a whole file; its digest.
    ///
    /// # Errors
    /// `file-unwritable`.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<String, PlaceError> {
        let mut file = self.file(name)?;
        file.add(bytes)?;
        file.end()
    }
}

impl NewFile {
    /// Adds bytes.
    ///
    /// # Errors
    /// `file-unwritable`.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), PlaceError> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(unwritable(&self.path))
    }

    /// Ends it, so that it is on the disk; its digest.
    ///
    /// # Errors
    /// `file-unwritable`.
    pub fn end(self) -> Result<String, PlaceError> {
        let fail = unwritable(&self.path);
        let file = self.file.into_inner().map_err(|e| fail(e.into_error()))?;
        file.sync_all().map_err(&fail)?;
        Ok(format!("sha256:{}", hex(&self.hash.finalize())))
    }
}

/// Every file in a folder and in its folders, by its name from there, with its digest. What is neither a regular file nor a folder is
/// refused, as nobody can say what it will be.
///
/// # Errors
/// `file-unreadable`, `limit-exceeded`.
pub fn digests(folder: &Path, limit: usize) -> Result<BTreeMap<String, String>, PlaceError> {
    let mut out = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let at = folder.join(&below);
        let unreadable =
            |cause: String| PlaceError::Unreadable { what: format!("the folder `{}`", at.display()), cause };
        for entry in fs::read_dir(&at).map_err(|e| unreadable(e.to_string()))? {
            let entry = entry.map_err(|e| unreadable(e.to_string()))?;
            let name = below.join(entry.file_name());
            let kind = entry.file_type().map_err(|e| unreadable(e.to_string()))?;
            if out.len() + folders.len() >= limit {
                return Err(unreadable(format!("over {limit} files")));
            }
            match (kind.is_dir(), kind.is_file(), name.to_str()) {
                (true, ..) => folders.push(name),
                (_, true, Some(text)) => {
                    let digest = lines::each::<PlaceError>(&folder.join(&name), 0, |_| Ok(()))?;
                    out.insert(text.to_owned(), digest);
                }
                _ => return Err(unreadable(format!("{} is no regular file", name.display()))),
            }
        }
    }
    Ok(out)
}
