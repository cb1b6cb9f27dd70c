//! What the topic holds: seeded invoices in several partitions, with everything that a stream does to a pipeline. Records in disorder,
//! so late that windows come again, later than that, dated in the future, not JSON at all, and refused by a preprocessor.

use crate::random::Random;
use weir_services::ServiceError;
use weir_services::client::{Produced, create_topic, produce};

/// Partitions of the topic.
pub const PARTITIONS: u64 = 4;

/// The first record's event time, milliseconds: 2024-03-01T00:00:00Z.
const BEGIN_MS: i64 = 1_709_251_200_000;

/// Event time between two records of the topic: 24,000 of them fill 400 windows of a minute.
const STEP_MS: i64 = 1_000;

/// The year 2199: beyond `max_future_skew` of any append time.
const FUTURE_MS: i64 = 7_226_582_400_000;

const COUNTRIES: [&str; 8] =
    ["Germany", "France", "Côte d'Ivoire", "Norway", "United Kingdom", "Spain", "a:b%c", "EIRE"];

/// Makes the topic.
///
/// # Errors
/// What the broker says.
pub fn fill(bootstrap: &str, topic: &str, records: u64, seed: u64) -> Result<(), ServiceError> {
    // By the append time a record is future-dated in each run or in none; by the host's clock the letters would differ.
    let settings = [("retention.ms", "-1"), ("message.timestamp.type", "LogAppendTime")];
    create_topic(bootstrap, topic, PARTITIONS as i32, &settings)?;
    let values: Vec<String> = values(records, seed);
    let produced = values.iter().enumerate().map(|(place, value)| Produced {
        partition: (place as u64 % PARTITIONS) as i32,
        value: Some(value.as_bytes()),
        ..Produced::default()
    });
    produce(bootstrap, topic, produced)
}

fn values(records: u64, seed: u64) -> Vec<String> {
    let mut random = Random::of(seed, &["workload"]);
    (0..records).map(|place| value(place, &mut random)).collect()
}

fn value(place: u64, random: &mut Random) -> String {
    if random.permille(5) {
        return ["{\"invoice_no\": ", "", "[1]", "{\"timestamp\": \"yesterday\"}"][random.below(4) as usize].to_owned();
    }
    let now_ms = BEGIN_MS + place as i64 * STEP_MS;
    let event_ms = match random.below(1_000) {
        // Beyond `max_out_of_orderness`, within `allowed_lateness`: a window comes again.
        0..15 => now_ms - 120_000 - random.below(150_000) as i64,
        // Beyond both.
        15..20 => now_ms - 1_800_000,
        20..23 => FUTURE_MS,
        // A lone jump, which does not move the front.
        23 => now_ms + 10_800_000,
        _ => now_ms - random.below(50_000) as i64,
    };
    let kind = if random.permille(100) { "RETURN" } else { "ORDER" };
    let country = COUNTRIES[random.below(COUNTRIES.len() as u64) as usize];
    format!(
        r#"{{"invoice_no": {place}, "country": "{country}", "timestamp": {event_ms}, "type": "{kind}", "items": [{}]}}"#,
        items(random)
    )
}

fn items(random: &mut Random) -> String {
    let count = 1 + random.below(3);
    let item = |_| {
        // Without a price an invoice is rejected.
        let cents = (!random.permille(2)).then(|| random.below(10_000));
        let price = cents.map_or("null".to_owned(), |cents| format!("{}.{:02}", cents / 100, cents % 100));
        format!(r#"{{"unit_price": {price}, "quantity": {}}}"#, 1 + random.below(9))
    };
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_records_each_time() {
        assert_eq!(values(1_000, 7), values(1_000, 7));
        assert_ne!(values(1_000, 7), values(1_000, 8));
    }
}
