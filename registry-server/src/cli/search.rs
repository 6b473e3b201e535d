//! `registry search`.

use axum::http::Method;
use clap::Args;
use serde_json::Value;

use super::{
    CommandError, End,
    client::{Output, Target, escape, query},
};

/// Finds entities.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// The type to look in; all types when left out
    type_name: Option<String>,
    /// A whole expression, such as `country.code = "FR" AND elevation > 1000`
    #[arg(long)]
    filter: Option<String>,
    /// Comparisons with commas between them, such as `city="Paris",elevation>100`
    #[arg(long)]
    fields: Option<String>,
    /// Ids that must be linked, such as `country:<id>`
    #[arg(long)]
    links: Option<String>,
    /// Such as `-elevation,name`
    #[arg(long)]
    sort: Option<String>,
    /// Most entities to print
    #[arg(long)]
    limit: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Search {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        let client = self.target.client().await?;
        let place = match &self.type_name {
            Some(name) => format!("/entity/{}/search", escape(name)),
            None => "/entity/search".to_owned(),
        };
        let path = place
            + &query(&[
                ("filter", self.filter.as_deref()),
                ("fields", self.fields.as_deref()),
                ("links", self.links.as_deref()),
                ("sort", self.sort.as_deref()),
                ("limit", self.limit.as_deref()),
                ("count", Some("exact")),
            ]);
        let page = client.json(Method::GET, &path, None).await?;
        if self.target.output == Output::Json {
            println!("{page}");
            return Ok(End::Done);
        }
        let items = page.get("items").and_then(Value::as_array);
        let shown = items.map_or(0, Vec::len);
        for item in items.into_iter().flatten() {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
            let fields = item.get("fields").unwrap_or(&Value::Null);
            println!("{}  {}  {fields}", text("id"), text("type"));
        }
        let total = page.get("total").unwrap_or(&Value::Null);
        eprintln!("{shown} of {total}");
        Ok(End::Done)
    }
}
