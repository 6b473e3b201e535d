//! Cursors of the list of types, made as those of entities are.

use registry_core::{
    Encoded, EntityId,
    query::{
        After,
        cursor::{Binding, open, seal},
    },
};
use uuid::Uuid;

use super::super::{call::Call, problem::Failure};

/// A cursor that begins after the type of this name, in the list of those that carry the tag.
pub(super) async fn after_type(
    call: &Call,
    tag: Option<&str>,
    name: &str,
) -> Result<String, Failure> {
    let secret = call.registry().cursor_secret().await?;
    let after = After {
        values: vec![Some(Encoded(name.to_owned()))],
        id: EntityId(Uuid::nil()),
    };
    Ok(seal(&secret, &binding(call, tag), &after))
}

/// The name in such a cursor.
pub(super) async fn type_name(
    call: &Call,
    tag: Option<&str>,
    cursor: &str,
) -> Result<Option<String>, Failure> {
    let secret = call.registry().cursor_secret().await?;
    let after = open(&secret, &binding(call, tag), cursor, 1)?;
    let name = after.values.into_iter().next().flatten();
    Ok(name.map(|Encoded(name)| name))
}

fn binding(call: &Call, tag: Option<&str>) -> Binding {
    let place = ("place", "entityType");
    let scope = call.caller().scope();
    match tag {
        None => Binding::new(&[], &scope, &[], &[place]),
        Some(tag) => Binding::new(&[], &scope, &[], &[place, ("tag", tag)]),
    }
}
