//! Cursors: where the next page begins, given to the client and taken back from it.
//!
//! A cursor is base64url of `version ‖ payload ‖ tag`. The payload is JSON, the sort values and the id of the last entity of the page. The
//! tag is HMAC-SHA256 (RFC 2104), cut to 16 bytes (RFC 2104 section 5), keyed with the store's secret, over the payload and the
//! [`Binding`]. A client cannot make one, change one, or use one with another question or as another caller. It is not encrypted, and
//! need not be: it holds values of an entity that its caller has just read, in fields that anybody who may read the entity may read.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{EntityId, Scope, TypeId, entity::Encoded, problem::Error};

use super::{
    ast::{After, Direction, Operand, SortTerm, SystemField},
    error::refuse,
};

/// The format of the payload; another one is refused.
const VERSION: u8 = 1;
/// Keeps the tag apart from whatever else the secret signs.
const DOMAIN: &[u8] = b"registry cursor";
/// Bytes of the tag.
const TAG: usize = 16;

/// What a cursor belongs to, as a digest: types, order, caller, and every parameter that decides which entities are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding([u8; 32]);

impl Binding {
    /// The digest of a question. `parameters` are names and texts of those that decide which entities are found (`filter`, `fields`,
    /// `links`, …), in any order; `limit`, `count`, `select` and `expand` may change from page to page and stay out.
    pub fn new(
        types: &[TypeId],
        scope: &Scope,
        sort: &[SortTerm],
        parameters: &[(&str, &str)],
    ) -> Self {
        let mut digest = Parts(Sha256::new());
        digest.count(types.len());
        for type_id in types {
            digest.part(type_id.0.as_bytes());
        }
        match scope {
            Scope::Everything => digest.part(b"everything"),
            Scope::Readable(principals) => {
                digest.part(b"readable");
                digest.count(principals.len());
                for principal in principals {
                    digest.part(principal.as_str().as_bytes());
                }
            }
        }
        digest.count(sort.len());
        for term in sort {
            digest.sort(term);
        }
        let mut parameters = parameters.to_vec();
        parameters.sort_unstable();
        digest.count(parameters.len());
        for (name, text) in parameters {
            digest.part(name.as_bytes());
            digest.part(text.as_bytes());
        }
        Self(digest.0.finalize().into())
    }
}

/// Feeds a digest so that no two sequences of parts give the same bytes: each is led by its length.
struct Parts(Sha256);

