//! The router: one entry per path, made from the route table.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::Response,
    routing::any,
};
use futures::future::BoxFuture;
use tower::Service;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    app::App,
    endpoint::{Endpoint, REQUEST_ID},
    route::Route,
    routes,
};

/// The whole HTTP surface as a function from requests to answers, for the serve loop, the command line and tests alike.
#[derive(Clone, Debug)]
pub struct Surface {
    app: Arc<App>,
    router: Router,
}

impl Surface {
    /// The surface over an application.
    pub fn new(app: Arc<App>) -> Self {
        let mut paths: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
        for route in routes::all().chain(routes::LATER) {
            paths.entry(route.path).or_default().push(route);
        }
        let mut router = Router::new();
        for (path, operations) in paths {
            router = router.route(path, any(answer_with(&app, &operations)));
        }
        router = router.fallback(answer_with(&app, &[]));
        if !app.settings.cors_origins.is_empty() {
            router = router.layer(cors(&app.settings.cors_origins));
        }
        Self { app, router }
    }

    /// The application.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers one request.
    pub async fn answer(&self, mut request: Request) -> Response {
        // A trailing slash means the same.
        if let Some(uri) = without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        let answer: Result<Response, Infallible> = self.router.clone().call(request).await;
        let mut answer = answer.unwrap_or_else(|never| match never {});
        // RFC 9110 section 8.6: neither of these may tell a length, and the router adds one to whatever has an empty body.
        if matches!(
            answer.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            answer.headers_mut().remove(header::CONTENT_LENGTH);
        }
        answer
    }
}

/// A handler that answers with the operations of one path.
fn answer_with(
    app: &Arc<App>,
    routes: &[&'static Route],
) -> impl Fn(Request<Body>) -> BoxFuture<'static, Response> + Clone + use<> {
    let endpoint = Arc::new(Endpoint::new(Arc::clone(app), routes));
    move |request| {
        let endpoint = Arc::clone(&endpoint);
        Box::pin(async move { endpoint.answer(request).await })
    }
}

fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("prefer"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static("registry-position"),
            REQUEST_ID,
        ])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use registry_core::service::Registry;
    use registry_memory::MemoryStore;

    use super::{super::app::HttpSettings, *};

    async fn answer(cors_origins: &[&'static str], method: &str, path: &str) -> Response {
        let store = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store) as _, store);
        let settings = HttpSettings {
            cors_origins: cors_origins
                .iter()
                .map(|one| HeaderValue::from_static(one))
                .collect(),
            ..HttpSettings::default()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "PATCH")
            .body(Body::empty())
            .unwrap();
        let surface = Surface::new(Arc::new(App::new(registry, settings)));
        surface.answer(request).await
    }

    #[tokio::test]
    async fn browsers_may_call_from_the_named_origins_alone() {
        let allowed = |response: &Response| {
            let value = response.headers().get("access-control-allow-origin");
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let named = ["https://app.example"];
        let response = answer(&named, "GET", "/health/live").await;
        assert_eq!(allowed(&response).as_deref(), Some("https://app.example"));
        let response = answer(&named, "OPTIONS", "/entityType/a").await;
        assert_eq!(response.status(), 200);
        assert_eq!(allowed(&response).as_deref(), Some("https://app.example"));
        let response = answer(&["https://other.example"], "GET", "/health/live").await;
        assert_eq!(allowed(&response), None);
        let response = answer(&[], "OPTIONS", "/entityType/a").await;
        assert_eq!(response.status(), 405);
        assert_eq!(allowed(&response), None);
    }

    #[test]
    fn one_trailing_slash_is_taken_off() {
        let without = |text: &str| {
            let uri: Uri = text.parse().unwrap();
            without_trailing_slash(&uri).map(|uri| uri.to_string())
        };
        assert_eq!(without("/a/b/?c=/").as_deref(), Some("/a/b?c=/"));
        assert_eq!(without("/a/").as_deref(), Some("/a"));
        assert_eq!(without("http://host/a/").as_deref(), Some("http://host/a"));
        assert_eq!(without("/a"), None);
        assert_eq!(without("/"), None);
    }
}
