//! The short parameters of a search: lists of ids, of linked ids, of sort terms, of names.

use std::collections::HashSet;

use crate::{
    EntityId,
    limits::{FILTER_COMPARISONS, FILTER_IN_VALUES, SORT_TERMS},
    problem::Error,
};

use super::{ast::Direction, error::refuse};

/// One of the `links` parameter: linked to an entity, by any link or by the one named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedTo {
    /// A link's name or an inverse name; `None` for any.
    pub link: Option<String>,
    /// The other end.
    pub id: EntityId,
}

/// One of the `sort` parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortName {
    /// Name of a field or a system field.
    pub name: String,
    /// Which way; `-` is downwards.
    pub direction: Direction,
}

/// Reads `links=<id>,country:<id>`; at most [`FILTER_COMPARISONS`]. 400 `invalid_links`.
pub fn parse_links(text: &str) -> Result<Vec<LinkedTo>, Error> {
    let fail = |message: String| refuse("links", "invalid_links", message);
    let items = items(text, FILTER_COMPARISONS).map_err(fail)?;
    items
        .into_iter()
        .map(|item| {
            let (link, id) = match item.split_once(':') {
                Some((link, id)) => (Some(link), id),
                None => (None, item),
            };
            if link.is_some_and(|link| !is_name(link)) {
                return Err(fail(format!("{} names no link", shown(item))));
            }
            let id = id
                .parse()
                .map_err(|_| fail(format!("{} is not an id", shown(id))))?;
            let link = link.map(str::to_owned);
            Ok(LinkedTo { link, id })
        })
        .collect()
}

