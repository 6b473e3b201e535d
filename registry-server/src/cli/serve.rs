//! `registry serve`, and `registry` alone.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::http::HeaderValue;
use clap::Args;

use super::{CommandError, End, store::StoreFlags};
use crate::{
    http::{App, HttpSettings, Surface},
    serve,
    telemetry::{self, LogFormat},
};

/// Runs the server.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on
    #[arg(long, env = "REGISTRY_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    store: StoreFlags,
    /// Listen on other addresses than loopback although nobody is asked who they are
    #[arg(long, env = "REGISTRY_ALLOW_UNAUTHENTICATED")]
    allow_unauthenticated: bool,
    /// Origins that browsers may call from, with commas between them
    #[arg(long, env = "REGISTRY_CORS_ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<HeaderValue>,
    /// Largest JSON body, in bytes
    #[arg(long, env = "REGISTRY_MAX_BODY", default_value_t = 2 * 1024 * 1024)]
    max_body: usize,
    /// Largest upload, in bytes as sent and as unpacked
    #[arg(long, env = "REGISTRY_MAX_UPLOAD", default_value_t = 10 * 1024 * 1024 * 1024)]
    max_upload: u64,
    /// Largest headers of a request, in bytes
    #[arg(long, env = "REGISTRY_MAX_HEADERS", default_value_t = 16 * 1024)]
    max_headers: usize,
    /// Longest request line, in bytes
    #[arg(long, env = "REGISTRY_MAX_REQUEST_LINE", default_value_t = 64 * 1024)]
    max_request_line: usize,
    /// Seconds that a request may take; uploads and downloads are exempt
    #[arg(long, env = "REGISTRY_REQUEST_TIMEOUT", default_value_t = 30)]
    request_timeout: u64,
    /// Requests at work at once; more wait
    #[arg(long, env = "REGISTRY_MAX_REQUESTS", default_value_t = 1_024)]
    max_requests: usize,
    /// What is logged, as `info` or `registry_server=debug,warn`
    #[arg(long, env = "REGISTRY_LOG", default_value = "info")]
    log: String,
    /// How log lines are written
    #[arg(long, env = "REGISTRY_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl Serve {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        telemetry::start_logs(&self.log, self.log_format);
        if !self.listen.ip().is_loopback() && !self.allow_unauthenticated {
            return Err(format!(
                "no authentication is configured, so the server listens on loopback only and not on {}; \
                 --allow-unauthenticated lets everyone in who reaches it",
                self.listen
            )
            .into());
        }
        let spool = self.store.folder()?;
        // Before anything asks for a metric.
        let metrics = telemetry::start_metrics();
        let registry = self.store.open().await?;
        let mut app = App::new(registry, self.settings(spool));
        if let Some(handle) = metrics {
            app = app.with_metrics(handle);
        }
        let listener = serve::listen(self.listen).await?;
        tracing::warn!("no authentication: every caller is org:default with every right");
        tracing::info!(address = %listener.local_addr()?, "listening");
        serve::serve(listener, Surface::new(Arc::new(app))).await?;
        tracing::info!("ended");
        Ok(End::Done)
    }

    fn settings(&self, spool: Option<PathBuf>) -> HttpSettings {
        HttpSettings {
            max_body: self.max_body,
            max_upload: self.max_upload,
            max_headers: self.max_headers,
            max_request_line: self.max_request_line,
            request_timeout: Duration::from_secs(self.request_timeout),
            max_requests: self.max_requests,
            spool,
            cors_origins: self.cors_origin.clone(),
            ..HttpSettings::default()
        }
    }
}
