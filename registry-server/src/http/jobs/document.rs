//! What is shown of a job.

use registry_core::{
    Catalog,
    port::{Job, JobFailure},
};
use serde_json::{Map, Value, json};

/// What an upload answers: the job, its counts and its first errors.
pub(in super::super) fn report(
    job: &Job,
    errors: &[JobFailure],
    truncated: bool,
) -> Vec<(&'static str, Value)> {
    vec![
        ("job", json!(job.id)),
        ("state", json!(job.state)),
        ("counts", json!(job.counts)),
        ("errors", json!(errors)),
        ("errors_truncated", json!(truncated)),
        ("error_counts", json!(job.error_counts)),
    ]
}

/// A job without its errors. `type` is null when the type is gone.
pub(super) fn summary(job: &Job, catalog: &Catalog) -> Map<String, Value> {
    let type_name = catalog.by_id(job.type_id).map(|one| one.name.as_str());
    let members = [
        ("job", json!(job.id)),
        ("type", json!(type_name)),
        ("state", json!(job.state)),
        ("reason", json!(job.reason)),
        ("counts", json!(job.counts)),
        ("error_counts", json!(job.error_counts)),
        ("created_at", json!(job.created_at.to_string())),
        ("created_by", json!(job.actor)),
        (
            "finished_at",
            json!(job.finished_at.map(|at| at.to_string())),
        ),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
