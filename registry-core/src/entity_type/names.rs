//! Names: what they may look like, and that none means two things on one type.

use std::collections::{BTreeMap, HashMap};

use super::{EntityType, Link, problems::Problems};
use crate::{Catalog, limits};

/// Words of the paths that stand where a type's name could.
const RESERVED_TYPES: [&str; 2] = ["search", "batch"];

/// Keywords of the filter grammar: a path could not be told from them.
const KEYWORDS: [&str; 11] = [
    "and", "or", "not", "in", "is", "null", "between", "starts", "with", "true", "false",
];

/// Whether a text matches `[A-Za-z][A-Za-z0-9_]{0,47}`.
///
/// ```
/// use registry_core::entity_type::is_name;
/// assert!(is_name("length_ft"));
/// assert!(!is_name("_id"));
/// ```
pub fn is_name(text: &str) -> bool {
    let mut letters = text.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
        && text.len() <= limits::NAME_LENGTH
}

/// Checks the name of a type.
pub(super) fn check_type_name(name: &str, problems: &mut Problems) {
    if is_name(name) {
        if RESERVED_TYPES
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
        {
            problems.add("/name", "reserved_name", format!("{name} is reserved"));
        }
    } else {
        invalid_name("/name", problems);
    }
}

/// Checks the name of a field, link, inverse or key.
pub(super) fn check_member_name(name: &str, pointer: &str, problems: &mut Problems) {
    if is_name(name) {
        if KEYWORDS.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            problems.add(
                pointer,
                "reserved_name",
                format!("{name} is a keyword of filters"),
            );
        }
    } else {
        invalid_name(pointer, problems);
    }
}

fn invalid_name(pointer: &str, problems: &mut Problems) {
    problems.add(
        pointer,
        "invalid_name",
        "a name is a letter and up to 47 letters, digits or underscores",
    );
}

/// Where the body names the fields and links of a type, by number.
#[derive(Debug, Default)]
pub(super) struct NamePointers(pub(super) BTreeMap<u32, String>);

impl NamePointers {
    fn of(&self, number: u32) -> &str {
        self.0.get(&number).map_or("", String::as_str)
    }

    fn inverse_of(&self, link: &Link) -> String {
        let pointer = self.of(link.number.0);
        let pointer = pointer.strip_suffix("/name").unwrap_or(pointer);
        format!("{pointer}/inverse")
    }
}

/// Reports every name that `after` would give twice: on itself (its fields, its links, and the inverse names of all links that lead to
/// it) or on a type that its links lead to. Names are the same when they differ by case only.
pub(super) fn check_namespaces(
    after: &EntityType,
    pointers: &NamePointers,
    catalog: &Catalog,
    problems: &mut Problems,
) {
    let foreign = foreign_inverses(after, catalog);
    let mut taken = Taken::default();
    for (inverse, links) in &foreign {
        if let Some((holder, link)) = links.iter().find(|(_, link)| link.to.allows(after.id)) {
            let owner = format!("the inverse of {}.{}", holder.name, link.name);
            taken.0.insert(inverse.clone(), owner);
        }
    }
    for field in after.live_fields() {
        let owner = format!("field {}", field.name);
        taken.claim(&field.name, owner, pointers.of(field.number.0), problems);
    }
    for link in after.live_links() {
        let owner = format!("link {}", link.name);
        taken.claim(&link.name, owner, pointers.of(link.number.0), problems);
    }
    let mut earlier: Vec<&Link> = Vec::new();
    for link in after.live_links().filter(|link| !link.symmetric()) {
        let pointer = pointers.inverse_of(link);
        let owner = format!("the inverse of link {}", link.name);
        let leads_here = link.to.allows(after.id);
        let free_here = !leads_here || taken.claim(&link.inverse, owner, &pointer, problems);
        if free_here && let Some(other) = taken_elsewhere(after, link, &earlier, &foreign, catalog)
        {
            let message = format!("{} is already the name of {other}", link.inverse);
            problems.add(pointer, "name_taken", message);
        }
        earlier.push(link);
    }
}

/// Names of one type in lower case, and what has each.
#[derive(Default)]
struct Taken(HashMap<String, String>);

impl Taken {
    /// Takes a name for its owner; `false` and a problem when it is taken.
    fn claim(&mut self, name: &str, owner: String, at: &str, problems: &mut Problems) -> bool {
        let lower = name.to_ascii_lowercase();
        if let Some(other) = self.0.get(&lower) {
            let message = format!("{name} is already the name of {other}");
            problems.add(at, "name_taken", message);
            return false;
        }
        self.0.insert(lower, owner);
        true
    }
}

type ForeignInverses<'a> = HashMap<String, Vec<(&'a EntityType, &'a Link)>>;

/// The links of all other types by inverse name in lower case.
fn foreign_inverses<'a>(after: &EntityType, catalog: &'a Catalog) -> ForeignInverses<'a> {
    let mut inverses: ForeignInverses<'a> = HashMap::new();
    for holder in catalog.types().iter().filter(|one| one.id != after.id) {
        for link in holder.live_links().filter(|link| !link.symmetric()) {
            inverses
                .entry(link.inverse.to_ascii_lowercase())
                .or_default()
                .push((holder.as_ref(), link));
        }
    }
    inverses
}

/// What already has the link's inverse name on another type that the link leads to.
fn taken_elsewhere(
    after: &EntityType,
    link: &Link,
    earlier: &[&Link],
    foreign: &ForeignInverses<'_>,
    catalog: &Catalog,
) -> Option<String> {
    let same_inverse = foreign.get(&link.inverse.to_ascii_lowercase());
    let targets = catalog.targets(link).into_iter();
    targets
        .filter(|target| target.id != after.id)
        .find_map(|target| {
            let field = target
                .live_fields()
                .map(|field| &field.name)
                .find(|name| name.eq_ignore_ascii_case(&link.inverse));
            let own_link = target
                .live_links()
                .map(|link| &link.name)
                .find(|name| name.eq_ignore_ascii_case(&link.inverse));
            let here = field.map(|name| format!("field {name} of {}", target.name));
            here.or_else(|| own_link.map(|name| format!("link {name} of {}", target.name)))
                .or_else(|| {
                    let mut others = same_inverse.into_iter().flatten();
                    let (holder, other) = others.find(|(_, other)| other.to.allows(target.id))?;
                    Some(format!("the inverse of {}.{}", holder.name, other.name))
                })
                .or_else(|| {
                    let other = earlier.iter().find(|other| {
                        other.inverse.eq_ignore_ascii_case(&link.inverse)
                            && other.to.allows(target.id)
                    })?;
                    Some(format!("the inverse of link {}", other.name))
                })
        })
}
