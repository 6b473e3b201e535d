//! The value of a key as it stands in a path.

use super::fields;
use crate::{Encoded, EntityType, Error, entity_type::Key, key, problem::Refusal};

/// Reads a path segment: parts separated by `,`, each percent-encoded; a key of one part takes the whole segment.
///
/// `None`: a part is readable but against the rules of its field, so that no entity has the value.
pub(super) fn read(
    entity_type: &EntityType,
    key: &Key,
    segment: &str,
) -> Result<Option<Encoded>, Error> {
    let parts: Vec<&str> = if key.fields.len() == 1 {
        vec![segment]
    } else {
        segment.split(',').collect()
    };
    if parts.len() != key.fields.len() {
        return Err(invalid(format!(
            "the key {} has {} parts, separated by commas",
            key.name,
            key.fields.len()
        )));
    }
    let mut encoded = Vec::with_capacity(parts.len());
    for (part, number) in parts.into_iter().zip(&key.fields) {
        let text = decode(part)?;
        let field = entity_type
            .field(*number)
            .ok_or_else(|| Error::Internal(format!("key {} has no field {number}", key.name)))?;
        let value = fields::parse_text(field, &text)
            .map_err(|problem| invalid(format!("{}: {}", field.name, problem.message)))?;
        match value {
            Some(value) => encoded.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(key::join(&encoded.iter().collect::<Vec<_>>())))
}

fn decode(part: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(invalid("a percent sign is not followed by two hex digits"));
        };
        bytes.push(u8::try_from(high * 16 + low).expect("two hex digits are a byte"));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))?;
    if text.contains('\0') {
        return Err(invalid("NUL is not allowed"));
    }
    Ok(text)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::refused(Refusal::Malformed, "invalid_key_value", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_read_and_its_faults_are_refused() {
        assert_eq!(decode("a%2Cb%2fc+d").ok().as_deref(), Some("a,b/c+d"));
        assert_eq!(decode("%C3%A9").ok().as_deref(), Some("é"));
        for wrong in ["%", "%4", "%zz", "%ff", "%00"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
