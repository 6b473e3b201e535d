//! Faults and races against server processes and stores: see the files.

#![expect(clippy::unwrap_used, reason = "tests")]

mod killed;
mod links;
mod log;
mod refused;
mod restarted;
mod swaps;
mod terminated;
mod type_change;
mod unique;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use registry_fault_tests::{Client, Writer};
use tokio::task::JoinHandle;

/// Writers at work, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Writer>>,
}

impl Load {
    /// Sets the writers to work, by turns over these clients.
    fn start(writers: Vec<Writer>, clients: &[Client]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = clients.iter().cycle();
        let tasks = writers
            .into_iter()
            .zip(clients)
            .map(|(writer, client)| tokio::spawn(writer.run(client.clone(), Arc::clone(&stop))))
            .collect();
        Self { stop, tasks }
    }

    /// Waits for the writers, each after the request it is at.
    async fn stop(self) -> Vec<Writer> {
        self.stop.store(true, Ordering::Relaxed);
        let mut writers = Vec::new();
        for task in self.tasks {
            writers.push(task.await.unwrap());
        }
        writers
    }
}
