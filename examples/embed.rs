//! The registry as a library: open SQLite, define two types, create, link, search.
//! `cargo run -p registry-examples --example embed`

use std::{error::Error, sync::Arc};

use registry_core::{Caller, service::Registry, service::SearchRequest};
use registry_sqlite::SqliteConfig;
use serde_json::from_str;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = SqliteConfig::file(folder.path().join("registry.db"));
    let store = Arc::new(registry_sqlite::open(config).await?);
    let registry = Registry::new(Arc::clone(&store) as _, store);
    let me = Caller::default_organisation();

    let country = from_str(r#"{"name": "country", "fields": {"code": {"type": "text"}}}"#)?;
    let airport = from_str(r#"{"name": "airport", "links": {"country": {"to": ["country"]}}}"#)?;
    registry.types().define(&me, &country).await?;
    registry.types().define(&me, &airport).await?;

    let (entities, links) = (registry.entities(), registry.links());
    let body = from_str(r#"{"fields": {"code": "FR"}}"#)?;
    let france = entities.create(&me, "country", None, &body).await?;
    let body = from_str("{}")?;
    let orly = entities.create(&me, "airport", None, &body).await?;
    let (orly, france) = (orly.entity.id, france.entity.id);
    links.put(&me, "airport", orly, "country", france).await?;

    let request = SearchRequest {
        type_names: vec!["airport".to_owned()],
        filter: Some(r#"country.code = "FR""#.to_owned()),
        ..SearchRequest::default()
    };
    let page = registry.search().search(&me, &request).await?;
    assert!(page.items.iter().map(|one| one.id).eq([orly]));
    println!("found {orly}, linked to {france}");
    Ok(())
}
