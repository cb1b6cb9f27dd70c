//! Letters read back as they were written, filters, and lines that are no letters.

use super::super::select::{OffsetRange, Selection};
use super::super::{DeadLetter, DeadLetters, RefusedBy};
use super::*;
use std::fs;
use weir_core::block::NO_TIMESTAMP;

fn written(letters: &[DeadLetter<'_>]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    let mut file = DeadLetters::open(path.clone(), None).unwrap();
    letters.iter().for_each(|letter| file.write(letter).unwrap());
    file.sync().unwrap();
    (folder, path)
}

fn letter(kind: DeadLetterKind, partition: u32, offset: i64, value: &[u8]) -> DeadLetter<'_> {
    DeadLetter {
        source_name: "invoices",
        partition,
        offset,
        timestamp_ms: NO_TIMESTAMP,
        kind,
        reason: "`items[0].quantity` is \"text\"",
        event_time_us: Some(0),
        arrival_us: None,
        refused_by: &[],
        value,
    }
}

fn all(path: &Path) -> (Vec<StoredLetter>, Vec<Unreadable>) {
    let mut letters = StoredLetters::open(path).unwrap();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while let Some(next) = letters.next_letter().unwrap() {
        match next {
            Ok((letter, _)) => good.push(letter),
            Err(wrong) => bad.push(wrong),
        }
    }
    (good, bad)
}

