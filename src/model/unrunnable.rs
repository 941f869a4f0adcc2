//! How content shows that nothing can be started from it.
//!
//! Whoever makes an image or a layout chooses each media type, annotation and platform in it, and so could hide an image from
//! whoever asks which there are. So none of these shows it, and what a program would load does.

use super::json::{self, Field, JsonError};
use super::{Descriptor, limits};

/// The empty config. No image can be started from it: it names no file systems.
pub(crate) const EMPTY_CONFIG: &[u8] = b"{}";

/// What the config of a machine is in one that is for none.
const NO_MACHINE: [&str; 2] = ["", "unknown"];

/// Whether the config of an image is for no machine, starts nothing, and has no file systems but the layers as they are.
#[must_use]
pub(crate) fn starts_nothing(config: &[u8], layers: &[Descriptor]) -> bool {
    let proven = || -> Result<bool, JsonError> {
        let value = json::parse(config, limits::MANIFEST_BYTES)?;
        let config = Field::root("config", &value);
        let known =
            |name: &String| ["architecture", "os", "config", "created", "rootfs", "history"].contains(&name.as_str());
        let no_machine = |name| Ok::<_, JsonError>(config.opt_str(name)?.is_none_or(|m| NO_MACHINE.contains(&m)));
        let starts = config.get("config")?.map(|c| Ok::<_, JsonError>(!c.object()?.is_empty())).transpose()?;
        let layers: Vec<_> = layers.iter().map(|l| l.digest.to_string()).collect();
        let mut file_systems = Vec::new();
        if let Some(ids) = config.get("rootfs")?.map(|r| r.get("diff_ids")).transpose()?.flatten() {
            file_systems = ids.list(limits::CHILDREN)?;
        }
        Ok(config.object()?.keys().all(known)
            && no_machine("architecture")?
            && no_machine("os")?
            && starts != Some(true)
            && file_systems.iter().all(|id| id.str().is_ok_and(|id| layers.iter().any(|l| l == id))))
    };
    proven().unwrap_or(false)
}

/// Whether bytes begin as a tar archive does, which can be written in letters that are JSON, too: by the sum in its header.
#[must_use]
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some((header, field)) = bytes.get(..512).and_then(|h| Some((h, std::str::from_utf8(h.get(SUM)?).ok()?))) else {
        return false;
    };
    let sum = |of: fn(u8) -> i64| -> i64 {
        header.iter().enumerate().map(|(i, b)| of(if SUM.contains(&i) { b' ' } else { *b })).sum()
    };
    let field = i64::from_str_radix(field.trim_matches([' ', '\0']), 8);
    field.is_ok_and(|field| field == sum(i64::from) || field == sum(|b| i64::from(b.cast_signed())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use serde_json::{Value, json};

    #[test]
    fn a_config_for_no_machine_starts_nothing_and_any_other_does() {
        let layers = [Descriptor::of("a/b", b"layer")];
        let nothing = |config: &Value| starts_nothing(config.to_string().as_bytes(), &layers);
        let own = layers[0].digest.to_string();
        let kept = json!({ "architecture": "", "os": "unknown", "config": {}, "created": "x", "history": [],
            "rootfs": { "type": "layers", "diff_ids": [own] } });
        assert!(nothing(&kept) && nothing(&json!({})) && starts_nothing(EMPTY_CONFIG, &[]));
        let with = |name: &str, value: Value| {
            let mut config = kept.clone();
            config[name] = value;
            config
        };
        for (name, value) in [
            ("architecture", json!("amd64")),
            ("os", json!("linux")),
            ("os", json!(7)),
            ("config", json!({ "Entrypoint": ["/app"] })),
            ("config", json!("x")),
            ("container_config", json!({})),
            ("rootfs", json!({ "diff_ids": [Digest::sha256(b"other").to_string()] })),
            ("rootfs", json!({ "diff_ids": own })),
        ] {
            assert!(!nothing(&with(name, value)), "{name}");
        }
        assert!(!starts_nothing(b"no json", &layers));
    }
}
