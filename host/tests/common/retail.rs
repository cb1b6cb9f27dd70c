//! The real invoices, cut into partitions and brought into disorder, and the comparison with the exact KPIs.

#![allow(dead_code, reason = "each test binary uses its part")]

use crate::common::{self, report, root, run_to_end, tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The invoices, one a line, in event-time order.
pub fn invoices() -> Vec<Vec<u8>> {
    lines("invoices.jsonl.zst")
}

/// Lines of a file of `data/online-retail`.
pub fn lines(name: &str) -> Vec<Vec<u8>> {
    let packed = fs::read(root().join("data/online-retail").join(name)).unwrap();
    let text = zstd::decode_all(packed.as_slice()).unwrap();
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014): a seeded sequence that is the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Event time of an invoice, seconds within its order of months and days; enough to sort and to compare within days.
fn seconds(line: &[u8]) -> u64 {
    let at = line.windows(13).position(|part| part == b"\"timestamp\": ").unwrap() + 14;
    let digits =
        |from: usize, to: usize| std::str::from_utf8(&line[at + from..at + to]).unwrap().parse::<u64>().unwrap();
    let (year, month, day) = (digits(0, 4), digits(5, 7), digits(8, 10));
    (((year * 12 + month) * 31 + day) * 24 + digits(11, 13)) * 3600 + digits(14, 16) * 60 + digits(17, 19)
}

/// Moves each record behind others by less than `spread_seconds` of event time.
pub fn shuffled(mut records: Vec<Vec<u8>>, spread_seconds: u64, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    records.sort_by_cached_key(|line| seconds(line) + random.below(spread_seconds));
    records
}

/// Deals records to partitions in turn.
pub fn dealt(records: &[Vec<u8>], partitions: usize) -> Vec<Vec<Vec<u8>>> {
    (0..partitions).map(|place| records.iter().skip(place).step_by(partitions).cloned().collect()).collect()
}

/// A pipeline file over these partitions, in a folder; `source` is the body of `[source]`, `time` that of `[time]`.
pub fn pipeline(folder: &Path, source: &str, time: &str, window: &str) -> PathBuf {
    let text = format!(
        r#"
[pipeline]
name = "retail"
[source]
{source}
[schema]
format = "json"
fields.invoice_no = "int64"
fields.country = "text"
fields.timestamp = {{ type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "UTC" }}
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"
[time]
column = "timestamp"
{time}
[[preprocess]]
plugin = "order-totals"
[[kpi]]
name = "sales"
plugin = "sales"
window = "{window}"
[[kpi]]
name = "sales-by-country"
plugin = "sales"
by = ["country"]
window = "{window}"
outputs = ["OPM", "total_sale_volume", "rate_of_return"]
[[sink]]
type = "json-files"
path = "out"
[dead_letters]
path = "dead.jsonl"
"#
    );
    let path = folder.join("pipeline.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Writes partitions as files and a pipeline over them.
pub fn file_pipeline(folder: &Path, partitions: &[Vec<Vec<u8>>], time: &str, window: &str) -> PathBuf {
    for (place, records) in partitions.iter().enumerate() {
        fs::write(folder.join(format!("p{place}.jsonl")), records.join(&b'\n')).unwrap();
    }
    pipeline(folder, "type = \"file\"\nfiles = [\"p*.jsonl\"]", time, window)
}

/// Output files of a run, and the ledger of its report.
pub fn outcome(pipeline: &Path, arguments: &[&str]) -> (BTreeMap<String, Vec<u8>>, String) {
    let out = pipeline.with_file_name("out");
    let _ = fs::remove_dir_all(&out);
    common::assert_code(&run_to_end(pipeline, arguments), 0);
    let report = report(pipeline);
    assert_eq!(report["balanced"], true, "{report:#}");
    let parts = ["read", "undecodable", "future_dated", "rejected", "filtered", "kept", "kpis"];
    let ledger = parts.map(|part| format!("{part} {}", report[part])).join("\n");
    (tree(&out), ledger)
}

/// A row as compared: the text of every value, decimals without padding.
type Row = BTreeMap<String, String>;

fn row(line: &[u8]) -> Row {
    let text = std::str::from_utf8(line).unwrap();
    let fields: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(text).unwrap();
    let value = |name: &str, raw: &str| {
        let raw = raw.replace(": ", ":").replace(", ", ",");
        if name == "total_sale_volume" && raw.contains('.') {
            return raw.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        raw
    };
    fields.into_iter().map(|(name, raw)| (name.clone(), value(&name, raw.get()))).collect()
}

/// All rows of one KPI's files.
pub fn rows(files: &BTreeMap<String, Vec<u8>>, kpi: &str) -> Vec<Row> {
    let prefix = format!("{kpi}/");
    let mut rows = Vec::new();
    for (_, content) in files.iter().filter(|(name, _)| name.starts_with(&prefix)) {
        rows.extend(content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(row));
    }
    rows.sort();
    rows
}

/// Compares with expected lines: every value, to the last digit.
pub fn assert_rows(files: &BTreeMap<String, Vec<u8>>, kpi: &str, expected: &[Vec<u8>]) {
    let mut expected: Vec<Row> = expected.iter().map(|line| row(line)).collect();
    expected.sort();
    let rows = rows(files, kpi);
    assert_eq!(rows.len(), expected.len(), "rows of {kpi}");
    for (got, want) in rows.iter().zip(&expected) {
        assert_eq!(got, want, "{kpi}");
    }
}
