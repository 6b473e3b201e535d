//! Which number each field and link of a draft has: a known one, or the next. Numbers are never reused.

use std::collections::BTreeSet;

use super::{draft::Entry, problems::Problems};

/// The number of each entry, in order. `present` are the live fields (or links) before the change; `next` is the type's counter.
pub(super) fn assign(
    entries: &[Entry],
    present: &[(u32, &str)],
    next: &mut u32,
    problems: &mut Problems,
) -> Vec<u32> {
    let mut claimed = BTreeSet::new();
    for entry in entries {
        let Some(number) = entry.number else { continue };
        let pointer = || format!("{}/number", entry.pointer);
        if !present.iter().any(|(known, _)| *known == number) {
            problems.add(
                pointer(),
                "unknown_number",
                format!("no {number} in this type"),
            );
        } else if !claimed.insert(number) {
            problems.add(
                pointer(),
                "duplicate_number",
                format!("{number} is there twice"),
            );
        }
    }
    let mut assigned = Vec::with_capacity(entries.len());
    for entry in entries {
        let known = entry.number.or_else(|| {
            let same_name = present.iter().find(|(_, name)| *name == entry.name);
            same_name
                .map(|(number, _)| *number)
                .filter(|number| !claimed.contains(number))
        });
        assigned.push(known.unwrap_or_else(|| {
            let number = *next;
            *next += 1;
            number
        }));
    }
    assigned
}
