//! Cursors: what was sealed opens, under its own binding alone, and nothing else does.

use registry_core::{
    Encoded, EntityId, Scope, TypeId,
    query::{
        After,
        cursor::{Binding, open, seal},
    },
};
use uuid::Uuid;

/// Opens the bytes, and seals what they say.
pub fn check(bytes: &[u8]) {
    let secret = [7; 32];
    let binding = |filter: &str| {
        let of = [TypeId(Uuid::from_u128(1))];
        Binding::new(&of, &Scope::Everything, &[], &[("filter", filter)])
    };
    let bound = binding("a = 1");
    let text = String::from_utf8_lossy(bytes);
    for terms in 0..3 {
        if let Ok(after) = open(&secret, &bound, &text, terms) {
            // Nobody else has the secret.
            assert_eq!(seal(&secret, &bound, &after), text);
        }
    }
    let mut parts = text.split('|');
    let id = parts.next().unwrap_or_default().bytes();
    let id = id.fold(0, |sum: u128, byte| {
        sum.wrapping_mul(257) + u128::from(byte)
    });
    let after = After {
        values: parts
            .take(3)
            .map(|part| (part != "-").then(|| Encoded(part.to_owned())))
            .collect(),
        id: EntityId(Uuid::from_u128(id)),
    };
    let sealed = seal(&secret, &bound, &after);
    let opened = open(&secret, &bound, &sealed, after.values.len());
    assert_eq!(opened.ok().as_ref(), Some(&after));
    assert!(open(&secret, &bound, &sealed, after.values.len() + 1).is_err());
    assert!(open(&secret, &binding("a = 2"), &sealed, after.values.len()).is_err());
    let mut forged = sealed.into_bytes();
    let place = bytes.len() % forged.len();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    assert!(open(&secret, &bound, &forged, after.values.len()).is_err());
}
