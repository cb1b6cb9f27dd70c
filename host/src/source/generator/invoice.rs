//! One invoice as text: what a shop's till would send. It knows the tables to draw from and a record's number, nothing else.

use super::GeneratorSettings;
use super::broken::{self, BROKEN_KINDS};
use super::random::Random;
use std::io::Write;

const COUNTRIES: [&str; 40] = [
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Netherlands",
    "Belgium",
    "Switzerland",
    "Portugal",
    "Australia",
    "Norway",
    "Italy",
    "Channel Islands",
    "Finland",
    "Cyprus",
    "Sweden",
    "Austria",
    "Denmark",
    "Japan",
    "Poland",
    "USA",
    "Israel",
    "Unspecified",
    "Singapore",
    "Iceland",
    "Canada",
    "Greece",
    "Malta",
    "United Arab Emirates",
    "European Community",
    "RSA",
    "Lebanon",
    "Lithuania",
    "Brazil",
    "Czech Republic",
    "Bahrain",
    "Saudi Arabia",
    "Hong Kong",
    "Mexico",
    "New Zealand",
];
const WORDS: [&str; 28] = [
    "WHITE", "RED", "BLUE", "GREEN", "VINTAGE", "RETRO", "METAL", "WOODEN", "GLASS", "KNITTED", "HANGING", "HEART",
    "LANTERN", "HOLDER", "BOTTLE", "BAG", "CAKE", "STAND", "FRAME", "CLOCK", "CANDLE", "SET", "PAPER", "PARTY",
    "BUNTING", "MUG", "PLATE", "TRAY",
];
/// Items in an invoice: 2.75 in the mean.
const ITEM_COUNTS: [usize; 8] = [1, 2, 2, 3, 3, 3, 4, 4];
const QUANTITIES: [u32; 8] = [1, 2, 3, 4, 6, 8, 12, 24];
const PRODUCTS: u64 = 2048;
const FIRST_INVOICE_NO: u64 = 1_000_000;
const MINUTE_US: i128 = 60_000_000;
const HOUR_US: i128 = 3_600_000_000;

/// The tables of one seed.
#[derive(Debug)]
pub(super) struct Invoices {
    settings: GeneratorSettings,
    /// `products × quantities` items, ready to be copied.
    items: Vec<String>,
    /// How much of all weight the countries up to each have, of 2^32.
    country_ends: Vec<u64>,
}

impl Invoices {
    /// Draws the products; the countries are weighted like Zipf's law, the n-th by 1/n.
    pub(super) fn new(settings: &GeneratorSettings) -> Invoices {
        let mut random = Random::of(settings.seed, u64::MAX);
        let mut items = Vec::new();
        for product in 0..PRODUCTS {
            let words = 4 + random.below(4);
            let title: Vec<&str> = (0..words).map(|_| WORDS[random.below(WORDS.len() as u64) as usize]).collect();
            let cents = 19 + random.below(1977);
            let letter = b"ABCDE"[(product % 5) as usize] as char;
            items.extend(QUANTITIES.map(|quantity| item(10_000 + product, letter, &title.join(" "), cents, quantity)));
        }
        let total: f64 = (1..=COUNTRIES.len()).map(|rank| 1.0 / rank as f64).sum();
        let ends = (1..=COUNTRIES.len()).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64 / total;
            Some((*sum * (1_u64 << 32) as f64) as u64)
        });
        Invoices { settings: settings.clone(), items, country_ends: ends.collect() }
    }

    /// Appends record `number`.
    pub(super) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let mut random = Random::of(self.settings.seed, number);
        let mut stamp = Vec::with_capacity(19);
        write_timestamp(self.event_us(number, &mut random), &mut stamp);
        if random.chance(self.settings.broken_share) {
            broken::write(random.below(BROKEN_KINDS.len() as u64) as usize, number, &stamp, out);
            return;
        }
        let kind = if random.below(16) == 0 { "RETURN" } else { "ORDER" };
        let country = COUNTRIES[self.country(&mut random)];
        out.extend_from_slice(b"{\"invoice_no\": ");
        append(out, format_args!("{}", FIRST_INVOICE_NO + number));
        for text in [", \"country\": \"", country, "\", \"timestamp\": \""] {
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&stamp);
        for text in ["\", \"type\": \"", kind, "\", \"items\": ["] {
            out.extend_from_slice(text.as_bytes());
        }
        for place in 0..ITEM_COUNTS[random.below(8) as usize] {
            out.extend_from_slice(if place == 0 { b"" } else { b", " });
            out.extend_from_slice(self.items[random.below(self.items.len() as u64) as usize].as_bytes());
        }
        out.extend_from_slice(b"]}");
    }

    /// When the record happened: its place in the stream, less its disorder but never before the first, less an hour if late.
    fn event_us(&self, number: u64, random: &mut Random) -> i64 {
        let settings = &self.settings;
        let place = i128::from(number) * MINUTE_US / i128::from(settings.records_per_minute);
        let behind = i128::from(random.below(settings.disorder_us as u64 + 1));
        let late = if random.chance(settings.late_share) { HOUR_US } else { 0 };
        let event = i128::from(settings.start_us) + (place - behind).max(0) - late;
        i64::try_from(event).unwrap_or(i64::MAX)
    }

    fn country(&self, random: &mut Random) -> usize {
        let drawn = random.below(1 << 32);
        self.country_ends.partition_point(|end| *end <= drawn).min(COUNTRIES.len() - 1)
    }
}

fn item(sku: u64, letter: char, title: &str, cents: u64, quantity: u32) -> String {
    // As a float would be written: 7.57, 15.5, 3.0.
    let price = match cents % 100 {
        0 => format!("{}.0", cents / 100),
        rest if rest % 10 == 0 => format!("{}.{}", cents / 100, rest / 10),
        rest => format!("{}.{rest:02}", cents / 100),
    };
    format!("{{\"SKU\": \"{sku}{letter}\", \"title\": \"{title}\", \"unit_price\": {price}, \"quantity\": {quantity}}}")
}

/// `2010-12-01 00:00:04`, UTC, rounded down to the second.
///
/// Days to date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn write_timestamp(event_us: i64, out: &mut Vec<u8>) {
    let second = event_us.div_euclid(1_000_000);
    let (day, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    append(out, format_args!("{year:04}-{month:02}-{day_of_month:02} {hour:02}:{minute:02}:{second:02}"));
}

/// Writing to a vector can't fail.
pub(super) fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::write_timestamp;

    #[test]
    fn timestamps_fit_the_calendar() {
        for (second, text) in [
            (0, "1970-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (1_291_161_604, "2010-12-01 00:00:04"),
            (951_782_400, "2000-02-29 00:00:00"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ] {
            let mut out = Vec::new();
            write_timestamp(second * 1_000_000 + 999_999, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
