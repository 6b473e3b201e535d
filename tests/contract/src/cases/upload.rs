//! Loads, through uploads of small files: what becomes of each row, and what is stored then.

use std::fmt::Write as _;

use registry_core::{Caller, EntityId, Version, principal::Role};
use serde_json::json;

use crate::{
    Harness,
    fixture::{
        fail, id,
        upload::{AIRPORTS, Bench, COUNTRIES, admin, fresh, lines, told, writer},
    },
};

pub async fn links_are_found_by_key_and_the_same_file_again_changes_nothing(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    assert_eq!(
        bench.upload("country", "", COUNTRIES).await,
        "done, 2 created"
    );
    assert_eq!(
        bench.upload("airport", "", AIRPORTS).await,
        "done, 2 created"
    );
    let changes = bench.changes().await;
    for mode in ["mode=upsert key=icao", "mode=update key=icao atomic=false"] {
        assert_eq!(
            bench.upload("airport", mode, AIRPORTS).await,
            "done, 2 unchanged"
        );
    }
    assert_eq!(bench.changes().await, changes);
    assert_eq!(
        bench.upload("airport", "key=icao", AIRPORTS).await,
        "Failed, 2 failed; 2 icao key_taken KJFK; 3 icao key_taken LFPG"
    );
}

pub async fn with_all_it_must_apply_every_row_in_one_transaction_or_none(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    bench.upload("country", "", COUNTRIES).await;
    let changes = bench.changes().await;
    let file = "icao,elevation,country.code\nA,1,US\nB,high,US\nC,2,XX\n,3,US\nE,5\nF,6,FR\n";
    let refused = "4 failed, 2 not applied; 3 elevation type high; 4 country.code \
                   link_target_not_found XX; 5 icao required; 6 column_count";
    for parameters in ["", "dry_run=true"] {
        assert_eq!(
            bench.upload("airport", parameters, file).await,
            format!("Failed, {refused}")
        );
    }
    assert_eq!(bench.changes().await, changes);
    assert_eq!(bench.entities("airport").await, Vec::new());

    assert_eq!(
        bench
            .upload("airport", "atomic=false dry_run=true", file)
            .await,
        format!(
            "done, 2 created, {}",
            refused.replace(", 2 not applied", "")
        )
    );
    assert_eq!(bench.changes().await, changes);
    assert_eq!(
        bench.upload("airport", "atomic=false", file).await,
        format!(
            "done, 2 created, {}",
            refused.replace(", 2 not applied", "")
        )
    );
    assert_eq!(bench.entities("airport").await.len(), 2);
}

pub async fn rows_must_see_what_earlier_rows_made_and_never_what_refused_ones_would_have(
    harness: impl Harness,
) {
    for parameters in ["atomic=true", "atomic=false"] {
        let harness = fresh(&harness);
        let bench = Bench::open(&harness).await;
        let file = format!(
            "_id,icao,elevation,partners\n{},A,1,\n{},B,x,\n{},C,,[\"{0}\"]\n{},D,,[\"{1}\"]\n",
            id(1),
            id(2),
            id(3),
            id(4)
        )
        .replace("partners", "links.partners")
        .replace("[\"", "\"[\"\"")
        .replace("\"]", "\"\"]\"");
        let told = bench.upload("airport", parameters, &file).await;
        let errors = format!(
            "; 3 elevation type x; 5 links.partners link_target_not_found {}",
            id(2)
        );
        if parameters == "atomic=true" {
            assert_eq!(told, format!("Failed, 2 failed, 2 not applied{errors}"));
        } else {
            assert_eq!(told, format!("done, 2 created, 2 failed{errors}"));
            let entities = bench.entities("airport").await;
            let [a, c] = entities.as_slice() else {
                fail("two entities");
            };
            // Made and touched in one write: still its first version.
            assert_eq!((a.version, c.version), (Version(1), Version(1)));
            assert_eq!(a.links.values().collect::<Vec<_>>(), [&vec![id(3)]]);
            assert_eq!(c.links.values().collect::<Vec<_>>(), [&vec![id(1)]]);
        }
    }
}

