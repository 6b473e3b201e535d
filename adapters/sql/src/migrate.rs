//! Bringing the tables up to date.

use registry_core::port::{StoreError, StoreErrorKind};
use sqlx::migrate::{Migrate, MigrateError, Migrator};

const TABLE: &str = "_sqlx_migrations";

/// Whether to bring older tables up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrations {
    /// Yes.
    Apply,
    /// No: an older store is refused.
    Refuse,
}

/// Applies what is missing of an engine's migrations, or refuses to when told so.
///
/// # Errors
///
/// A store newer than this program is always refused, an older one with [`Migrations::Refuse`]; else what the engine says.
pub async fn migrate<C: Migrate>(
    connection: &mut C,
    migrator: &Migrator,
    migrations: Migrations,
) -> Result<(), StoreError> {
    let failed = |error: MigrateError| StoreError::internal("migrating", error);
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
    let known = migrator.iter().map(|one| one.version).max();
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
        Migrations::Apply => migrator
            .run_direct(None, connection, false)
            .await
            .map_err(failed),
    }
}
