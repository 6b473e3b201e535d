//! 4.5: CSV files.

use crate::{Case, OTHER_THING, THING, check, entities};

fn upload(name: &str, query: &str, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name, "POST", format!("/entity/thing/upload?{query}")).body("text/csv", body)
}

/// A file that is refused before a row is read.
fn file(name: &str, body: impl Into<Vec<u8>>) -> Case {
    upload(name, "", body)
}

/// A file with a row that is refused.
fn row(name: &str, body: impl Into<Vec<u8>>, code: &'static str, place: &'static str) -> Case {
    upload(name, "", body).is(422, code, place)
}

fn files() -> Vec<Case> {
    let columns: Vec<String> = (0..10_001).map(|number| format!("c{number}")).collect();
    let utf_16: Vec<u8> = "code\n1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut marked = vec![0xFF, 0xFE];
    marked.extend(&utf_16);
    vec![
        file("empty", "").is(400, "", ""),
        file("one line end", "\n").is(400, "empty_file", "line 1"),
        file("header only", "code\n").succeeds(200),
        file("header without a line end", "code").succeeds(200),
        file("byte order mark", "\u{FEFF}code\nbom\n").succeeds(200),
        file("UTF-16 with a mark", marked).is(400, "invalid_encoding", ""),
        file("UTF-16 without one", utf_16).is(400, "", ""),
        file("duplicate column", "code,code\n1,2\n").is(400, "duplicate_column", "column code"),
        file("empty column", "code,\n1,2\n").is(400, "empty_column", ""),
        file("unknown column", "code,zip\n1,2\n").is(400, "unknown_column", "column zip"),
        file("column with other case", "CODE\n1\n").is(400, "unknown_column", "column CODE"),
        file("column with a space", " code\n1\n").is(400, "unknown_column", "column  code"),
        file("system column", "_version\n1\n").is(400, "unknown_column", "column _version"),
        file("10,001 columns", format!("{}\n", columns.join(","))).is(
            400,
            "unknown_column",
            "column c0",
        ),
        file("semicolons that were not declared", "code;n\n1;2\n").is(
            400,
            "unknown_column",
            "column code;n",
        ),
        upload("semicolons that were", "delimiter=%3B", "code;n\nsemi;2\n").succeeds(200),
        upload("tabs that were", "delimiter=%09", "code\tn\ntabs\t2\n").succeeds(200),
        file("unterminated quote", "code\n\"1\n2\n").is(400, "unterminated_quote", "line 2"),
        file("unterminated quote in the header", "\"code\n1\n").is(
            400,
            "unterminated_quote",
            "line 1",
        ),
        file(
            "record of more than 1 MiB",
            format!("any\n\"{}\"\n", "x".repeat(1024 * 1024 + 1)),
        )
        .is(413, "row_too_large", "line 2"),
        file("header of more than 1 MiB", "x".repeat(1024 * 1024 + 1)).is(
            413,
            "row_too_large",
            "line 1",
        ),
        file("two columns about one link", "home.name,links.home\na,b\n").is(
            400,
            "duplicate_column",
            "",
        ),
        file("unknown link", "zip.name\na\n").is(400, "unknown_column", "column zip.name"),
        file("field of a link that is no key", "home.zip\na\n").is(
            400,
            "unknown_column",
            "column home.zip",
        ),
        upload("missing key column", "mode=update&key=code", "n\n1\n").is(
            400,
            "missing_column",
            "",
        ),
        upload("update without an id column", "mode=update", "n\n1\n").is(
            400,
            "missing_column",
            "",
        ),
        upload("unknown key", "mode=upsert&key=zip", "code\n1\n").is(422, "unknown_key", "?key"),
        upload("unknown mode", "mode=replace", "code\n1\n").is(400, "invalid_mode", "?mode"),
        upload("unknown parameter", "what=1", "code\n1\n").is(400, "unknown_parameter", "?what"),
        Case::new("unknown media type", "POST", "/entity/thing/upload")
            .body("application/pdf", "x")
            .is(415, "unsupported_media_type", ""),
        Case::new("no media type", "POST", "/entity/thing/upload").is(
            415,
            "unsupported_media_type",
            "",
        ),
        Case::new("another charset", "POST", "/entity/thing/upload")
            .body("text/csv; charset=latin1", "code\n1\n")
            .is(415, "unsupported_media_type", ""),
        file("gzip that is none", "code\n1\n")
            .header("content-encoding", "gzip")
            .is(400, "malformed_gzip", ""),
        file("br", "code\n1\n").header("content-encoding", "br").is(
            415,
            "unsupported_media_type",
            "",
        ),
    ]
}

