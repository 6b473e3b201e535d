//! The entity tag of a type.

use sha2::{Digest, Sha256};

use super::{EntityType, document};
use crate::{Catalog, Version};

/// An opaque tag without quotes: the version and a digest of the document, which changes with other types' links too. Two documents with
/// the same tag are the same but for a chance of 2^-64.
pub fn tag(entity_type: &EntityType, catalog: &Catalog) -> String {
    let text = serde_json::Value::Object(document(entity_type, catalog)).to_string();
    let digest = Sha256::digest(text.as_bytes());
    let short = digest
        .iter()
        .take(8)
        .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    format!("{}-{short:016x}", entity_type.version)
}

/// The version in a tag made by [`tag`]; `None` when it is none of them.
pub fn tag_version(tag: &str) -> Option<Version> {
    let (version, digest) = tag.split_once('-')?;
    let well_formed = digest.len() == 16
        && digest
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        && version.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| version.parse().ok().map(Version))?
}