/// Reads `uuids=<id>,<id>`; at most [`FILTER_IN_VALUES`]; repeated ids count once. 400 `invalid_uuids`.
pub fn parse_uuids(text: &str) -> Result<Vec<EntityId>, Error> {
    let fail = |message: String| refuse("uuids", "invalid_uuids", message);
    let items = items(text, FILTER_IN_VALUES).map_err(fail)?;
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(items.len());
    for item in items {
        let id = item
            .parse()
            .map_err(|_| fail(format!("{} is not an id", shown(item))))?;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Reads `sort=-elevation,name`; at most [`SORT_TERMS`], none twice. 400 `invalid_sort`.
pub fn parse_sort(text: &str) -> Result<Vec<SortName>, Error> {
    let fail = |message: String| refuse("sort", "invalid_sort", message);
    let mut terms: Vec<SortName> = Vec::new();
    for item in items(text, SORT_TERMS).map_err(fail)? {
        let (name, direction) = match item.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (item, Direction::Ascending),
        };
        if !is_name(name) {
            return Err(fail(format!("{} is not a name", shown(item))));
        }
        if terms.iter().any(|term| term.name == name) {
            return Err(fail(format!("{name} stands twice")));
        }
        terms.push(SortName {
            name: name.to_owned(),
            direction,
        });
    }
    Ok(terms)
}

/// Reads a list of names, `a,b`: `select`, `expand`, `type`; at most `most`, none twice. 400 with the code given.
pub fn parse_names(
    parameter: &str,
    code: &'static str,
    text: &str,
    most: usize,
) -> Result<Vec<String>, Error> {
    let fail = |message: String| refuse(parameter, code, message);
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for item in items(text, most).map_err(fail)? {
        if !is_name(item) {
            return Err(fail(format!("{} is not a name", shown(item))));
        }
        if !seen.insert(item) {
            return Err(fail(format!("{item} stands twice")));
        }
        names.push(item.to_owned());
    }
    Ok(names)
}

/// The items between commas; white space around an item does not count.
fn items(text: &str, most: usize) -> Result<Vec<&str>, String> {
    let items: Vec<&str> = text.split(',').take(most + 1).map(str::trim).collect();
    if items.len() > most {
        return Err(format!("more than {most}"));
    }
    if items.iter().any(|item| item.is_empty()) {
        return Err("an empty item".to_owned());
    }
    Ok(items)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// The text in quotes, cut when it is long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() > LONGEST {
        let cut: String = text.chars().take(LONGEST).collect();
        format!("{cut:?}…")
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";
    const OTHER: &str = "01900000-0000-7000-8000-00000000000A";

    /// Code, parameter, message.
    fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, String, String) {
        match result.unwrap_err() {
            Error::Refused(refused) => {
                assert_eq!(refused.class, crate::problem::Refusal::Malformed);
                let [problem] = refused.problems.as_slice() else {
                    unreachable!("one problem")
                };
                let crate::problem::Place::Parameter(parameter) = &problem.place else {
                    unreachable!("a parameter")
                };
                (
                    refused.code.to_owned(),
                    parameter.clone(),
                    refused.detail.clone(),
                )
            }
            other => unreachable!("{other}"),
        }
    }

    #[test]
    fn links_are_read() {
        let read = parse_links(&format!("{ID}, country:{OTHER}")).unwrap();
        let expected = vec![
            LinkedTo {
                link: None,
                id: ID.parse().unwrap(),
            },
            LinkedTo {
                link: Some("country".to_owned()),
                id: OTHER.parse().unwrap(),
            },
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn wrong_links_are_refused() {
        for (text, message) in [
            (String::new(), "an empty item"),
            (format!("{ID},"), "an empty item"),
            ("abc".to_owned(), r#""abc" is not an id"#),
            ("country:".to_owned(), r#""" is not an id"#),
            (
                format!(":{ID}"),
                r#"":01900000-0000-7000-8000-000000000001" names no link"#,
            ),
            (
                format!("a.b:{ID}"),
                r#""a.b:01900000-0000-7000-8000-000000000001" names no link"#,
            ),
            (vec![ID; 201].join(","), "more than 200"),
        ] {
            let expected = ("invalid_links".into(), "links".into(), message.into());
            assert_eq!(refusal(parse_links(&text)), expected, "{text}");
        }
    }

    #[test]
    fn uuids_are_read_once() {
        let read = parse_uuids(&format!("{ID},{OTHER},{ID}")).unwrap();
        assert_eq!(read, vec![ID.parse().unwrap(), OTHER.parse().unwrap()]);
    }

    #[test]
    fn wrong_uuids_are_refused() {
        for (text, message) in [
            (String::new(), "an empty item".to_owned()),
            (format!("{{{ID}}}"), format!(r#""{{{ID}}}" is not an id"#)),
            (
                ID.replace('-', ""),
                format!("{:?} is not an id", ID.replace('-', "")),
            ),
            (
                "é".repeat(100),
                format!("{:?}… is not an id", "é".repeat(60)),
            ),
            (vec![ID; 1_001].join(","), "more than 1000".to_owned()),
        ] {
            let expected = ("invalid_uuids".into(), "uuids".into(), message);
            assert_eq!(refusal(parse_uuids(&text)), expected);
        }
    }

    #[test]
    fn sorts_are_read() {
        let read = parse_sort("-elevation, name,_id").unwrap();
        let term = |name: &str, direction| SortName {
            name: name.to_owned(),
            direction,
        };
        let expected = vec![
            term("elevation", Direction::Descending),
            term("name", Direction::Ascending),
            term("_id", Direction::Ascending),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn wrong_sorts_are_refused() {
        for (text, message) in [
            ("", "an empty item"),
            ("-", r#""-" is not a name"#),
            ("--a", r#""--a" is not a name"#),
            ("+a", r#""+a" is not a name"#),
            ("a,-a", "a stands twice"),
            ("a,b,c,d", "more than 3"),
            ("a.b", r#""a.b" is not a name"#),
            ("a\0", r#""a\0" is not a name"#),
        ] {
            let expected = ("invalid_sort".into(), "sort".into(), message.into());
            assert_eq!(refusal(parse_sort(text)), expected, "{text}");
        }
    }

    #[test]
    fn wrong_names_are_refused() {
        let read = |text| parse_names("expand", "invalid_expand", text, 5);
        assert_eq!(read("a,b").unwrap(), vec!["a".to_owned(), "b".to_owned()]);
        for (text, message) in [
            ("", "an empty item"),
            ("a,,b", "an empty item"),
            ("a,a", "a stands twice"),
            ("1a", r#""1a" is not a name"#),
            ("a,b,c,d,e,f", "more than 5"),
        ] {
            let expected = ("invalid_expand".into(), "expand".into(), message.into());
            assert_eq!(refusal(read(text)), expected, "{text}");
        }
    }
}
