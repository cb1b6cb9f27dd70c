//! Through the whole binary: the rows of the files, no secret in what it says, and exit codes.

use crate::common::{assert_code, run_to_end, tree, weir};
use crate::run::folder;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use weir_services::redis::Redis;

const PASSWORD: &str = "hunter2hunter2";

fn pipeline(folder: &Path, url: &str) -> PathBuf {
    let invoice = |minute: u32, country: &str, price: &str| {
        format!(
            "{{\"invoice_no\":1,\"country\":\"{country}\",\"timestamp\":\"2020-09-18 10:{minute:02}:30\",\"type\":\"ORDER\",\
             \"items\":[{{\"unit_price\":{price},\"quantity\":2}}]}}\n"
        )
    };
    let countries = ["France", "Germany", "United Kingdom"];
    let invoices: String = (0..50_u32).map(|n| invoice(n, countries[n as usize % 3], &format!("{n}.25"))).collect();
    fs::write(folder.join("in.jsonl"), invoices).unwrap();
    let text = format!(
        r#"
[pipeline]
name = "retail"
[source]
type = "file"
files = ["in.jsonl"]
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
max_out_of_orderness = "1m"
[[preprocess]]
plugin = "order-totals"
[[kpi]]
name = "sales"
plugin = "sales"
window = "tumbling 1m"
[[kpi]]
name = "sales-by-country"
plugin = "sales"
by = ["country"]
window = "tumbling 1m"
[[sink]]
type = "json-files"
path = "out"
[[sink]]
type = "redis"
name = "live"
url = "{url}"
[dead_letters]
path = "dead.jsonl"
[checkpoint]
path = "checkpoint"
"#
    );
    let path = folder.join("pipeline.toml");
    fs::write(&path, text).unwrap();
    path
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn redis_has_the_rows_of_the_files_and_nobody_the_password() {
    let redis = Redis::start_with_password(&folder("whole"), PASSWORD).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), &redis.url());
    let output = run_to_end(&pipeline, &[]);
    assert_code(&output, 0);
    assert!(!said(&output).contains("hunter2"), "{}", said(&output));
    let files = tree(&folder.path().join("out"));
    for kpi in ["sales", "sales-by-country"] {
        let of_files: BTreeSet<String> = files
            .iter()
            .filter(|(name, _)| name.starts_with(&format!("{kpi}/")))
            .flat_map(|(_, bytes)| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let starts = redis.command(&["ZRANGE", &format!("{{weir:retail}}:{kpi}:windows"), "0", "-1"]).unwrap();
        let rows = |start: &str| redis.command(&["HVALS", &format!("{{weir:retail}}:{kpi}:rows:{start}")]).unwrap();
        let of_redis: BTreeSet<String> =
            starts.lines().flat_map(|start| rows(start).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert!(of_files.len() >= 50, "{of_files:?}");
        assert_eq!(of_redis, of_files);
    }
    let checkpoint = tree(&folder.path().join("checkpoint"));
    assert!(checkpoint.values().all(|bytes| !bytes.windows(7).any(|part| part == b"hunter2")));
}

#[test]
fn a_wrong_password_and_a_wrong_address_stop_the_start_unseen() {
    let redis = Redis::start_with_password(&folder("wrong"), PASSWORD).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (url, word) in [
        (format!("redis://:hunter3hunter3@127.0.0.1:{}", redis.port()), "WRONGPASS"),
        (format!("redis://:hunter3hunter3@127.0.0.1:{}/none", redis.port()), "`url` can't be used"),
    ] {
        let output = run_to_end(&pipeline(folder.path(), &url), &[]);
        let said = said(&output);
        assert!(!output.status.success() && said.contains(word) && !said.contains("hunter"), "{said}");
    }
    let output = weir().args(["check"]).arg(pipeline(folder.path(), "redis://:hunter3@127.0.0.1:1")).output().unwrap();
    assert!(!said(&output).contains("hunter"), "{}", said(&output));
}
