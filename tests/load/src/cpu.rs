//! Processor time: on a busy machine it says more than the time of day.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use crate::Failed;

/// Ticks per second in `/proc` (`getconf CLK_TCK`): 100 on every Linux there is.
const TICKS: u64 = 100;

/// The processes of one side: the server, and those of PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes {
    /// The server's, or this one's.
    pub(crate) server: u32,
    /// PostgreSQL's first process, the parent of all others.
    pub(crate) postmaster: Option<u32>,
}

impl Processes {
    /// What they have used since they began, user and system time.
    pub(crate) fn used(self) -> Duration {
        let mut ticks = stat(self.server).map_or(0, |stat| stat.own);
        if let Some(postmaster) = self.postmaster {
            // The time of children that are gone is their parent's.
            ticks += stat(postmaster).map_or(0, |stat| stat.own + stat.gone);
            ticks += processes()
                .filter_map(stat)
                .filter(|stat| stat.parent == postmaster)
                .map(|stat| stat.own)
                .sum::<u64>();
        }
        Duration::from_millis(ticks * 1_000 / TICKS)
    }
}

/// PostgreSQL's first process, if it runs on this machine.
pub(crate) async fn postmaster(url: &str) -> Result<Option<u32>, Failed> {
    let mut connection = PgConnection::connect(url).await?;
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await?;
    let parent = stat(u32::try_from(backend)?).map(|stat| stat.parent);
    connection.close().await?;
    Ok(parent)
}

fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Fields of `/proc/<pid>/stat` (proc(5)).
struct Stat {
    parent: u32,
    own: u64,
    gone: u64,
}

fn stat(process: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything; what follows it is numbers, from the third field on.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(4)?).ok()?,
        own: number(14)? + number(15)?,
        gone: number(16)? + number(17)?,
    })
}
