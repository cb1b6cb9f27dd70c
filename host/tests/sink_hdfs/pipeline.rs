//! The binary with an `hdfs` sink beside a local one: the same files, also over kill -9.

use super::common::{assert_code, run_to_end, tree, weir};
use super::*;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

fn pipeline(folder: &Path, url: &str, path: &str, rate: &str) -> PathBuf {
    let text = format!(
        r#"
[pipeline]
name = "retail"
workers = 2
[source]
type = "generator"
partitions = 2
records = 8000
records_per_minute = 200
disorder = "30s"
late_share = 0.01
{rate}
[schema]
fields.country = "text"
fields.timestamp = {{ type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "UTC" }}
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"
[time]
column = "timestamp"
max_out_of_orderness = "1m"
allowed_lateness = "2h"
[[preprocess]]
plugin = "order-totals"
[[kpi]]
name = "sales"
plugin = "sales"
by = ["country"]
window = "tumbling 1m"
[[sink]]
type = "json-files"
path = "out"
[[sink]]
type = "hdfs"
url = "{url}"
path = "{path}"
[checkpoint]
path = "checkpoint"
interval = "300ms"
"#
    );
    let file = folder.join("pipeline.toml");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn checking_connects_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = pipeline(folder.path(), "hdfs://127.0.0.1:1", "/kpis", "");
    assert_code(&weir().arg("check").arg(&file).output().unwrap(), 0);
}

#[test]
fn the_same_files_as_on_a_local_disk_over_kills() {
    let service = service();
    let whole = tempfile::tempdir().unwrap();
    let file = pipeline(whole.path(), &service.url(), "/pipeline/whole", "");
    assert_code(&run_to_end(&file, &[]), 0);
    let expected = published(&service, "/pipeline/whole");
    assert!(expected.len() > 3);

    let folder = tempfile::tempdir().unwrap();
    let file = pipeline(folder.path(), &service.url(), "/pipeline/killed", "rate = 1000");
    let mut killed = 0;
    let began = Instant::now();
    while killed < 3 && began.elapsed() < Duration::from_secs(120) {
        let mut run = weir();
        run.args(["run", "--until-end", "--view", "off"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        thread::sleep(Duration::from_millis(2_500));
        if run.try_wait().unwrap().is_some() {
            break;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        killed += 1;
    }
    assert!(killed > 0, "it ended too soon to be killed");
    assert_code(&run_to_end(&file, &[]), 0);
    assert_eq!(published(&service, "/pipeline/killed"), expected);
    let local = tree(&folder.path().join("out/sales"));
    let local = local.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap()));
    assert_eq!(local.collect::<BTreeMap<_, _>>(), expected);
}
