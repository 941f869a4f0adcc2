//! What records say, in a bucket: for each class and day, an object for each time that something was copied, named by its first and
//! its last record and a part of its hash.

use super::bucket::Bucket;
use super::replica::{DAY, S3Replica, Segment};
use super::versions::{all, first};
use crate::audit::log::day;
use crate::audit::replica::{ReplicaError, Taken, contents};
use crate::model::digest::hex;
use crate::model::{Timestamp, limits};
use crate::record::{Class, Entry};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

impl S3Replica {
    /// Until when what a class's records of a day say is locked: until the class ends, and at least until tomorrow.
    fn until(&self, class: Class, of: u32) -> Option<Timestamp> {
        let Some(kept) = self.settings.retention.get(&class) else { return self.long() };
        let now = Bucket::now();
        let days = i64::from(of) + i64::from(*kept) + 1;
        Timestamp::from_unix(days.max(i64::from(day(now)) + 2) * DAY)
    }

    /// What a record says: it is in the segment that spans its number.
    pub(super) async fn content(&self, index: u64, entry: &Entry) -> Result<Option<Vec<u8>>, ReplicaError> {
        let (class, of) = (entry.class, entry.day());
        let mut other = None;
        let mut days = self.segments.lock().await;
        if !days.contains_key(&(class, of)) {
            let list = self.listed_segments(class, of).await?;
            // Records of more days than these hardly stand beside each other.
            if days.len() >= 2 * Class::ALL.len() {
                days.clear();
            }
            days.insert((class, of), (list, None, BTreeMap::new()));
        }
        let Some((list, read, held)) = days.get_mut(&(class, of)) else { return Ok(None) };
        for segment in list.iter().filter(|segment| (segment.first..=segment.last).contains(&index)) {
            if read.as_ref() != Some(segment) {
                let bytes = self.bucket.get(&segment.key, &segment.version, limits::JOURNAL_FILE_BYTES).await?;
                let bytes = bytes.map_err(|refused| self.refused(refused))?.unwrap_or_default();
                let wrong = || self.changed(segment.first, format!("{} is no file of contents", segment.key));
                let all = contents::read(&bytes).ok_or_else(wrong)?;
                *held = all.into_iter().map(|(index, content)| (index, content.to_vec())).collect();
                *read = Some(segment.clone());
            }
            // Who may write there can put another segment of the same records beside it.
            match held.get(&index) {
                Some(found) if Sha256::digest(found)[..] == entry.content => return Ok(Some(found.clone())),
                found => other = other.or_else(|| found.cloned()),
            }
        }
        Ok(other)
    }

    async fn listed_segments(&self, class: Class, of: u32) -> Result<Vec<Segment>, ReplicaError> {
        let prefix = segments(class, of);
        let objects = all(&self.bucket, &prefix).await?.map_err(|refused| self.refused(refused))?;
        let mut out = Vec::new();
        for (key, versions) in &objects {
            let mut numbers = key.strip_prefix(&*prefix).unwrap_or_default().split('-');
            let (Some(low), Some(high), Some(version)) = (numbers.next(), numbers.next(), first(versions)) else {
                continue;
            };
            if let (Ok(first), Ok(last)) = (low.parse(), high.parse()) {
                self.look(key, versions);
                out.push(Segment { key: key.clone(), version: version.id.clone(), first, last });
            }
        }
        Ok(out)
    }

    pub(super) async fn take_contents(&self, from: u64, records: &[Taken]) -> Result<(), ReplicaError> {
        type Day<'a> = Vec<(u64, &'a [u8])>;
        let mut days: BTreeMap<(Class, u32), Day<'_>> = BTreeMap::new();
        for (index, record) in (from..).zip(records) {
            if let Some(content) = &record.content {
                days.entry((content.class, content.day)).or_default().push((index, &content.bytes));
            }
        }
        for ((class, of), all) in days {
            let (Some((low, _)), Some((high, _))) = (all.first(), all.last()) else { continue };
            let bytes = contents::write(all.iter().copied());
            // Of the same records there is less when it is copied again after some was erased: that is another object.
            let hash = hex(&Sha256::digest(&bytes));
            let key = format!("{}{low:020}-{high:020}-{}", segments(class, of), hash.get(..16).unwrap_or(&hash));
            self.put(&key, &bytes, self.until(class, of)).await?;
            self.segments.lock().await.remove(&(class, of));
        }
        Ok(())
    }
}

/// Before the keys of what a class's records of a day say.
fn segments(class: Class, day: u32) -> String {
    let time = Timestamp::from_unix(i64::from(day) * DAY).map_or_else(String::new, |time| time.to_string());
    format!("contents/{}/{}/", class.name(), time.get(..10).unwrap_or(&time))
}
