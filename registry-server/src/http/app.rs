//! What every handler shares.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::HeaderValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use metrics_exporter_prometheus::PrometheusHandle;
use registry_core::{
    Error, Version,
    port::{Position, StoreError, StoreErrorKind},
    service::Registry,
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::callers::{Callers, Everyone};

/// Limits and places of the HTTP surface.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Largest JSON body, in bytes.
    pub max_body: usize,
    /// Largest upload as sent, in bytes.
    pub max_upload: u64,
    /// How many times larger than what was sent a gzip upload may become.
    pub max_gzip_ratio: u64,
    /// All request headers together, in bytes.
    pub max_headers: usize,
    /// Method, target and version, in bytes.
    pub max_request_line: usize,
    /// Time for one request; uploads and downloads are exempt.
    pub request_timeout: Duration,
    /// Requests at work at once; more wait their turn.
    pub max_requests: usize,
    /// Where uploads are spooled; the system's temporary folder when `None`.
    pub spool: Option<PathBuf>,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<HeaderValue>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body: 2 * 1024 * 1024,
            max_upload: 10 * 1024 * 1024 * 1024,
            max_gzip_ratio: 200,
            max_headers: 16 * 1024,
            max_request_line: 64 * 1024,
            request_timeout: Duration::from_secs(30),
            max_requests: 1_024,
            spool: None,
            cors_origins: Vec::new(),
        }
    }
}

/// The state of the HTTP surface: one registry and what stands around it.
#[derive(Debug)]
pub struct App {
    pub(crate) registry: Registry,
    pub(crate) callers: Arc<dyn Callers>,
    pub(crate) settings: HttpSettings,
    pub(crate) permits: Semaphore,
    pub(crate) metrics: Option<PrometheusHandle>,
    /// What goes on when its request is gone: uploads that have arrived.
    pub(crate) work: TaskTracker,
    /// Cancelled when work is waited for no longer.
    pub(crate) giving_up: CancellationToken,
    leaving: AtomicBool,
    /// The epoch of the change log, and the version of the catalog that it was read under: a new epoch moves that too.
    epoch: Mutex<Option<(Version, Uuid)>>,
    request_prefix: u64,
    requests: AtomicU64,
}

impl App {
    /// An application over a registry, without authentication: every caller is `org:default` with every right.
    pub fn new(registry: Registry, settings: HttpSettings) -> Self {
        Self {
            registry,
            callers: Arc::new(Everyone::default()),
            permits: Semaphore::new(settings.max_requests),
            settings,
            metrics: None,
            work: TaskTracker::new(),
            giving_up: CancellationToken::new(),
            leaving: AtomicBool::new(false),
            epoch: Mutex::default(),
            request_prefix: Uuid::new_v4().as_u64_pair().0,
            requests: AtomicU64::new(0),
        }
    }

    /// The same, asking this who a caller is.
    #[must_use]
    pub fn with_callers(mut self, callers: Arc<dyn Callers>) -> Self {
        self.callers = callers;
        self
    }

    /// The same, showing the metrics of this recorder at `/metrics`.
    #[must_use]
    pub fn with_metrics(mut self, handle: PrometheusHandle) -> Self {
        self.metrics = Some(handle);
        self
    }

    /// From now on `/health/ready` says no.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Keeps the recorder of metrics small; to be called every few seconds.
    pub fn upkeep(&self) {
        if let Some(handle) = &self.metrics {
            handle.run_upkeep();
        }
    }

    /// Waits for what goes on although its request is gone; to be called when no request is at work.
    pub(crate) async fn finish_work(&self) {
        self.work.close();
        self.work.wait().await;
    }

    /// Stops what goes on still; uploads among it are told to be interrupted.
    pub(crate) async fn give_up_work(&self) {
        let jobs = self.registry.interrupted_jobs();
        let left = jobs.running_here();
        self.giving_up.cancel();
        self.finish_work().await;
        if let Err(error) = jobs.end_given_up(&left).await {
            tracing::warn!(%error, "interrupted uploads could not be written; the next start does it");
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// A request id: unique to the process by its prefix, and within it by counting.
    pub(crate) fn next_request_id(&self) -> String {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{count:x}", self.request_prefix)
    }

    /// The token of a place in the change log. A write that changed nothing answers the log's head: what it found is not younger.
    pub(crate) async fn position_token(&self, at: Option<Position>) -> Result<String, Error> {
        let epoch = self.epoch().await.map_err(|error| match (at, error) {
            // The write is made: its answer may not say that nothing was written.
            (Some(_), Error::Store(error)) => Error::Store(StoreError {
                kind: StoreErrorKind::UnknownOutcome,
                ..error
            }),
            (_, error) => error,
        })?;
        let position = match at {
            Some(position) => position,
            None => self.head().await?,
        };
        let mut bytes = [0; 32];
        let (name, place) = bytes.split_at_mut(16);
        name.copy_from_slice(epoch.as_bytes());
        let (transaction, sequence) = place.split_at_mut(8);
        transaction.copy_from_slice(&position.transaction.to_be_bytes());
        sequence.copy_from_slice(&position.sequence.to_be_bytes());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The present epoch: another server on the same store may have found it restored, and begun a new one.
    async fn epoch(&self) -> Result<Uuid, Error> {
        let catalog = self.registry.catalog_for_telling().await?.version;
        let known = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, epoch)) = known.filter(|(version, _)| *version == catalog) {
            return Ok(epoch);
        }
        let epoch = match (self.registry.store().epoch().await, known) {
            (Ok(epoch), _) => epoch,
            // What was written must be told, and the epoch is most likely what it was.
            (Err(_), Some((_, epoch))) => return Ok(epoch),
            (Err(error), None) => return Err(error.into()),
        };
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some((catalog, epoch));
        Ok(epoch)
    }

    /// The newest place in the change log.
    pub(crate) async fn head(&self) -> Result<Position, Error> {
        const BEGINNING: Position = Position {
            transaction: 0,
            sequence: 0,
        };
        Ok(self.registry.store().log_head().await?.unwrap_or(BEGINNING))
    }
}
