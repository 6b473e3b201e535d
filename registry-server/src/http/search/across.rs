//! `GET /entity/search`.

use super::{
    super::{
        call::Call,
        problem::{Answer, Failure},
        query::code_of,
    },
    page, request,
};

pub(super) async fn answer(call: Call) -> Answer {
    let parameters = call.parameters()?;
    let type_names = match parameters.get("type") {
        None => Vec::new(),
        Some(names) => names.split(',').map(str::to_owned).collect(),
    };
    if type_names.iter().any(String::is_empty) {
        return Err(Failure::parameter(
            "type",
            code_of("type"),
            "type is a list of type names with commas between them",
        ));
    }
    let asked = request::from_query(&parameters, type_names);
    let found = call
        .registry()
        .search()
        .search(call.caller(), &asked)
        .await?;
    page::present(&call, &found)
}
