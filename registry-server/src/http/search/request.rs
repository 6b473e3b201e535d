//! What is looked for, from a query string or a JSON body.

use registry_core::service::SearchRequest;
use serde_json::{Map, Value};

use super::{
    super::{problem::Failure, query::Parameters},
    PARAMETERS,
};

/// The request that a query string makes.
pub(crate) fn from_query(parameters: &Parameters<'_>, type_names: Vec<String>) -> SearchRequest {
    SearchRequest {
        type_names,
        fields: parameters.owned("fields"),
        links: parameters.owned("links"),
        uuids: parameters.owned("uuids"),
        filter: parameters.owned("filter"),
        sort: parameters.owned("sort"),
        select: parameters.owned("select"),
        expand: parameters.owned("expand"),
        count: parameters.owned("count"),
        limit: parameters.owned("limit"),
        cursor: parameters.owned("cursor"),
    }
}

/// The request that a JSON body makes: the same names; `limit` may be a number, `uuids`, `sort`, `select` and `expand` lists of texts.
pub(crate) fn from_body(
    body: Map<String, Value>,
    type_names: Vec<String>,
) -> Result<SearchRequest, Failure> {
    let mut request = SearchRequest {
        type_names,
        ..SearchRequest::default()
    };
    for (name, value) in body {
        let slot = match name.as_str() {
            "fields" => &mut request.fields,
            "links" => &mut request.links,
            "uuids" => &mut request.uuids,
            "filter" => &mut request.filter,
            "sort" => &mut request.sort,
            "select" => &mut request.select,
            "expand" => &mut request.expand,
            "count" => &mut request.count,
            "limit" => &mut request.limit,
            "cursor" => &mut request.cursor,
            "q" | "facets" | "highlight" | "wait_for" => {
                return Err(Failure::pointer(
                    &name,
                    "not_supported_yet",
                    format!("this version does not know {name} yet"),
                ));
            }
            _ => {
                return Err(Failure::pointer(
                    &name,
                    "unknown_member",
                    format!(
                        "a search has no member {name}; it has {}",
                        PARAMETERS.join(", ")
                    ),
                ));
            }
        };
        *slot = text_of(&name, value)?;
    }
    Ok(request)
}

fn text_of(name: &str, value: Value) -> Result<Option<String>, Failure> {
    let listed = matches!(name, "uuids" | "sort" | "select" | "expand" | "links");
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) if name == "limit" => Ok(Some(number.to_string())),
        Value::Array(items) if listed && items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Ok(Some(items.join(",")))
        }
        _ => Err(Failure::pointer(
            name,
            "invalid_member",
            format!("{name} has a value of a wrong type"),
        )),
    }
}

impl Failure {
    /// 400 for one member of the body.
    fn pointer(name: &str, code: &'static str, message: String) -> Self {
        registry_core::Error::problems(
            registry_core::problem::Refusal::Malformed,
            code,
            vec![registry_core::Problem::at(
                format!("/{}", registry_core::problem::pointer_token(name)),
                code,
                message,
            )],
        )
        .into()
    }
}
