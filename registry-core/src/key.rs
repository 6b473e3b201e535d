//! Values of keys.

use crate::{Data, Datum, Encoded, entity_type::Key};

/// The value of a key, `None` when the entity lacks a part.
///
/// One part stands as it is. Several are joined so that byte order is the order of the parts in turn and no two different rows of
/// parts meet: each part but the last has its `\u{1}` doubled as `\u{1}\u{2}` and is ended by `\u{1}\u{1}`.
pub fn value(key: &Key, data: &Data) -> Option<Encoded> {
    let parts = key
        .fields
        .iter()
        .map(|number| match data.get(number) {
            Some(Datum::One(value)) => Some(value),
            Some(Datum::Many(_)) | None => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some(join(&parts))
}

/// Joins the parts of a key's value; see [`value`].
pub fn join(parts: &[&Encoded]) -> Encoded {
    let Some((last, first)) = parts.split_last() else {
        return Encoded(String::new());
    };
    let mut joined = String::new();
    for part in first {
        joined.push_str(&part.0.replace('\u{1}', "\u{1}\u{2}"));
        joined.push_str("\u{1}\u{1}");
    }
    joined.push_str(&last.0);
    Encoded(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[&str]) -> String {
        let parts: Vec<Encoded> = parts
            .iter()
            .map(|part| Encoded((*part).to_owned()))
            .collect();
        join(&parts.iter().collect::<Vec<_>>()).0
    }

    #[test]
    fn different_parts_never_meet_and_order_is_kept() {
        let rows = [
            ["", "b"],
            ["\u{1}", "a"],
            ["\u{1}\u{1}", ""],
            ["a", ""],
            ["a", "\u{1}"],
            ["a", "b"],
            ["a\u{1}", ""],
            ["ab", ""],
        ];
        let joined: Vec<String> = rows.iter().map(|row| joined(row)).collect();
        let mut sorted = joined.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(joined, sorted);
    }
}
