#![expect(clippy::disallowed_methods, reason = "back end: the contents of a copy of an audit log, in folders")]
//! The contents of a replica in a folder: for each class and day a folder, in it a file for each time that something was copied, named
//! by its first record. So what expires is deleted by the day, and what is erased is taken out of one file.

use super::{CONTENTS, Contents, FolderReplica};
use crate::audit::disk;
use crate::audit::replica::{Gone, ReplicaError, Taken, contents};
use crate::model::{Timestamp, limits};
use crate::record::Class;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

impl FolderReplica {
    /// Where the contents of a day are.
    fn day(&self, class: Class, day: u32) -> PathBuf {
        let time = Timestamp::from_unix(i64::from(day) * 86_400).map_or_else(String::new, |time| time.to_string());
        self.folder.join(CONTENTS).join(class.name()).join(time.get(..10).unwrap_or(&time))
    }

    /// The files of a folder of contents, by the numbers of their first records.
    fn listed(&self, folder: &Path) -> Result<Vec<u64>, ReplicaError> {
        let found = match fs::read_dir(folder) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(self.unusable(folder, &e)),
        };
        let mut out = Vec::new();
        for file in found {
            let name = file.map_err(|e| self.unusable(folder, &e))?.file_name();
            let name = name.to_str().filter(|n| n.len() == 20 && n.bytes().all(|b| b.is_ascii_digit()));
            out.extend(name.and_then(|name| name.parse::<u64>().ok()));
            if out.len() > limits::REPLICA_FILES {
                return Err(self.unusable(folder, &io::Error::other("more files than a day of a replica may have")));
            }
        }
        out.sort_unstable();
        Ok(out)
    }

    fn read_contents(&self, folder: &Path, first: u64) -> Result<Contents, ReplicaError> {
        let path = folder.join(format!("{first:020}"));
        let bytes = self.get(&path, limits::JOURNAL_FILE_BYTES)?.unwrap_or_default();
        let wrong = || self.changed(first, format!("{} is no file of contents", path.display()));
        let all = contents::read(&bytes).ok_or_else(wrong)?;
        Ok(all.into_iter().map(|(index, content)| (index, content.to_vec())).collect())
    }

    /// The content of a record: it is in the last file that begins with it or before it.
    pub(super) fn content(&self, index: u64, class: Class, day: u32) -> Result<Option<Vec<u8>>, ReplicaError> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((files, first, all)) = last.get(&(class, day))
            && files.iter().rev().find(|first| **first <= index) == Some(first)
        {
            return Ok(all.get(&index).cloned());
        }
        let folder = self.day(class, day);
        let files = match last.remove(&(class, day)) {
            Some((files, ..)) => files,
            None => self.listed(&folder)?,
        };
        let Some(first) = files.iter().rev().find(|first| **first <= index).copied() else { return Ok(None) };
        let all = self.read_contents(&folder, first)?;
        let found = all.get(&index).cloned();
        // Records of more days than these hardly stand beside each other.
        if last.len() >= 2 * Class::ALL.len() {
            last.clear();
        }
        last.insert((class, day), (files, first, all));
        Ok(found)
    }

    pub(super) fn take_contents(&self, first: u64, records: &[Taken]) -> Result<(), ReplicaError> {
        type Day<'a> = Vec<(u64, &'a [u8])>;
        let mut days: BTreeMap<(Class, u32), Day<'_>> = BTreeMap::new();
        for (index, record) in (first..).zip(records) {
            if let Some(content) = &record.content {
                days.entry((content.class, content.day)).or_default().push((index, &content.bytes));
            }
        }
        let mut written = BTreeSet::new();
        for ((class, day), all) in days {
            let Some((first, _)) = all.first() else { continue };
            let path = self.day(class, day).join(format!("{first:020}"));
            self.write(&path, &contents::write(all.iter().copied()))?;
            written.insert(path);
        }
        self.settle(&written)
    }

    /// Deletes contents of a day.
    fn forget_day(&self, folder: &Path, (class, day): (Class, u32), gone: &Gone) -> Result<u64, ReplicaError> {
        let (mut count, mut changed) = (0, BTreeSet::new());
        for first in self.listed(folder)? {
            let path = folder.join(format!("{first:020}"));
            let all = self.read_contents(folder, first)?;
            let left: Vec<_> = all.iter().filter(|(index, _)| !gone.has(class, day, **index)).collect();
            if left.len() == all.len() {
                continue;
            }
            count += (all.len() - left.len()) as u64;
            if left.is_empty() {
                disk::remove(&path).map_err(|e| self.unusable(&path, &e))?;
            } else {
                self.write(&path, &contents::write(left.into_iter().map(|(index, bytes)| (*index, bytes.as_slice()))))?;
            }
            changed.insert(path);
        }
        self.settle(&changed)?;
        // A day of which nothing is left needs no folder.
        let _ = fs::remove_dir(folder);
        Ok(count)
    }

    pub(super) fn forget_all(&self, gone: &Gone) -> Result<u64, ReplicaError> {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        let days: BTreeSet<(Class, u32)> = match gone {
            Gone::Records(list) => list.iter().map(|(class, day, _)| (*class, *day)).collect(),
            Gone::Days { class, .. } => {
                let folder = self.folder.join(CONTENTS).join(class.name());
                let found = match fs::read_dir(&folder) {
                    Ok(found) => found,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
                    Err(e) => return Err(self.unusable(&folder, &e)),
                };
                let mut days = BTreeSet::new();
                for file in found {
                    let name = file.map_err(|e| self.unusable(&folder, &e))?.file_name();
                    let time = Timestamp::parse(&format!("{}T00:00:00Z", name.to_string_lossy())).ok();
                    days.extend(
                        time.and_then(|time| u32::try_from(time.unix() / 86_400).ok()).map(|day| (*class, day)),
                    );
                }
                days
            }
        };
        let mut count = 0;
        for (class, day) in days.into_iter().filter(|(class, day)| gone.is_of(*class, *day)) {
            count += self.forget_day(&self.day(class, day), (class, day), gone)?;
        }
        Ok(count)
    }
}