#[test]
fn what_was_written_is_read_back() {
    let refused_by = [RefusedBy { kpi: "sales", windows_refused: 1, windows_taken: 2 }];
    let long = "€".repeat(VALUE_BYTES_MAX);
    let (_folder, path) = written(&[
        letter(DeadLetterKind::Undecodable, 3, 123, b"{\"a\":\"\xff\"}"),
        DeadLetter { refused_by: &refused_by, ..letter(DeadLetterKind::Late, 0, 1, b"a\nb\"\x1b") },
        letter(DeadLetterKind::Rejected, 0, 2, long.as_bytes()),
        letter(DeadLetterKind::FutureDated, 0, 3, b""),
    ]);
    let (letters, wrong) = all(&path);
    assert_eq!((letters.len(), wrong.len()), (4, 0));
    assert_eq!((letters[0].name().as_str(), letters[0].value.as_slice()), ("invoices/3/123", &b"{\"a\":\"\xff\"}"[..]));
    assert_eq!(letters[0].event_time.as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(letters[1].value, b"a\nb\"\x1b");
    assert_eq!(letters[1].refused_by, [StoredRefusal { kpi: "sales".into(), windows_taken: 2 }]);
    assert_eq!(letters.iter().map(StoredLetter::is_cut).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(letters[2].sha256, sha256_text(long.as_bytes()));
    assert_eq!(letters[3].timestamp, None);
}

#[test]
fn half_a_letter_at_the_end_is_left_out_and_other_lines_are_told() {
    let (_folder, path) =
        written(&[letter(DeadLetterKind::Late, 0, 1, b"x"), letter(DeadLetterKind::Late, 0, 2, b"y")]);
    let text = fs::read_to_string(&path).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    for cut in [1, second.len() / 2, second.len() - 2] {
        fs::write(&path, format!("{first}\n{}", &second[..cut])).unwrap();
        let (letters, wrong) = all(&path);
        assert_eq!((letters.len(), wrong.len()), (1, 0), "cut at {cut}");
    }
    // Whole, only its line end is missing: an editor wrote it.
    fs::write(&path, format!("{first}\n{}", second.trim_end())).unwrap();
    assert_eq!(all(&path).0.len(), 2);
    let other = first.replace("\"late\"", "\"later\"");
    fs::write(&path, format!("{{\"a\":1}}\n{other}\n\n\u{0}\n{first}\n")).unwrap();
    let (letters, wrong) = all(&path);
    assert_eq!(letters.len(), 1);
    assert_eq!(wrong.iter().map(|wrong| wrong.line).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(wrong[0].reason.contains("missing field `topic`"), "{wrong:?}");
    assert!(wrong[1].reason.contains("there is no kind `later`"), "{wrong:?}");
    assert!(StoredLetters::open(&path.with_file_name("none")).is_err());
}

#[test]
fn any_bytes_are_letters_or_told() {
    let (_folder, path) = written(&[letter(DeadLetterKind::Late, 0, 1, b"x")]);
    let good = fs::read(&path).unwrap();
    for place in 0..good.len() - 1 {
        let mut bytes = good.clone();
        bytes[place] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let (letters, wrong) = all(&path);
        assert!(letters.len() + wrong.len() >= 1, "byte {place}");
    }
}

#[test]
fn filters_all_have_to_fit() {
    let refused_by = [RefusedBy { kpi: "sales", windows_refused: 1, windows_taken: 0 }];
    let (_folder, path) = written(&[
        letter(DeadLetterKind::Undecodable, 0, 4, b""),
        letter(DeadLetterKind::Undecodable, 1, 5, b""),
        DeadLetter { refused_by: &refused_by, reason: "its windows", ..letter(DeadLetterKind::Late, 1, 9, b"") },
    ]);
    let letters = all(&path).0;
    let offsets = |selection: Selection| {
        let taken = letters.iter().filter(|letter| selection.takes(letter));
        taken.map(|letter| letter.offset).collect::<Vec<_>>()
    };
    let none = Selection::default;
    assert_eq!(offsets(none()), [4, 5, 9]);
    assert_eq!(offsets(Selection { kinds: vec![DeadLetterKind::Late, DeadLetterKind::Rejected], ..none() }), [9]);
    assert_eq!(offsets(Selection { reason: Some("quantity".into()), partition: Some(1), ..none() }), [5]);
    assert_eq!(offsets(Selection { topic: Some("orders".into()), ..none() }), [0; 0]);
    assert_eq!(offsets(Selection { kpi: Some("sales".into()), ..none() }), [9]);
    for (typed, expected) in
        [("4..9", vec![4, 5]), ("5..", vec![5, 9]), ("..5", vec![4]), ("9", vec![9]), ("..", vec![4, 5, 9])]
    {
        assert_eq!(offsets(Selection { offsets: Some(typed.parse().unwrap()), ..none() }), expected, "{typed}");
    }
    for typed in ["", "a", "5..5", "9..4", "1..2..3"] {
        assert!(typed.parse::<OffsetRange>().is_err(), "{typed}");
    }
}

#[test]
fn mended_records_are_text_objects_or_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mended.jsonl");
    let long = "x".repeat(VALUE_BYTES_MAX);
    let lines = [
        r#"{"topic":"t","partition":0,"offset":1,"value":"{\"a\": 1}"}"#.to_owned(),
        r#"{"topic":"t","partition":0,"offset":2,"value":{"a": 1.10, "b":[]},"note":"by hand"}"#.to_owned(),
        String::new(),
        r#"{"topic":"t","partition":0,"offset":3,"length":3,"value_base64":"/w=="}"#.to_owned(),
        format!(r#"{{"topic":"t","partition":0,"offset":4,"length":65537,"value":"{long}"}}"#),
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let records = mended(&path).unwrap().unwrap();
    let values: Vec<&[u8]> = records.iter().take(3).map(|record| record.value.as_slice()).collect();
    assert_eq!(values, [&b"{\"a\": 1}"[..], b"{\"a\": 1.10, \"b\":[]}", b"\xff"]);
    assert_eq!(records.iter().map(|record| record.is_cut).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!((records[3].line, records[3].name.as_str()), (5, "t/0/4"));
    fs::write(&path, "{\"topic\":\"t\"}\n{\"topic\":\"t\",\"partition\":0,\"offset\":1}\n{\"topic").unwrap();
    let wrong = mended(&path).unwrap().unwrap_err();
    assert_eq!(wrong.iter().map(|wrong| wrong.line).collect::<Vec<_>>(), [1, 2, 3]);
}
