//! The whole program into a real PostgreSQL: its tables hold what the JSON files hold, to the last digit, also when it is killed on
//! the way, and the server too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, run_to_end, weir};
use retail::{dealt, file_pipeline, invoices, rows, shuffled};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use weir_services::postgres::Postgres;

const TIME: &str = "max_out_of_orderness = \"2m\"\nallowed_lateness = \"1h\"\nmax_time_jump = \"off\"";

/// A pipeline into files and tables.
fn pipeline(folder: &Path, server: &Postgres, more: &str) -> PathBuf {
    let records = shuffled(invoices(), 1200, 3);
    let path = file_pipeline(folder, &dealt(&records, 4), TIME, "tumbling 1m");
    let text = std::fs::read_to_string(&path).unwrap();
    let sink = format!("[[sink]]\ntype = \"postgres\"\nurl = \"{}\"\n{more}\n", server.url());
    std::fs::write(&path, text + &sink).unwrap();
    path
}

/// The rows of `sales-by-country` in the table, written as the JSON rows are.
fn table(server: &Postgres) -> Vec<BTreeMap<String, String>> {
    let sql = "select to_char(window_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
               to_char(window_end at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), revision, country, \"OPM\", \
               trim_scale(total_sale_volume), rate_of_return from sales_by_country";
    let row = |line: &str| {
        let values: Vec<&str> = line.split('|').collect();
        let mut row = BTreeMap::from([
            ("window".to_owned(), format!("{{\"start\":\"{}\",\"end\":\"{}\"}}", values[0], values[1])),
            ("country".to_owned(), format!("\"{}\"", values[3])),
            ("OPM".to_owned(), values[4].to_owned()),
            ("total_sale_volume".to_owned(), values[5].to_owned()),
            ("rate_of_return".to_owned(), float(values[6])),
        ]);
        if values[2] != "0" {
            row.insert("revision".to_owned(), values[2].to_owned());
        }
        row
    };
    let mut rows: Vec<_> = server.query(sql).unwrap().lines().map(row).collect();
    rows.sort();
    rows
}

/// The epoch that the tables hold; 0 before there are any.
fn epoch(server: &Postgres) -> u64 {
    server.query("select epoch from weir_epochs").ok().and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0)
}

/// The shortest text of each float, whoever wrote it.
fn float(text: &str) -> String {
    text.parse::<f64>().unwrap().to_string()
}

fn assert_same(pipeline: &Path, server: &Postgres) {
    let mut files = rows(&common::tree(&pipeline.with_file_name("out")), "sales-by-country");
    files.iter_mut().for_each(|row| *row.get_mut("rate_of_return").unwrap() = float(&row["rate_of_return"]));
    files.sort();
    let table = table(server);
    assert!(files.iter().any(|row| row.contains_key("revision")), "the test needs revisions");
    assert_eq!((table.len(), server.query("select count(*) from sales").unwrap().trim() == "0"), (files.len(), false));
    for (got, want) in table.iter().zip(&files) {
        assert_eq!(got, want);
    }
}

#[test]
fn tables_hold_what_the_files_hold() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&folder.path().join("server")).unwrap_or_else(|error| panic!("{error}"));
    let path = pipeline(folder.path(), &server, "");
    let output = run_to_end(&path, &[]);
    assert_code(&output, 0);
    assert_same(&path, &server);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains(server.password()), "{said}");
}

#[test]
fn kills_of_the_program_and_of_the_server_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Postgres::start(&folder.path().join("server")).unwrap_or_else(|error| panic!("{error}"));
    let path = pipeline(folder.path(), &server, "[checkpoint]\npath = \"checkpoint\"\ninterval = \"20ms\"");
    let text = std::fs::read_to_string(&path).unwrap();
    // Some seconds long, so that kills fall into it.
    std::fs::write(&path, text.replace("files = [\"p*.jsonl\"]", "files = [\"p*.jsonl\"]\nrate = 4000")).unwrap();
    for round in 0..4 {
        let mut run = weir();
        run.args(["--log", "error", "run", "--until-end", "--view", "off"]).arg(&path);
        let (mut run, begun) = (run.spawn().unwrap(), epoch(&server));
        // Some epochs on, wherever that is: each time at another point of one.
        let until = Instant::now() + Duration::from_secs(60);
        while epoch(&server) < begun + 3 {
            assert!(Instant::now() < until && run.try_wait().unwrap().is_none(), "round {round}: nothing is committed");
            std::thread::sleep(Duration::from_millis(17));
        }
        if round % 2 == 1 {
            server.kill();
            std::thread::sleep(Duration::from_millis(600));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        if round % 2 == 1 {
            server.restart().unwrap();
        }
    }
    assert_code(&run_to_end(&path, &[]), 0);
    assert_same(&path, &server);
}

#[test]
fn a_start_with_a_wrong_password_does_not_end_the_run_that_goes_well() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&folder.path().join("server")).unwrap_or_else(|error| panic!("{error}"));
    let path = pipeline(folder.path(), &server, "[checkpoint]\npath = \"checkpoint\"\ninterval = \"20ms\"");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("files = [\"p*.jsonl\"]", "files = [\"p*.jsonl\"]\nrate = 4000");
    std::fs::write(&path, &text).unwrap();
    let mut well = weir();
    well.args(["--log", "error", "run", "--until-end", "--view", "off"]).arg(&path);
    let mut well = well.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while epoch(&server) < 3 {
        assert!(Instant::now() < until && well.try_wait().unwrap().is_none(), "nothing is committed");
        std::thread::sleep(Duration::from_millis(17));
    }
    let wrong = path.with_file_name("wrong.toml");
    std::fs::write(&wrong, text.replace(server.password(), "wrong")).unwrap();
    let output = run_to_end(&wrong, &[]);
    assert_code(&output, 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("password"), "{said}");
    assert!(well.wait().unwrap().success());
    assert_same(&path, &server);
}
