//! Rows of files that are rejected: a code each, and files that cannot be read.

use std::fmt::Write as _;

use serde_json::json;

use super::values::strict;
use crate::{CALLER, Client};

const CSV: (&str, &str) = ("content-type", "text/csv");
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
const JSON: (&str, &str) = ("content-type", "application/json");

pub async fn run(client: &mut Client) {
    client.json("POST", "/entityType", &strict()).await;
    client
        .json(
            "POST",
            "/entityType",
            &json!({"name": "held", "fields": {"code": {"type": "text", "required": true, "unique": true}},
                "links": {"holder": {"to": ["strict"], "cardinality": "one", "required": true}}}),
        )
        .await;
    let a = client
        .json("POST", "/entity/strict", &json!({"fields": {"key": "a"}}))
        .await
        .text("/id");
    let b = client
        .json("POST", "/entity/strict", &json!({"fields": {"key": "b"}}))
        .await
        .text("/id");
    let held = json!({"fields": {"code": "h"}, "links": {"holder": a}});
    let held = client.json("POST", "/entity/held", &held).await.text("/id");
    let path = "/entity/strict/upload?atomic=false";
    let long = "x".repeat(1_025);
    let values = format!(
        "key,text,indexed,integer,decimal,boolean,choice,url,list,json\n\
         1,a,{long},10,1.234,x,c,x,[],x\n2,bb,,0,12345,,,,\"[\"\"a\"\",\"\"b\"\",\"\"c\"\"]\",\"{{\"\"a\"\":\"\"b\"\"}}\"\n\
         3\n4,\"ab\"x,,,,,,,,\n5,aa,,,,,,,,,,\n9,aaaa,,,,,,,,\na,aa,,,,,,,,\n6,aa,,,,,,,,\n6,aa,,,,,,,,\n"
    );
    client.send("POST", path, &[CSV], &values).await;
    let bytes = [&b"key,text\n7,a\xff\n8,a"[..], &[0], b"b\n"].concat();
    client.send_bytes("POST", path, &[CSV], &bytes).await;
    let links = format!(
        "_id,key,links.partner,one.key,many.key,_owners,_readers\n\
         {a},,,,,,\nx,x,,,,,\n,9,,none,,,\n,10,{held},,,,\n,11,x,,,,\n,12,,,,[],\n,13,,,,\"[\"\"public\"\"]\",\n,14,,,,,\"[\"\"x\"\"]\"\n"
    );
    client.send("POST", path, &[CSV], &links).await;
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    let items = [
        format!("{{\"_id\":\"{a}\"}}"),
        "{\"_id\":\"x\"}".to_owned(),
        "{\"what\":1}".to_owned(),
        "{\"fields\":{\"none\":1},\"links\":{\"none\":\"x\"}}".to_owned(),
        "{\"fields\":1}".to_owned(),
        "{\"fields\":{\"text\":\"a\\u0000\"}}".to_owned(),
        "{\"fields\":{\"key\":1,\"key\":2}}".to_owned(),
        format!("{{\"fields\":{{\"json\":{deep}}}}}"),
        format!("{{\"links\":{{\"one\":\"{held}\"}}}}"),
        "{\"links\":{\"one\":\"01890000-0000-7000-8000-00000000000f\"}}".to_owned(),
        "{\"links\":{\"one\":{\"none\":\"x\"}}}".to_owned(),
        "{\"links\":{\"one\":{\"key\":\"none\"}}}".to_owned(),
        "{\"owners\":[]}".to_owned(),
        "{\"owners\":[\"public\"]}".to_owned(),
        "{\"readers\":[\"x\"]}".to_owned(),
        format!("{{\"fields\":{{\"key\":\"p\"}},\"links\":{{\"partner\":\"{a}\"}}}}"),
        format!("{{\"fields\":{{\"key\":\"q\"}},\"links\":{{\"partner\":\"{a}\"}}}}"),
        "not json".to_owned(),
    ];
    let ndjson = items.join("\n");
    client.send("POST", path, &[NDJSON], &ndjson).await;
    let array = format!("[{}]", items[..items.len() - 1].join(","));
    client.send("POST", path, &[JSON], &array).await;
    // Too many targets in one row.
    let mut many = String::from("{\"links\":{\"many\":[");
    for number in 0..=1_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(many, "{comma}\"01890000-0000-7000-8000-{number:012}\"").unwrap();
    }
    many.push_str("]}}");
    client.send("POST", path, &[NDJSON], &many).await;
    // Rows that find their entity, or should.
    let update = "/entity/strict/upload?atomic=false&mode=update&key=key";
    client
        .send(
            "POST",
            update,
            &[CSV],
            &format!("_id,key\n{b},a\n,none\n,\n,a\n,a\n"),
        )
        .await;
    client.send("POST", update, &[CSV], "text\nab\n").await;
    let held_path = "/entity/held/upload?atomic=false";
    client
        .send("POST", held_path, &[CSV], "code,holder.key\n,a\nx,\n")
        .await;
    client
        .send(
            "POST",
            "/entity/held/upload?atomic=false&mode=upsert&key=code",
            &[NDJSON],
            "{\"fields\":{\"code\":\"h\"},\"links\":{\"holder\":null}}",
        )
        .await;
    // Rights.
    for caller in ["reader eve", "writer eve"] {
        client
            .send(
                "POST",
                "/entity/strict/upload?atomic=false&mode=upsert&key=key",
                &[CSV, (CALLER, caller)],
                "key,text,_owners\na,ab,\nnew,ab,\"[\"\"user:ann\"\"]\"\n",
            )
            .await;
    }
    client
        .json(
            "PATCH",
            &format!("/entity/strict/{a}"),
            &json!({"readers": ["user:eve"]}),
        )
        .await;
    client
        .send(
            "POST",
            "/entity/strict/upload?atomic=false&mode=upsert&key=key",
            &[CSV, (CALLER, "writer eve")],
            "key,text,_owners\na,ab,\nnew,ab,\"[\"\"user:ann\"\"]\"\n",
        )
        .await;
    // Files that cannot be read.
    for body in ["key,\n", "key,,key\n", "one.key,links.one\n"] {
        client.send("POST", path, &[CSV], body).await;
    }
    client.send("POST", path, &[NDJSON], "[{}]").await;
    client.send("POST", path, &[JSON], "{}").await;
    client.send("POST", path, &[JSON], "[{}").await;
    client
        .send("POST", "/entity/strict/upload?mode=x&atomic=x", &[CSV], "")
        .await;
    client.get("/entity/strict/download?spreadsheet=x").await;
    client.get("/entity/strict/download?format=x").await;
    client.get("/entity/strict/download?select=none").await;
}
