//! The refusal of a change that stored entities stand in the way of.

use crate::{
    Error, Problem,
    change::TypeChange,
    port::TypeViolation,
    problem::{Refusal, pointer_token},
};

/// The refusal for stored entities that stand in the way.
pub(super) fn refuse_violation(change: &TypeChange, violation: TypeViolation) -> Error {
    let TypeViolation {
        name,
        code,
        count,
        samples,
    } = violation;
    let entities = if count == 1 {
        "1 entity".to_owned()
    } else {
        format!("{count} entities")
    };
    let many = usize::try_from(count).is_ok_and(|count| count >= crate::limits::IN_USE_COUNTED);
    let message = match code {
        "type_in_use" if many => format!("the type has at least {entities}"),
        "would_drop" => format!("{name} holds data in {entities}: name it in drop to remove it"),
        "type_in_use" => format!("the type has {entities}"),
        _ => format!("{entities} would violate the change of {name}"),
    };
    let error = if name.is_empty() {
        Error::refused(Refusal::Conflict, code, message)
    } else {
        let problem = Problem::at(pointer_to(change, &name), code, message);
        Error::problems(Refusal::Conflict, code, vec![problem])
    };
    let samples: Vec<String> = samples.iter().map(ToString::to_string).collect();
    error.with("count", count).with("samples", samples)
}

/// Where a document speaks of the field, link or key of this name.
fn pointer_to(change: &TypeChange, name: &str) -> String {
    let types = || change.after.iter().chain(&change.before);
    let token = pointer_token(name);
    if types().any(|one| one.field_named(name).is_some()) {
        format!("/fields/{token}")
    } else if types().any(|one| one.link_named(name).is_some()) {
        format!("/links/{token}")
    } else {
        format!("/keys/{token}")
    }
}