fn rows() -> Vec<Case> {
    vec![
        row(
            "Latin-1",
            b"code\n\xE9\n".to_vec(),
            "invalid_encoding",
            "line 2",
        ),
        row("NUL", "code\na\0b\n", "nul_character", "line 2"),
        row(
            "text after a closing quote",
            "code,n\n\"a\"x,1\nb,1\n",
            "malformed_csv",
            "line 2",
        ),
        row("too few cells", "code,n\nshort\n", "column_count", "line 2"),
        row(
            "too many cells",
            "code,n\nlong,1,2\n",
            "column_count",
            "line 2",
        ),
        row(
            "the good ones are counted",
            "code,n\ngood,1\nbad,x\n",
            "type",
            "line 3",
        ),
        row("decimal comma", "n\n\"1,5\"\n", "type", "column n"),
        row("leading zeros", "n\n007\n", "type", "column n"),
        upload("TRUE", "", "b\nTRUE\n").succeeds(200),
        row(
            "a date of the country",
            "day\n03/04/05\n",
            "format",
            "column day",
        ),
        row("NULL undeclared", "n\nNULL\n", "type", "column n"),
        row("a space before a number", "n\n 1\n", "type", "column n"),
        row(
            "a list that is none",
            "tags\na\n",
            "malformed_json",
            "column tags",
        ),
        row(
            "JSON that is none",
            "any\n{\n",
            "malformed_json",
            "column any",
        ),
        row(
            "an id that is none",
            "_id,code\nx,1\n",
            "invalid_id",
            "column _id",
        ),
        row(
            "an id that exists",
            format!("_id,code\n{THING},9\n"),
            "entity_exists",
            "line 2",
        ),
        row("a key that is taken", "code\nA\n", "key_taken", "line 2"),
        row(
            "a key twice in the file",
            "code\ntwice\ntwice\n",
            "key_taken",
            "line 3",
        ),
        row(
            "a target that is absent",
            "home.name\nnone\n",
            "link_target_not_found",
            "line 2",
        ),
        row(
            "owners that are none",
            "_owners\n[]\n",
            "owners_empty",
            "line 2",
        ),
        row(
            "a record on two lines counts from its first",
            "name,n\n\"a\nb\",x\n",
            "type",
            "line 2",
        ),
        row(
            "the line after it",
            "name,n\n\"a\nb\",1\nc,x\n",
            "type",
            "line 4",
        ),
        upload(
            "entity twice",
            "mode=upsert",
            format!("_id,n\n{THING},1\n{THING},2\n"),
        )
        .is(422, "duplicate_row", "line 3"),
        upload("no such entity", "mode=update&key=code", "code,n\nnone,1\n").is(
            422,
            "not_found",
            "line 2",
        ),
        upload(
            "id and key that differ",
            "mode=update&key=code",
            format!("_id,code\n{OTHER_THING},A\n"),
        )
        .is(422, "id_mismatch", "line 2"),
        upload(
            "errors of a run that is not atomic",
            "atomic=false",
            "code,n\nkept,1\nbad,x\n",
        )
        .is(200, "type", "line 3"),
        upload("NULL as declared", "null=NULL", "code,n\nnulls,NULL\n").succeeds(200),
        upload("a formula", "", "code\n=1+1\n").succeeds(200),
        upload("CRLF", "", "code,n\r\ncrlf,1\r\n").succeeds(200),
        upload("CR alone", "", "code,n\rcr,1\r").succeeds(200),
        upload("mixed line ends", "", "code,n\r\nmix1,1\nmix2,2\rmix3,3").succeeds(200),
        upload("blank lines", "", "code\n\nblank\n\n\n").succeeds(200),
        upload("the same again", "mode=upsert&key=code", "code\nblank\n").succeeds(200),
        row(
            "a quote inside a bare cell",
            "code\na\"b\n",
            "malformed_csv",
            "line 2",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_files() {
    check(
        &entities::types(),
        entities::setup(),
        [files(), rows()].concat(),
    )
    .await;
}

/// An upload never stops at a number of errors.
#[tokio::test(flavor = "multi_thread")]
async fn every_bad_row_is_counted() {
    let bad = upload("6,000 bad rows", "", format!("n\n{}", "x\n".repeat(6_000)));
    let cases = vec![bad.is(422, "type", "line 2")];
    check(&entities::types(), entities::setup(), cases).await;
}
