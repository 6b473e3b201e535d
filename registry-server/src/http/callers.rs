//! Who asks.

use std::{fmt::Debug, sync::Arc};

use axum::http::HeaderMap;
use registry_core::Caller;

/// Tells from the head of a request who asks. There is one in the product, [`Everyone`], until authentication is built.
pub trait Callers: Debug + Send + Sync + 'static {
    /// Who asks.
    fn caller(&self, headers: &HeaderMap) -> Arc<Caller>;
}

/// A registry without authentication: everyone is `org:default` with every right, whatever a request says.
#[derive(Debug)]
pub struct Everyone(Arc<Caller>);

impl Default for Everyone {
    fn default() -> Self {
        Self(Arc::new(Caller::default_organisation()))
    }
}

impl Callers for Everyone {
    fn caller(&self, _: &HeaderMap) -> Arc<Caller> {
        Arc::clone(&self.0)
    }
}
