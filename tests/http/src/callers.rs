//! Callers by name, where the product knows only one.

use std::{collections::BTreeSet, sync::Arc};

use axum::http::HeaderMap;
use registry_core::{Caller, Principal, principal::Role};
use registry_server::http::Callers;

/// The header that says who asks.
pub const CALLER: &str = "x-test-caller";

/// `x-test-caller: <role> <name>`; without it `org:default` with every right, as in the product.
#[derive(Debug)]
pub struct NamedCallers;

impl Callers for NamedCallers {
    fn caller(&self, headers: &HeaderMap) -> Arc<Caller> {
        let Some(value) = headers.get(CALLER) else {
            return Arc::new(Caller::default_organisation());
        };
        let (role, name) = value.to_str().unwrap().split_once(' ').unwrap();
        let actor = Principal::parse(&format!("user:{name}")).unwrap();
        Arc::new(Caller {
            actor: actor.clone(),
            default_owners: vec![actor.clone()],
            principals: BTreeSet::from([actor]),
            role: match role {
                "reader" => Role::Reader,
                "writer" => Role::Writer,
                _ => Role::Admin,
            },
        })
    }
}
