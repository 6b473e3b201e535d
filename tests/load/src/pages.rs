//! Pages among few and among many entities: the cost of a page must grow with the page, not with the table.

use serde_json::Value;

use crate::{
    Failed,
    client::{Connection, Side, get},
    compare::{Measure, Plan, compare},
    data::scatter,
    process::Server,
    report::{Bar, Report},
};

/// Places in the order at which pages begin.
const PLACES: usize = 20;

/// A list read from its beginning to its end, a thousand at a time.
pub(crate) struct Walk {
    path: &'static str,
    parameters: String,
}

impl Walk {
    pub(crate) fn new(path: &'static str, parameters: impl Into<String>) -> Self {
        Self {
            path,
            parameters: parameters.into(),
        }
    }

    /// Calls with the items of each page and the cursor behind it.
    pub(crate) async fn each(
        &self,
        registry: &Server,
        mut page: impl FnMut(&[Value], Option<&str>),
    ) -> Result<(), Failed> {
        let mut connection = Connection::open(&registry.address).await?;
        let mut cursor: Option<String> = None;
        loop {
            let mut target = format!("{}?limit=1000&{}", self.path, self.parameters);
            if let Some(cursor) = &cursor {
                target.push_str("&cursor=");
                target.push_str(cursor);
            }
            let mut request = Vec::new();
            get(&mut request, &target);
            let answer = connection.json(&request, 200).await?;
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            let items = answer["items"].as_array().ok_or("no items")?;
            page(items, cursor.as_deref());
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Cursors spread over the whole of the order.
    async fn places(&self, registry: &Server) -> Result<Vec<String>, Failed> {
        let mut cursors = Vec::new();
        self.each(registry, |_, cursor| {
            cursors.extend(cursor.map(str::to_owned));
        })
        .await?;
        let step = (cursors.len() / PLACES).max(1);
        Ok(cursors.into_iter().step_by(step).collect())
    }
}

/// Compares a server over `many` entities with one over few.
pub(crate) async fn measure(
    report: &mut Report,
    plan: Plan,
    [few, many]: [&Server; 2],
    (few_count, many_count): (u64, u64),
) -> Result<(), Failed> {
    let title = |what: &str| format!("{what}, {many_count} to {few_count}");
    for (what, parameters, bar) in [
        ("page of 50 by id", "", Bar::Most(1.5)),
        (
            "page of 50 by an indexed field",
            "sort=elevation",
            Bar::Most(2.0),
        ),
    ] {
        let walk = Walk::new("/entity/airport", parameters);
        let (ours, theirs) = (walk.places(many).await?, walk.places(few).await?);
        let write = |places: &[String], number: u64, out: &mut Vec<u8>| {
            let index = usize::try_from(scatter(number)).unwrap_or_default() % places.len().max(1);
            let place = places.get(index).map_or("", String::as_str);
            get(
                out,
                &format!("/entity/airport?limit=50&{parameters}&cursor={place}"),
            );
        };
        let sides = [
            &Side {
                server: many,
                request: &|number, out| write(&ours, number, out),
                status: 200,
            },
            &Side {
                server: few,
                request: &|number, out| write(&theirs, number, out),
                status: 200,
            },
        ];
        compare(report, plan, &title(what), 1, sides, Measure::Time, bar).await?;
    }
    let range = |number: u64| {
        let from = scatter(number) % 13_000;
        format!("elevation+BETWEEN+{from}+AND+{}&sort=elevation", from + 900)
    };
    let continent = |number: u64| {
        let which = ["EU", "NA", "AS", "AF", "SA", "OC", "AN"];
        let index = usize::try_from(scatter(number)).unwrap_or_default() % which.len();
        format!("country.continent+%3D+%22{}%22", which[index])
    };
    let by_range: &dyn Fn(u64) -> String = &range;
    let filters = [
        (
            "50 in a range of an indexed field",
            by_range,
            Bar::Most(2.0),
        ),
        ("50 by a filter across one link", &continent, Bar::None),
    ];
    for (what, filter, bar) in filters {
        let write = |number: u64, out: &mut Vec<u8>| {
            get(
                out,
                &format!("/entity/airport?limit=50&filter={}", filter(number)),
            );
        };
        let side = |server| Side {
            server,
            request: &write,
            status: 200,
        };
        let sides = [&side(many), &side(few)];
        compare(report, plan, &title(what), 1, sides, Measure::Time, bar).await?;
    }
    Ok(())
}
