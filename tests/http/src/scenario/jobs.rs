//! Jobs of uploads: listed, read, their errors and rejected rows.

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    ground(client).await;
    let mut jobs = Vec::new();
    let files = [
        ("text/csv", "icao,elevation\nLFPG,x\nBIRK,48\nTOOLONG,1\n"),
        (
            "application/x-ndjson",
            "{\"fields\":{\"icao\":\"A\"}}\nnot json\n",
        ),
        (
            "application/json",
            "[{\"fields\":{\"icao\":1}},{\"fields\":{\"icao\":\"B\"}}]",
        ),
    ];
    for (media_type, body) in files {
        let report = client
            .send(
                "POST",
                "/entity/airport/upload?atomic=false",
                &[("content-type", media_type)],
                body,
            )
            .await;
        jobs.push(report.text("/job"));
    }
    let page = client.get("/job?limit=2").await;
    let cursor = page.text("/next_cursor");
    client.get(&format!("/job?limit=2&cursor={cursor}")).await;
    client.get("/job?cursor=x").await;
    client.get("/job?limit=0").await;
    for job in &jobs {
        client.get(&format!("/job/{job}")).await;
        client.get(&format!("/job/{job}/errors")).await;
        client.get(&format!("/job/{job}/rejected")).await;
    }
    let job = &jobs[0];
    client
        .send(
            "GET",
            &format!("/job/{job}/errors"),
            &[("accept", "text/csv")],
            "",
        )
        .await;
    client
        .send(
            "GET",
            &format!("/job/{job}/rejected"),
            &[("accept", "application/json")],
            "",
        )
        .await;
    client.send("DELETE", &format!("/job/{job}"), &[], "").await;
    client
        .get("/job/01890000-0000-7000-8000-00000000000f")
        .await;
    client
        .get("/job/01890000-0000-7000-8000-00000000000f/errors")
        .await;
    client
        .get("/job/01890000-0000-7000-8000-00000000000f/rejected")
        .await;
    client.get("/job/x").await;
}
