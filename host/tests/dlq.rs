//! `weir dlq` as a user meets it, without a broker: what is shown, and records into files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use common::{assert_code, root, weir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

const SHA: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn letter(partition: u32, offset: i64, kind: &str, more: &str) -> String {
    format!(
        "{{\"topic\":\"invoices\",\"partition\":{partition},\"offset\":{offset},\"timestamp\":null,\"kind\":\"{kind}\",{more},\"length\":3,\
         \"sha256\":\"{SHA}\",\"value\":\"abc\"}}\n"
    )
}

/// Three undecodable ones, one rejected, one late, and half a one that is being written.
fn letters(folder: &Path) -> PathBuf {
    let path = folder.join("dead.jsonl");
    let bad = |offset| letter(0, offset, "undecodable", "\"reason\":\"`quantity` is \\\"\\u001b[31m\\\"\"");
    let rejected = letter(1, 7, "rejected", "\"reason\":\"no price\"");
    let late = "\"reason\":\"its windows had ended\",\"event_time\":\"2020-09-18T10:55:00.000Z\",\
                \"refused_by\":[{\"kpi\":\"sales\",\"windows_refused\":1,\"windows_taken\":0}]";
    let text = bad(1) + &bad(2) + &bad(3) + &rejected + &letter(1, 9, "late", late);
    fs::write(&path, text + "{\"topic\":\"invoices\",\"parti").unwrap();
    path
}

fn dlq(command: &str, file: &Path, arguments: &[&str]) -> Output {
    weir().args(["--log", "warn", "dlq", command]).arg(file).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_table_counts_values_and_letters() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let table = dlq("show", &path, &[]);
    assert_code(&table, 0);
    let text = out(&table);
    assert!(text.starts_with("KIND ") && text.ends_with("5 letters\n"), "{text}");
    assert!(
        text.contains("invoices/1/9") && text.contains("2020-09-18T10:55:00.000Z") && text.contains("(sales)"),
        "{text}"
    );
    assert!(text.contains("\\u{1b}[31m") && !text.contains('\u{1b}'), "what steers a terminal is escaped:\n{text}");

    let summary = out(&dlq("show", &path, &["--summary"]));
    assert!(summary.lines().next().unwrap().trim_start().starts_with("3  undecodable"), "{summary}");
    assert_eq!(out(&dlq("show", &path, &["--values", "--offset", "..3"])), "abc\nabc\n");
    assert_eq!(out(&dlq("show", &path, &["--json", "--kpi", "sales"])).lines().count(), 1);
    assert_eq!(
        out(&dlq("show", &path, &["--values", "--partition", "1", "--kind", "late", "--kind", "rejected"])),
        "abc\nabc\n"
    );
    assert_eq!(out(&dlq("show", &path, &["--values", "--limit", "4"])).lines().count(), 4);
    assert_eq!(out(&dlq("show", &path, &["--topic", "orders"])), "0 letters\n");
}

#[test]
fn a_broken_line_is_told_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("not a letter\n{text}")).unwrap();
    let output = dlq("show", &path, &[]);
    assert_code(&output, 1);
    assert!(
        out(&output).contains("5 letters") && told(&output).contains("dead.jsonl:1: not a letter"),
        "{}",
        told(&output)
    );
    assert_code(&dlq("show", &folder.path().join("none"), &[]), 1);
    assert_code(&dlq("show", &path, &["--offset", "9..1"]), 2);
    assert_code(&dlq("show", &path, &["--kind", "dead"]), 2);
    assert_code(&dlq("show", &path, &["--values", "--summary"]), 2);
}

#[test]
fn records_go_into_a_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let again = folder.path().join("again.jsonl");
    let to = ["--out", again.to_str().unwrap()];
    let dry = dlq("replay", &path, &[&to[..], &["--dry-run"]].concat());
    assert_code(&dry, 0);
    assert!(out(&dry).contains("would feed 5 records") && !again.exists(), "{}", out(&dry));
    assert!(!folder.path().join("dead.jsonl.replayed").exists());

    assert_code(&dlq("replay", &path, &[&to[..], &["--kind", "undecodable", "--limit", "2"]].concat()), 0);
    assert_eq!(fs::read_to_string(&again).unwrap(), "abc\nabc\n");
    let taken = dlq("replay", &path, &to);
    assert_code(&taken, 1);
    assert!(told(&taken).contains("it is there already"), "{}", told(&taken));
    let rest = folder.path().join("rest.jsonl");
    let output = dlq("replay", &path, &["--out", rest.to_str().unwrap()]);
    assert_code(&output, 0);
    assert!(out(&output).contains("fed 3 records") && out(&output).contains("2 fed before"), "{}", out(&output));
    assert!(
        out(&output).contains("1 late record among them") && out(&output).contains("allowed_lateness"),
        "{}",
        out(&output)
    );
    assert_eq!(fs::read_to_string(&rest).unwrap().lines().count(), 3);
    let none = dlq("replay", &path, &["--out", folder.path().join("none").to_str().unwrap()]);
    assert!(out(&none).contains("fed 0 records") && !folder.path().join("none").exists(), "{}", out(&none));
}