pub async fn a_second_row_for_the_same_entity_is_refused_across_slices_too(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let mut file = "icao,name\nA,first\nA,second\n".to_owned();
        for number in 0..5_000 {
            writeln!(file, "N{number},").unwrap();
        }
        file.push_str("A,third\nN7,again\nZ,last\n");
        let told = bench
            .upload("airport", &format!("mode=upsert key=icao {atomic}"), &file)
            .await;
        let errors = "3 failed";
        let places = "; 3 duplicate_row; 5004 duplicate_row; 5005 duplicate_row";
        if atomic == "atomic=true" {
            assert_eq!(told, format!("Failed, {errors}, 5002 not applied{places}"));
        } else {
            assert_eq!(told, format!("done, 5002 created, {errors}{places}"));
        }
    }
}

pub async fn each_mode_does_what_it_says(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let one =
        json!({"_id": id(1).to_string(), "fields": {"icao": "A", "name": "a", "elevation": 1}});
    let file = lines(&[one.clone(), json!({"fields": {"icao": "B"}})]);
    assert_eq!(
        bench.upload("airport", "format=ndjson", &file).await,
        "done, 2 created"
    );
    // Create: what is there fails.
    let taken = lines(&[one, json!({"fields": {"icao": "B"}})]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson atomic=false", &taken)
            .await,
        format!(
            "done, 2 failed; 1 /_id entity_exists {}; 2 /fields/icao key_taken B",
            id(1)
        )
    );
    // Update: what is not there fails.
    let update = lines(&[
        json!({"_id": id(1).to_string(), "fields": {"name": null}}),
        json!({"_id": id(2).to_string(), "fields": {"name": "x"}}),
        json!({"fields": {"name": "x"}}),
    ]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson mode=update atomic=false", &update)
            .await,
        format!(
            "done, 1 updated, 2 failed; 2 /_id not_found {}; 3 /_id required",
            id(2)
        )
    );
    // Upsert: merged when there, else created, with the id when one is given.
    let upsert = lines(&[
        json!({"_id": id(1).to_string(), "fields": {"icao": "A", "elevation": 2}}),
        json!({"_id": id(3).to_string(), "fields": {"icao": "C"}}),
        json!({"_id": id(4).to_string(), "fields": {"icao": "C"}}),
        json!({"_id": id(4).to_string(), "fields": {"elevation": 30001, "status": null}}),
    ]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson mode=upsert atomic=false", &upsert)
            .await,
        "done, 1 created, 1 updated, 2 failed; 3 /fields/icao key_taken C; 4 /fields/icao required; 4 /fields/elevation out_of_range 30001"
    );
    let versions: Vec<(EntityId, Version)> = bench
        .entities("airport")
        .await
        .iter()
        .map(|entity| (entity.id, entity.version))
        .filter(|(entity, _)| *entity <= id(9))
        .collect();
    assert_eq!(versions, [(id(1), Version(3)), (id(3), Version(1))]);
    assert_eq!(
        bench
            .download(
                "airport",
                "filter=icao=\"A\" select=icao,name,elevation,status"
            )
            .await,
        format!(
            "_id,_owners,_readers,icao,name,elevation,status,links.country,links.serves,links.partners,links.twin\n\
             {},\"[\"\"org:default\"\"]\",[],A,,2,open,,,,\n",
            id(1)
        )
    );
}

pub async fn an_id_used_before_goes_on_counting(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let file = format!("_id,code\n{},US\n", id(1));
    bench.upload("country", "", &file).await;
    let entities = bench.registry.entities();
    entities
        .delete(&admin(), "country", id(1), None)
        .await
        .unwrap();
    assert_eq!(
        bench.upload("country", "mode=upsert", &file).await,
        "done, 1 created"
    );
    let versions: Vec<Version> = bench
        .entities("country")
        .await
        .iter()
        .map(|e| e.version)
        .collect();
    assert_eq!(versions, [Version(3)]);
}

pub async fn a_key_given_up_by_an_earlier_row_is_free(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let start = format!("_id,icao,iata\n{},A,AAA\n{},B,BBB\n", id(1), id(2));
        bench.upload("airport", "", &start).await;
        let passed = format!("_id,icao,iata\n{},A,CCC\n{},B,AAA\n", id(1), id(2));
        assert_eq!(
            bench
                .upload("airport", &format!("mode=upsert {atomic}"), &passed)
                .await,
            "done, 2 updated"
        );
        let back = format!("_id,icao,iata\n{},A,AAA\n{},B,CCC\n", id(1), id(2));
        let told = bench
            .upload("airport", &format!("mode=upsert {atomic}"), &back)
            .await;
        assert!(told.contains("2 iata key_taken AAA"), "{told}");
    }
}

