//! 4.4: links.

use crate::{ABSENT, Case, OTHER_PLACE, OTHER_THING, PLACE, THING, check, entities};

fn link(name: &str, method: &'static str, from: &str, link: &str, to: &str) -> Case {
    Case::new(name, method, format!("/entity/{from}/links/{link}/{to}"))
}

fn cases() -> Vec<Case> {
    let (thing, place) = (format!("thing/{THING}"), format!("place/{PLACE}"));
    let absent = format!("thing/{ABSENT}");
    let create = |name: &str, body: String| Case::new(name, "POST", "/entity/thing").json(body);
    let many: Vec<String> = (0..10_001_u64)
        .map(|number| format!("\"00000000-0000-7000-9000-{number:012x}\""))
        .collect();
    let graph = |query: &str| {
        Case::new(
            format!("graph?{query}"),
            "GET",
            format!("/entity/thing/{THING}/graph?{query}"),
        )
    };
    let strict = "00000000-0000-7000-8000-0000000000c1";
    vec![
        link("unknown link", "PUT", &thing, "zip", PLACE).is(422, "unknown_link", ""),
        link("target that is absent", "PUT", &thing, "home", ABSENT).is(
            404,
            "link_target_not_found",
            "",
        ),
        link("holder that is absent", "PUT", &absent, "home", PLACE).is(404, "not_found", ""),
        link("target of another type", "PUT", &thing, "home", OTHER_THING).is(
            422,
            "link_target_type",
            "",
        ),
        link("wrong direction", "PUT", &place, "home", THING).is(422, "unknown_link", ""),
        link("target that is no id", "PUT", &thing, "home", "x").is(400, "invalid_id", ""),
        link("to itself", "PUT", &thing, "peers", THING).succeeds(204),
        link("to itself again", "PUT", &thing, "peers", THING).succeeds(204),
        link("not to itself", "DELETE", &thing, "peers", THING).succeeds(204),
        link("already there", "PUT", &thing, "home", PLACE).succeeds(204),
        link(
            "from the other end, holder has another",
            "PUT",
            &format!("place/{OTHER_PLACE}"),
            "things",
            THING,
        )
        .is(409, "link_cardinality", ""),
        link(
            "from the other end, absent",
            "PUT",
            &place,
            "things",
            ABSENT,
        )
        .is(404, "link_target_not_found", ""),
        link(
            "unlink what is not linked",
            "DELETE",
            &thing,
            "home",
            OTHER_PLACE,
        )
        .succeeds(204),
        link("unlink what is absent", "DELETE", &thing, "home", ABSENT).succeeds(204),
        Case::new(
            "list of an unknown link",
            "GET",
            format!("/entity/{thing}/links/zip"),
        )
        .is(422, "unknown_link", ""),
        Case::new(
            "list of an absent holder",
            "GET",
            format!("/entity/{absent}/links/home"),
        )
        .is(404, "not_found", ""),
        create(
            "unknown link in a body",
            format!(r#"{{"links":{{"zip":"{PLACE}"}}}}"#),
        )
        .is(422, "unknown_link", "/links/zip"),
        create(
            "two for cardinality one",
            format!(r#"{{"links":{{"home":["{PLACE}","{OTHER_PLACE}"]}}}}"#),
        )
        .is(422, "type", "/links/home"),
        create(
            "one for many",
            format!(r#"{{"links":{{"seen":"{PLACE}"}}}}"#),
        )
        .is(422, "type", "/links/seen"),
        create("no id", r#"{"links":{"home":"x"}}"#.to_owned()).is(
            422,
            "invalid_id",
            "/links/home",
        ),
        create("a number", r#"{"links":{"home":5}}"#.to_owned()).is(422, "type", "/links/home"),
        create("absent", format!(r#"{{"links":{{"home":"{ABSENT}"}}}}"#)).is(
            404,
            "link_target_not_found",
            "/links/home",
        ),
        create(
            "another type",
            format!(r#"{{"links":{{"home":"{THING}"}}}}"#),
        )
        .is(422, "link_target_type", "/links/home"),
        create(
            "one twice",
            format!(r#"{{"links":{{"seen":["{PLACE}","{PLACE}"]}}}}"#),
        )
        .succeeds(201),
        create(
            "10,001",
            format!(r#"{{"links":{{"seen":[{}]}}}}"#, many.join(",")),
        )
        .is(409, "too_many_links", "/links/seen"),
        create(
            "the inverse in a body",
            format!(r#"{{"links":{{"things":"{PLACE}"}}}}"#),
        )
        .is(422, "unknown_link", "/links/things"),
        Case::new(
            "a holder that needs it",
            "POST",
            format!("/entity/strict/{strict}"),
        )
        .json(format!(
            r#"{{"fields":{{"must":"x"}},"links":{{"base":"{OTHER_PLACE}"}}}}"#
        ))
        .succeeds(201),
        Case::new(
            "delete of a required target",
            "DELETE",
            format!("/entity/place/{OTHER_PLACE}"),
        )
        .is(409, "restricted", ""),
        link(
            "unlink of a required target",
            "DELETE",
            &format!("strict/{strict}"),
            "base",
            OTHER_PLACE,
        )
        .is(422, "required_link", ""),
        link(
            "the same from the other end",
            "DELETE",
            &format!("place/{OTHER_PLACE}"),
            "bases",
            strict,
        )
        .is(422, "required_link", ""),
        Case::new(
            "null for a required link",
            "PATCH",
            format!("/entity/strict/{strict}"),
        )
        .json(r#"{"links":{"base":null}}"#)
        .is(422, "required_link", "/links/base"),
        graph("depth=0").is(400, "invalid_depth", "?depth"),
        graph("depth=6").is(400, "invalid_depth", "?depth"),
        graph("depth=x").is(400, "invalid_depth", "?depth"),
        graph("limit=1001").is(400, "invalid_limit", "?limit"),
        link("a circle of two", "PUT", &thing, "peers", OTHER_THING).succeeds(204),
        graph("depth=5").succeeds(200),
        Case::new("delete", "DELETE", format!("/entity/thing/{OTHER_THING}")).succeeds(204),
        link(
            "target that was deleted",
            "PUT",
            &thing,
            "peers",
            OTHER_THING,
        )
        .is(404, "link_target_not_found", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn links() {
    check(&entities::types(), entities::setup(), cases()).await;
}