impl Parts {
    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    fn part(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn sort(&mut self, term: &SortTerm) {
        match &term.by {
            Operand::Field { type_id, field, .. } => {
                self.part(type_id.0.as_bytes());
                self.part(&field.0.to_be_bytes());
            }
            Operand::System(system) => self.part(match system {
                SystemField::Id => b"_id",
                SystemField::Version => b"_version",
                SystemField::CreatedAt => b"_created_at",
                SystemField::UpdatedAt => b"_updated_at",
                SystemField::CreatedBy => b"_created_by",
                SystemField::UpdatedBy => b"_updated_by",
            }),
        }
        self.part(match term.direction {
            Direction::Ascending => b"+",
            Direction::Descending => b"-",
        });
    }
}

/// Writes a cursor.
pub fn seal(secret: &[u8; 32], binding: &Binding, after: &After) -> String {
    let payload = serde_json::json!([after.values, after.id]).to_string();
    let mut bytes = Vec::with_capacity(1 + payload.len() + TAG);
    bytes.push(VERSION);
    bytes.extend_from_slice(payload.as_bytes());
    let tag = mac(secret, binding, &bytes).finalize().into_bytes();
    bytes.extend(tag.iter().take(TAG));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of an order of `terms` terms. 400 `invalid_cursor`, with the same words whatever is wrong with it.
pub fn open(
    secret: &[u8; 32],
    binding: &Binding,
    cursor: &str,
    terms: usize,
) -> Result<After, Error> {
    read(secret, binding, cursor)
        .filter(|after| after.values.len() == terms)
        .ok_or_else(|| {
            let message = "not a cursor of this list; leave it out to begin again";
            refuse("cursor", "invalid_cursor", message)
        })
}

fn read(secret: &[u8; 32], binding: &Binding, cursor: &str) -> Option<After> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
    // Compares in constant time.
    mac(secret, binding, signed)
        .verify_truncated_left(tag)
        .ok()?;
    let (version, payload) = signed.split_first()?;
    if *version != VERSION {
        return None;
    }
    let (values, id): (Vec<Option<Encoded>>, EntityId) = serde_json::from_slice(payload).ok()?;
    Some(After { values, id })
}

fn mac(secret: &[u8; 32], binding: &Binding, signed: &[u8]) -> Hmac<Sha256> {
    // RFC 2104 section 2: a key shorter than the block is filled up with zeros.
    let mut block = [0; 64];
    block[..secret.len()].copy_from_slice(secret);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(DOMAIN);
    mac.update(&binding.0);
    mac.update(signed);
    mac
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;
    use crate::{FieldNumber, Principal};

    const SECRET: [u8; 32] = [7; 32];

    fn type_id(number: u128) -> TypeId {
        TypeId(Uuid::from_u128(number))
    }

    fn term(field: u32, direction: Direction) -> SortTerm {
        SortTerm {
            by: Operand::Field {
                type_id: type_id(1),
                field: FieldNumber(field),
                list: false,
                indexed: false,
            },
            direction,
        }
    }

    fn scope(principals: &[&str]) -> Scope {
        let parsed: Option<BTreeSet<Principal>> =
            principals.iter().map(|one| Principal::parse(one)).collect();
        Scope::Readable(parsed.unwrap())
    }

    fn binding() -> Binding {
        Binding::new(
            &[type_id(1)],
            &scope(&["org:a"]),
            &[
                term(1, Direction::Ascending),
                term(2, Direction::Descending),
            ],
            &[("filter", "a = 1"), ("links", "x")],
        )
    }

    fn after() -> After {
        After {
            values: vec![Some(Encoded("a\"é\u{1}".to_owned())), None],
            id: EntityId(Uuid::from_u128(9)),
        }
    }

    fn code(result: Result<After, Error>) -> &'static str {
        match result.unwrap_err() {
            Error::Refused(refused) => refused.code,
            other => unreachable!("{other}"),
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = seal(&SECRET, &binding(), &after());
        assert_eq!(open(&SECRET, &binding(), &cursor, 2).unwrap(), after());
        assert!(
            cursor
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let turned = Binding::new(
            &[type_id(1)],
            &scope(&["org:a"]),
            &[
                term(1, Direction::Ascending),
                term(2, Direction::Descending),
            ],
            &[("links", "x"), ("filter", "a = 1")],
        );
        assert_eq!(turned, binding());
    }

    #[test]
    fn garbage_is_refused() {
        let long = "A".repeat(10 * 1024);
        for cursor in [
            "",
            "A",
            "!",
            "====",
            "abc def",
            "é",
            "AAAAAAAAAAAAAAAAAAAAAA",
            &long,
        ] {
            assert_eq!(
                code(open(&SECRET, &binding(), cursor, 2)),
                "invalid_cursor",
                "{cursor}"
            );
        }
    }

    #[test]
    fn every_cut_and_every_changed_bit_is_refused() {
        let cursor = seal(&SECRET, &binding(), &after());
        for length in 0..cursor.len() {
            assert_eq!(
                code(open(&SECRET, &binding(), &cursor[..length], 2)),
                "invalid_cursor"
            );
        }
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(
                code(open(&SECRET, &binding(), &changed, 2)),
                "invalid_cursor"
            );
        }
        // Spelled otherwise, the last character's unused bits included.
        for index in 0..cursor.len() {
            for other in ["A", "B", "w", "_", "="] {
                let mut changed = cursor.clone();
                changed.replace_range(index..=index, other);
                let same = changed == cursor;
                assert_eq!(open(&SECRET, &binding(), &changed, 2).is_ok(), same);
            }
        }
    }

    #[test]
    fn a_cursor_of_another_question_is_refused() {
        let one =
            |types: &[TypeId], scope: &Scope, sort: &[SortTerm], parameters: &[(&str, &str)]| {
                Binding::new(types, scope, sort, parameters)
            };
        let types = [type_id(1)];
        let ours = scope(&["org:a"]);
        let sort = [
            term(1, Direction::Ascending),
            term(2, Direction::Descending),
        ];
        let asked = [("filter", "a = 1"), ("links", "x")];
        assert_eq!(one(&types, &ours, &sort, &asked), binding());
        let others = [
            one(&[type_id(2)], &ours, &sort, &asked),
            one(&[type_id(1), type_id(2)], &ours, &sort, &asked),
            one(&types, &scope(&["org:b"]), &sort, &asked),
            one(&types, &scope(&["org:a", "user:x"]), &sort, &asked),
            one(&types, &Scope::Everything, &sort, &asked),
            one(&types, &ours, &sort[..1], &asked),
            one(&types, &ours, &[sort[1].clone(), sort[0].clone()], &asked),
            one(
                &types,
                &ours,
                &[
                    term(1, Direction::Descending),
                    term(2, Direction::Descending),
                ],
                &asked,
            ),
            one(&types, &ours, &sort, &[("filter", "a = 2"), ("links", "x")]),
            one(&types, &ours, &sort, &asked[..1]),
            one(&types, &ours, &sort, &[("fields", "a = 1"), ("links", "x")]),
            one(&types, &ours, &sort, &[("filter", "a = 1links"), ("x", "")]),
        ];
        let cursor = seal(&SECRET, &binding(), &after());
        for other in others {
            assert_eq!(code(open(&SECRET, &other, &cursor, 2)), "invalid_cursor");
        }
        assert_eq!(
            code(open(&[8; 32], &binding(), &cursor, 2)),
            "invalid_cursor"
        );
        assert_eq!(
            code(open(&SECRET, &binding(), &cursor, 1)),
            "invalid_cursor"
        );
    }

    #[test]
    fn another_version_is_refused_even_when_signed() {
        let mut bytes = vec![VERSION + 1];
        bytes.extend(serde_json::json!([[null], after().id]).to_string().bytes());
        let tag = mac(&SECRET, &binding(), &bytes).finalize().into_bytes();
        bytes.extend(tag.iter().take(TAG));
        let cursor = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(
            code(open(&SECRET, &binding(), &cursor, 1)),
            "invalid_cursor"
        );
    }
}