/// The journal's last lines are those that a crash after the rename would not have written; before it, the file is still aside.
#[test]
fn a_crash_between_file_and_journal_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    assert_code(&dlq("replay", &path, &["--limit", "2", "--out", first.to_str().unwrap()]), 0);
    let journal = folder.path().join("dead.jsonl.replayed");
    let text = fs::read_to_string(&journal).unwrap();
    let intent = text.lines().next().unwrap().to_owned() + "\n";
    fs::write(&journal, &intent).unwrap();
    let dry = dlq("replay", &path, &["--out", second.to_str().unwrap(), "--dry-run"]);
    assert_code(&dry, 2);
    let output = dlq("replay", &path, &["--out", second.to_str().unwrap()]);
    assert_code(&output, 0);
    assert!(out(&output).contains("had fed 2 records") && out(&output).contains("fed 3 records"), "{}", out(&output));

    fs::write(&journal, &intent).unwrap();
    let call = intent.split('"').nth(5).unwrap();
    fs::rename(&first, folder.path().join(format!("first.{call}.aside"))).unwrap();
    let third = folder.path().join("third");
    let output = dlq("replay", &path, &["--out", third.to_str().unwrap()]);
    assert_code(&output, 0);
    assert!(out(&output).contains("fed 5 records"), "{}", out(&output));
    assert!(!folder.path().join(format!("first.{call}.aside")).exists());
}

#[test]
fn mended_records_alone_are_fed() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let mended = folder.path().join("mended.jsonl");
    let lines = [
        "{\"topic\":\"invoices\",\"partition\":0,\"offset\":2,\"value\":{\"quantity\": 6}}",
        "{\"topic\":\"invoices\",\"partition\":0,\"offset\":3,\"value\":\"abc\"}",
        "{\"topic\":\"invoices\",\"partition\":9,\"offset\":3,\"value\":\"abc\"}",
    ];
    fs::write(&mended, lines.join("\n")).unwrap();
    let again = folder.path().join("again");
    let output = dlq("replay", &path, &["--mended", mended.to_str().unwrap(), "--out", again.to_str().unwrap()]);
    assert_code(&output, 1);
    assert!(told(&output).contains("invoices/9/3: not fed: it is mended, but no letter"), "{}", told(&output));
    assert!(out(&output).contains("1 mended, but unchanged"), "{}", out(&output));
    assert_eq!(fs::read_to_string(&again).unwrap(), "{\"quantity\": 6}\n");
    fs::write(&mended, "{\"topic\":\"invoices\"}\n").unwrap();
    let output = dlq("replay", &path, &["--mended", mended.to_str().unwrap(), "--out", "x"]);
    assert_code(&output, 2);
    assert!(told(&output).contains("mended.jsonl:1:"), "{}", told(&output));
}

#[test]
fn what_can_not_be_a_line_and_cut_letters_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    let value = |offset: i64, value: &str, length: usize| {
        format!(
            "{{\"topic\":\"t\",\"partition\":0,\"offset\":{offset},\"timestamp\":null,\"kind\":\"rejected\",\"reason\":\"x\",\
             \"length\":{length},\"sha256\":\"{SHA}\",\"value\":\"{value}\"}}\n"
        )
    };
    fs::write(&path, value(1, "{\\n}", 3) + &value(2, "{\\n", 2) + &value(3, "ab", 70_000) + &value(4, "", 0)).unwrap();
    let again = folder.path().join("again");
    let output = dlq("replay", &path, &["--out", again.to_str().unwrap()]);
    assert_code(&output, 1);
    for part in [
        "t/0/2: not fed: it holds a line end",
        "t/0/3: not fed: the letter holds the first 2 of 70000",
        "t/0/4: not fed",
    ] {
        assert!(told(&output).contains(part), "`{part}` is missing in {}", told(&output));
    }
    assert_eq!(fs::read_to_string(&again).unwrap(), "{ }\n");
}

#[test]
fn a_pipeline_without_a_topic_and_wrong_targets_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = letters(folder.path());
    let pipeline = root().join("tests/cases/tumbling/pipeline.toml");
    let output = dlq("replay", &path, &["--pipeline", pipeline.to_str().unwrap()]);
    assert_code(&output, 2);
    assert!(told(&output).contains("--out"), "{}", told(&output));
    assert_code(&dlq("replay", &path, &[]), 2);
    assert_code(&dlq("replay", &path, &["--topic", "t"]), 2);
    assert_code(&dlq("replay", &path, &["--topic", "t", "--out", "x", "--brokers", "b"]), 2);
    let unset = ["--topic", "t", "--brokers", "127.0.0.1:1", "--property", "sasl.password=${WEIR_NOT_SET}"];
    let output = dlq("replay", &path, &unset);
    assert_code(&output, 2);
    assert!(told(&output).contains("WEIR_NOT_SET is not set"), "{}", told(&output));
    let wrong = ["--topic", "t", "--brokers", "127.0.0.1:1", "--property", "sasl.passwort=hunter2"];
    let output = dlq("replay", &path, &wrong);
    assert_code(&output, 1);
    assert!(told(&output).contains("sasl.passwort") && !told(&output).contains("hunter2"), "{}", told(&output));
    let help = out(&weir().args(["dlq", "replay", "--help"]).output().unwrap());
    assert!(help.contains("Examples") && help.contains("--mended") && help.contains("Exit codes"), "{help}");
}
