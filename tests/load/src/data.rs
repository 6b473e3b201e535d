//! The entities: airports, made up, of eight fields, one unique, one indexed, with a link to a country.

use std::fmt::Write as _;

/// Countries that airports lie in.
pub(crate) const COUNTRIES: u64 = 250;

/// The entity types.
pub(crate) const TYPES: [&str; 2] = [
    r#"{"name":"country","fields":{"code":{"type":"text","required":true,"unique":true},"name":{"type":"text","required":true},"continent":{"type":"text","indexed":true}}}"#,
    r#"{"name":"airport","fields":{
        "ident":{"type":"text","required":true,"unique":true,"max_length":12},
        "name":{"type":"text","required":true},
        "elevation":{"type":"number","indexed":true},
        "status":{"type":"enum","choices":["open","closed"],"default":"open"},
        "municipality":{"type":"text"},
        "latitude":{"type":"number"},
        "longitude":{"type":"number"},
        "built":{"type":"date"}},
      "links":{"country":{"to":["country"],"cardinality":"one","inverse":"airports"}}}"#,
];

/// A bijection on 64 bits (the finaliser of `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>): numbers that follow each other, scattered.
pub(crate) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An airport. Unique values differ for numbers below 2^24, and are in no order.
struct Airport {
    ident: String,
    name: String,
    elevation: String,
    status: &'static str,
    municipality: String,
    latitude: String,
    longitude: String,
    built: String,
    country: u64,
}

fn airport(number: u64) -> Airport {
    let random = scatter(number);
    // Odd multipliers are bijections modulo a power of two.
    let ident = number.wrapping_mul(0x9e_3779b1) & 0xff_ffff;
    let part = |shift: u32, modulo: u64| (random >> shift) % modulo;
    Airport {
        ident: format!("K{ident:06X}"),
        name: format!(
            "{} Regional Airport number {number}",
            TOWNS[index(part(3, 8))]
        ),
        elevation: format!("{}.{}", part(5, 14_000), part(7, 10)),
        status: if part(11, 10) == 0 { "closed" } else { "open" },
        municipality: TOWNS[index(part(13, 8))].to_owned(),
        latitude: format!("{}.{:05}", part(17, 90), part(19, 100_000)),
        longitude: format!("-{}.{:05}", part(23, 180), part(29, 100_000)),
        built: format!(
            "{}-{:02}-{:02}",
            1930 + part(31, 90),
            1 + part(37, 12),
            1 + part(41, 28)
        ),
        country: part(43, COUNTRIES),
    }
}

const TOWNS: [&str; 8] = [
    "Springfield",
    "Saint-Étienne",
    "Rio de la Plata",
    "Narvik",
    "Port Elizabeth",
    "Ushuaia",
    "Königswinter",
    "Bay City",
];

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default() % TOWNS.len()
}

/// The code of a country.
fn code(number: u64) -> String {
    format!("C{number:03}")
}

/// All countries as CSV.
pub(crate) fn countries() -> String {
    let mut csv = "code,name,continent\n".to_owned();
    for number in 0..COUNTRIES {
        let continent = ["EU", "NA", "AS", "AF", "SA", "OC", "AN"][index(number % 7)];
        let _ = writeln!(csv, "{},Country {number},{continent}", code(number));
    }
    csv
}

/// The header of a file of airports.
pub(crate) const HEADER: &str =
    "ident,name,elevation,status,municipality,latitude,longitude,built,country.code\n";

/// Appends a row of a file of airports.
pub(crate) fn row(csv: &mut String, number: u64) {
    let one = airport(number);
    let _ = writeln!(
        csv,
        "{},{},{},{},{},{},{},{},{}",
        one.ident,
        one.name,
        one.elevation,
        one.status,
        one.municipality,
        one.latitude,
        one.longitude,
        one.built,
        code(one.country),
    );
}

/// The body of a request that creates an airport.
pub(crate) fn body(number: u64, countries: &[String]) -> String {
    let one = airport(number);
    let country = usize::try_from(one.country).unwrap_or_default() % countries.len().max(1);
    format!(
        r#"{{"fields":{{"ident":"{}","name":"{}","elevation":{},"status":"{}","municipality":"{}","latitude":{},"longitude":{},"built":"{}"}},"links":{{"country":"{}"}}}}"#,
        one.ident,
        one.name,
        one.elevation,
        one.status,
        one.municipality,
        one.latitude,
        one.longitude,
        one.built,
        countries.get(country).map_or("", String::as_str),
    )
}
