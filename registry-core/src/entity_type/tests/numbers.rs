//! Whatever is added, renamed and removed: a number stays with what it was given to.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::entity_type::{change, replace};

/// One step of a patch on one name.
#[derive(Clone, Debug)]
enum Step {
    /// Adds the field or link unless it is there.
    Add,
    Remove,
    /// Renames to another name.
    Rename(usize),
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn patches() -> impl Strategy<Value = Vec<BTreeMap<usize, Step>>> {
    let step = prop_oneof![
        Just(Step::Add),
        Just(Step::Remove),
        (0..NAMES.len()).prop_map(Step::Rename)
    ];
    let patch = proptest::collection::btree_map(0..NAMES.len(), step, 1..4);
    proptest::collection::vec(patch, 1..12)
}

proptest! {
    #[test]
    fn numbers_follow_renames_and_are_never_given_again(patches in patches()) {
        let mut catalog = catalog(&[json!({"name": "t"})]);
        // The model: who has which number now, and the highest one given.
        let mut model: BTreeMap<String, u32> = BTreeMap::new();
        let mut given = 0;
        for steps in patches {
            let before = catalog.by_name("t").unwrap().clone();
            let mut patch = Map::new();
            let mut expected = BTreeMap::new();
            let mut clash = false;
            let mut added = Vec::new();
            for (index, name) in NAMES.iter().enumerate() {
                let number = model.get(*name).copied();
                let mut put = |name: &str, number: u32| clash |= expected.insert(name.to_owned(), number).is_some();
                match (steps.get(&index), number) {
                    (None, Some(number)) => put(name, number),
                    (Some(Step::Remove), Some(_)) => {
                        patch.insert((*name).to_owned(), Value::Null);
                    }
                    (Some(Step::Rename(to)), Some(number)) => {
                        patch.insert((*name).to_owned(), json!({"name": NAMES[*to]}));
                        put(NAMES[*to], number);
                    }
                    (Some(Step::Add), None) => {
                        patch.insert((*name).to_owned(), json!({"type": "text"}));
                        added.push(*name);
                    }
                    (Some(Step::Add), Some(number)) => {
                        patch.insert((*name).to_owned(), json!({"title": number.to_string()}));
                        put(name, number);
                    }
                    (_, None) => {}
                }
            }
            let mut last = given;
            for name in added {
                last += 1;
                clash |= expected.insert(name.to_owned(), last).is_some();
            }
            let body = object(json!({"fields": patch}));
            let result = change(&before, &body, &catalog, NOW);
            if clash {
                prop_assert_eq!(refusal(result).1, "name_taken");
                continue;
            }
            if let Some(change) = result.unwrap() {
                catalog = applied(&catalog, &change);
            }
            (model, given) = (expected, last);
            let after = catalog.by_name("t").unwrap();
            let live: BTreeMap<String, u32> = after
                .live_fields()
                .map(|field| (field.name.clone(), field.number.0))
                .collect();
            prop_assert_eq!(&live, &model);
            prop_assert_eq!(after.next_number, given + 1);
            // What is read can be put back.
            let put = replace(after, &document(after, &catalog), &[], &catalog, NOW);
            prop_assert!(put.unwrap().is_none());
        }
    }
}
