//! A store that fails: constant bodies, and never a code that says nothing was written where something may have been.

use registry_core::port::StoreErrorKind;
use serde_json::json;
use uuid::Uuid;

use super::ground;
use crate::{Client, Fault};

pub async fn run(client: &mut Client) {
    let (france, _) = ground(client).await;
    let path = format!("/entity/country/{france}");
    let change = json!({"fields": {"population": 69}});
    let faults = [
        Fault::Fails(StoreErrorKind::Unavailable),
        Fault::Fails(StoreErrorKind::Busy),
        Fault::Fails(StoreErrorKind::Timeout),
        Fault::Fails(StoreErrorKind::TypeChanging),
        Fault::Fails(StoreErrorKind::Full),
        Fault::Fails(StoreErrorKind::UnknownOutcome),
        Fault::Fails(StoreErrorKind::Internal),
        Fault::Beaten,
    ];
    for fault in faults {
        client.faults().set(Some(fault));
        client.json("PATCH", &path, &change).await;
        assert!(client.faults().were_met(), "{fault:?}");
        let upload = client
            .send(
                "POST",
                "/entity/country/upload",
                &[("content-type", "text/csv")],
                "code,name\nIT,Italy\n",
            )
            .await;
        assert!(upload.status.is_server_error());
        client.faults().set(None);
    }
    client
        .faults()
        .set(Some(Fault::Fails(StoreErrorKind::Timeout)));
    client.get("/entity/country").await;
    client.get("/entity/country/download").await;
    client.get("/health/ready").await;
    client.faults().set(None);
    // Nothing of it was written.
    client.get(&path).await;
    client
        .get("/entity/country?filter=code%20%3D%20%22IT%22")
        .await;
    client.get("/job").await;
    // Another server found the store restored, and began a new epoch; the catalog moved with it.
    let before = epoch_told(client, &path).await;
    client.faults().set_epoch(Uuid::from_u128(7));
    client
        .json("POST", "/entityType", &json!({"name": "later"}))
        .await;
    assert_ne!(epoch_told(client, &path).await, before);
}

/// The part of a position that names the epoch: the first 16 bytes in Base64.
async fn epoch_told(client: &mut Client, path: &str) -> String {
    let change = json!({"fields": {"population": 70}});
    let answer = client.json("PATCH", path, &change).await;
    let position = answer.headers["registry-position"].to_str().unwrap();
    position[..21].to_owned()
}
