//! Filters and the other texts of a search: an error lies within the text, and what is read once is read again alike.

use registry_core::query::{
    parse_fields, parse_filter, parse_links, parse_sort, parse_uuids, resolve, resolve_sort,
};

use crate::fixture::{airport, catalog};

/// Reads the bytes as each of them.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let types = [airport().clone()];
    for read in [parse_filter, parse_fields] {
        let error = match read(text) {
            Ok(tree) => {
                assert_eq!(read(text).as_ref(), Ok(&tree));
                match resolve(catalog(), &types, &tree) {
                    Ok(filter) => {
                        let again = resolve(catalog(), &types, &tree);
                        assert_eq!(again.ok(), Some(filter));
                        continue;
                    }
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        assert!(error.offset <= text.len(), "{error:?}");
        assert!(text.is_char_boundary(error.offset), "{error:?}");
    }
    if let Ok(sort) = parse_sort(text) {
        let _ = resolve_sort(catalog(), &types, &sort);
    }
    let _ = parse_links(text);
    let _ = parse_uuids(text);
}
