//! Bringing the tables up to date.

use registry_core::port::{StoreError, StoreErrorKind};
use registry_sql::Migrations;
use sqlx::{
    PgConnection,
    migrate::{Migrate as _, Migrator},
};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/postgres");
const TABLE: &str = "_sqlx_migrations";

/// Applies what is missing, or refuses to when told so. A store newer than this program is always refused.
pub(crate) async fn run(
    connection: &mut PgConnection,
    migrations: Migrations,
) -> Result<(), StoreError> {
    let failed = |error: sqlx::migrate::MigrateError| StoreError::internal("migrating", error);
    // Two programs starting at once must not both make the table.
    connection.lock().await.map_err(failed)?;
    connection
        .ensure_migrations_table(TABLE)
        .await
        .map_err(failed)?;
    let applied = connection
        .list_applied_migrations(TABLE)
        .await
        .map_err(failed)?;
    connection.unlock().await.map_err(failed)?;
    let newest = applied.iter().map(|one| one.version).max();
    let known = MIGRATOR.iter().map(|one| one.version).max();
    let refused =
        |text: &'static str| Err(StoreError::new(StoreErrorKind::Internal, "migrating", text));
    if newest > known {
        return refused("the store was made by a newer version of the registry");
    }
    match migrations {
        Migrations::Refuse if newest < known => {
            refused("the store needs migrating: run `registry migrate`")
        }
        Migrations::Refuse => Ok(()),
        Migrations::Apply => MIGRATOR
            .run_direct(None, connection, false)
            .await
            .map_err(failed),
    }
}