pub async fn the_other_end_of_a_symmetric_link_gets_one_new_version(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let start = format!(
            "_id,icao\n{},HUB\n{},A\n{},B\n{},C\n",
            id(1),
            id(2),
            id(3),
            id(4)
        );
        bench.upload("airport", "", &start).await;
        let items: String = [2, 3, 4]
            .map(|number| {
                json!({"_id": id(number).to_string(), "links": {"partners": [{"icao": "HUB"}]}})
                    .to_string()
                    + "\n"
            })
            .concat();
        assert_eq!(
            bench
                .upload(
                    "airport",
                    &format!("format=ndjson mode=update {atomic}"),
                    &items
                )
                .await,
            "done, 3 updated"
        );
        let entities = bench.entities("airport").await;
        let hub = entities.first().unwrap();
        assert_eq!(hub.version, Version(2));
        assert_eq!(
            hub.links.values().collect::<Vec<_>>(),
            [&vec![id(2), id(3), id(4)]]
        );
        // Cardinality one holds at the other end too.
        let twins: String = [2, 3]
            .map(|number| {
                json!({"_id": id(number).to_string(), "links": {"twin": id(1).to_string()}})
                    .to_string()
                    + "\n"
            })
            .concat();
        let told = bench
            .upload(
                "airport",
                &format!("format=ndjson mode=update {atomic}"),
                &twins,
            )
            .await;
        assert!(told.contains("2 /links/twin link_cardinality"), "{told}");
        // Taking it off at one end takes it off at the other.
        let off = json!({"_id": id(1).to_string(), "links": {"partners": null}}).to_string();
        bench
            .upload("airport", "format=ndjson mode=update", &off)
            .await;
        let left = bench.entities("airport").await;
        assert!(left.iter().all(|entity| {
            entity
                .links
                .values()
                .all(|targets| !targets.contains(&id(4)))
        }));
    }
}

pub async fn rights_hold_for_every_row(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let (ann, bob) = (writer("user:ann"), writer("user:bob"));
    let own = format!(
        "_id,code,_readers\n{},A,\"[\"\"public\"\"]\"\n{},B,\n",
        id(1),
        id(2)
    );
    assert_eq!(
        told(&bench.send(&ann, "country", "", &own).await),
        "done, 2 created"
    );
    let file = format!(
        "_id,code,name,_owners\n{},A,x,\n{},B,x,\n{},C,x,\"[\"\"user:ann\"\"]\"\n{},D,,\"[\"\"public\"\"]\"\n{},E,,[]\n",
        id(1),
        id(2),
        id(3),
        id(4),
        id(5)
    );
    assert_eq!(
        told(
            &bench
                .send(&bob, "country", "mode=upsert atomic=false", &file)
                .await
        ),
        format!(
            "done, 5 failed; 2 forbidden; 3 _id entity_exists {}; 4 _owners forbidden user:ann; \
             4 _owners forbidden; 5 _owners public_owner public; 6 _owners owners_empty",
            id(2)
        )
    );
    // What bob cannot read is not there for his links.
    let airports = format!("icao,links.country\nX,{}\nY,{}\n", id(1), id(2));
    assert_eq!(
        told(&bench.send(&bob, "airport", "atomic=false", &airports).await),
        format!(
            "done, 1 created, 1 failed; 3 links.country link_target_not_found {}",
            id(2)
        )
    );
    let reader = Caller {
        role: Role::Reader,
        ..bob
    };
    assert_eq!(
        told(&bench.send(&reader, "country", "", COUNTRIES).await),
        "Forbidden forbidden"
    );
}

pub async fn a_row_that_names_no_entity_is_told_all_that_is_wrong_with_it(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    bench.upload("country", "", COUNTRIES).await;
    bench.upload("airport", "", AIRPORTS).await;
    // Where the fields cannot be read, it is not that the key is left out.
    let file = "{\"fields\":5}\n{\"links\":7}\n{\"fields\":{\"icao\":\"KJFK\",\"elevation\":7}}\n";
    assert_eq!(
        bench
            .upload(
                "airport",
                "format=ndjson mode=update key=icao atomic=false",
                file
            )
            .await,
        "done, 1 updated, 2 failed; 1 /fields type; 2 /links type; 2 /fields/icao required"
    );
}
