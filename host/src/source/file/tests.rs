//! The file source on real files: what a line is, how packed files are read, resuming, turns and errors.

mod packed;

use super::*;
use crate::source::ReadEvent;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const WAIT: Duration = Duration::from_millis(50);

fn settings(files: &[&Path]) -> FileSettings {
    FileSettings {
        files: files.iter().map(|path| path.display().to_string()).collect(),
        rate: None,
        line_bytes_max: LINE_BYTES_MAX,
        clock: || 42,
    }
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, as the command-line tool writes it; without one damage may go unseen.
fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Offset and text of every record of every partition, and in the end the error if there was one.
fn read_all(source: &FileSource, max: usize, begin: &[Option<i64>]) -> (Vec<Vec<(i64, String)>>, Option<String>) {
    let count = source.partitions().len();
    let assigned: Vec<Assignment> = (0..count)
        .map(|place| Assignment { partition: place as u32, offset: begin.get(place).copied().flatten(), epoch: None })
        .collect();
    let mut reader = Source::open(source, &assigned).unwrap();
    let mut records = vec![Vec::new(); count];
    let mut ended = vec![false; count];
    while !ended.iter().all(|ended| *ended) {
        match reader.next(max, WAIT) {
            Ok(ReadEvent::Block(block)) => {
                assert!(!block.records.is_empty() && block.records.len() <= max);
                assert!(!ended[block.partition as usize]);
                for (index, record) in block.records.iter().enumerate() {
                    assert_eq!((record.arrival_us, record.timestamp_ms), (42, weir_core::block::NO_TIMESTAMP));
                    let text = String::from_utf8_lossy(block.value(index)).into_owned();
                    records[block.partition as usize].push((record.offset, text));
                }
            }
            Ok(ReadEvent::Ended { partition }) => {
                assert!(!std::mem::replace(&mut ended[partition as usize], true), "ended twice");
                assert!(reader.confirm_caught_up(partition));
                assert_eq!(Some(reader.bytes_read(partition)), source.partitions()[partition as usize].bytes);
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => return (records, Some(error.to_string())),
        }
    }
    let before = Instant::now();
    assert!(matches!(reader.next(max, Duration::from_secs(60)), Ok(ReadEvent::Nothing)));
    assert!(before.elapsed() < Duration::from_secs(10), "all ended, yet it waited");
    (records, None)
}

fn read_one(bytes: &[u8]) -> Vec<(i64, String)> {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "in.jsonl", bytes);
    let source = FileSource::open(settings(&[&path])).unwrap();
    let (mut records, error) = read_all(&source, 3, &[]);
    assert_eq!(error, None);
    records.remove(0)
}

fn owned(records: &[(i64, &str)]) -> Vec<(i64, String)> {
    records.iter().map(|(offset, text)| (*offset, (*text).to_owned())).collect()
}

fn numbered(count: usize) -> String {
    (0..count).map(|number| format!("{{\"n\": {number}}}\n")).collect()
}

#[test]
fn a_line_is_a_record_and_blank_lines_only_count() {
    assert_eq!(read_one(b"a\n\n b \r\n \t\r\n\r\nc"), owned(&[(0, "a"), (2, " b "), (5, "c")]));
    assert_eq!(read_one(b"a\rb\n\"\xff\"\nc\r\r\n"), owned(&[(0, "a\rb"), (1, "\"\u{fffd}\""), (2, "c\r")]));
}

#[test]
fn files_without_records_end_at_once() {
    for bytes in [b"".as_slice(), b"\n", b"\n\r\n  ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"] {
        assert_eq!(read_one(bytes), []);
    }
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_very_start_only() {
    assert_eq!(read_one(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n"), owned(&[(0, "a"), (1, "\u{feff}b")]));
}

#[test]
fn many_pieces_give_the_same_records_at_any_block_size() {
    let folder = TempDir::new().unwrap();
    let text = numbered(300_000);
    let files = [
        write(&folder, "a", text.as_bytes()),
        write(&folder, "b", &gzip(text.as_bytes())),
        write(&folder, "c", &zstd_frame(text.as_bytes())),
    ];
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let source = FileSource::open(settings(&paths)).unwrap();
    let expected: Vec<(i64, String)> =
        text.lines().map(str::to_owned).enumerate().map(|(n, line)| (n as i64, line)).collect();
    for max in [1, 7, 8192, usize::MAX] {
        let (records, error) = read_all(&source, max, &[]);
        assert_eq!(error, None);
        assert!(records.iter().all(|records| *records == expected), "{max}");
    }
}

#[test]
fn a_line_above_the_bound_is_one_cut_record_and_harms_no_neighbour() {
    let folder = TempDir::new().unwrap();
    let mut wanted = settings(&[]);
    wanted.line_bytes_max = 10;
    let long = "x".repeat(3 << 20);
    let text = format!("a\n0123456789\r\n01234567890\n{long}\nb\n{long}");
    wanted.files = vec![write(&folder, "in", text.as_bytes()).display().to_string()];
    let source = FileSource::open(wanted).unwrap();
    let expected =
        owned(&[(0, "a"), (1, "0123456789"), (2, "01234567890"), (3, "xxxxxxxxxxx"), (4, "b"), (5, "xxxxxxxxxxx")]);
    for max in [1, 2, 100] {
        assert_eq!(read_all(&source, max, &[]), (vec![expected.clone()], None));
    }
    assert_eq!(read_all(&source, 2, &[Some(4)]), (vec![expected[4..].to_vec()], None));
}

#[test]
fn a_long_line_under_the_bound_is_whole() {
    let long = "y".repeat((5 << 20) + 3);
    assert_eq!(read_one(format!("a\n{long}\nb").as_bytes()), owned(&[(0, "a"), (1, &long), (2, "b")]));
}

#[test]
fn reading_begins_at_the_line_of_the_checkpoint() {
    let folder = TempDir::new().unwrap();
    let text = format!("\n\n{}", numbered(50_000));
    let path = write(&folder, "in.zst", &zstd_frame(text.as_bytes()));
    let source = FileSource::open(settings(&[&path])).unwrap();
    let (all, _) = read_all(&source, 512, &[]);
    for begin in [0, 1, 2, 3, 777, 50_001, 50_002] {
        let (records, error) = read_all(&source, 512, &[Some(begin)]);
        assert_eq!(error, None);
        let expected: Vec<_> = all[0].iter().filter(|(offset, _)| *offset >= begin).cloned().collect();
        assert_eq!(records[0], expected, "{begin}");
    }
    let (_, error) = read_all(&source, 512, &[Some(50_003)]);
    let error = error.unwrap();
    assert!(error.contains("has 50002 lines, but the checkpoint has read 50003"), "{error}");
}

#[test]
fn files_get_turns() {
    let folder = TempDir::new().unwrap();
    let paths = [write(&folder, "a", numbered(100).as_bytes()), write(&folder, "b", numbered(100).as_bytes())];
    let source = FileSource::open(settings(&[&paths[0], &paths[1]])).unwrap();
    let assigned = [0, 1].map(|partition| Assignment { partition, offset: None, epoch: None });
    let mut reader = Source::open(&source, &assigned).unwrap();
    let turns: Vec<u32> = (0..8)
        .map(|_| match reader.next(10, WAIT).unwrap() {
            ReadEvent::Block(block) => block.partition,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(turns, [0, 1, 0, 1, 0, 1, 0, 1]);
}

#[test]
fn patterns_are_sorted_within_their_place_in_the_list() {
    let folder = TempDir::new().unwrap();
    for name in ["b2", "b10", "b1", "a", "c[1]"] {
        write(&folder, name, b"x\n");
    }
    std::fs::create_dir(folder.path().join("b-folder")).unwrap();
    let named = [folder.path().join("c[1]"), folder.path().join("b*"), folder.path().join("a")];
    let source = FileSource::open(settings(&[&named[0], &named[1], &named[2]])).unwrap();
    let names: Vec<&str> = source.partitions().iter().map(|part| part.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["c[1]", "b1", "b10", "b2", "a"]);
    assert_eq!(source.partitions()[3].id, 3);
    assert_eq!(source.partitions()[3].bytes, Some(2));
}

#[test]
fn what_cannot_be_read_is_told_before_the_start() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "a.jsonl", b"x\n");
    let link = folder.path().join("link.jsonl");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    let told = |files: &[&Path]| match FileSource::open(settings(files)) {
        Err(SourceError::Setting(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(told(&[&in_folder("gone.jsonl")]).starts_with("there is no file "));
    assert!(told(&[&in_folder("gone-*.jsonl")]).starts_with("no file matches "));
    assert!(told(&[&in_folder("a[.jsonl")]).contains("is not a pattern"));
    assert!(told(&[folder.path()]).contains("is a folder"));
    assert!(told(&[Path::new("/dev/null")]).contains("not a regular file"));
    assert!(told(&[&file, &in_folder("a*")]).contains("is named twice"));
    assert!(told(&[&file, &link]).contains("is named twice"));
    assert!(told(&[&file, &file]).contains("is named twice"));
    assert!(told(&[]).contains("no files are named"));
}

#[test]
fn a_rate_paces_over_all_files_of_all_readers() {
    let folder = TempDir::new().unwrap();
    let paths = [write(&folder, "a", numbered(60).as_bytes()), write(&folder, "b", numbered(60).as_bytes())];
    let mut wanted = settings(&[&paths[0], &paths[1]]);
    wanted.rate = Some(300.0);
    let source = FileSource::open(wanted).unwrap();
    let mut readers =
        [0, 1].map(|partition| Source::open(&source, &[Assignment { partition, offset: None, epoch: None }]).unwrap());
    let begun = Instant::now();
    let (mut came, mut ended) = (0, 0);
    while ended < 2 {
        for reader in &mut readers {
            match reader.next(8192, Duration::from_millis(5)).unwrap() {
                ReadEvent::Block(block) => came += block.records.len(),
                ReadEvent::Ended { .. } => ended += 1,
                _ => {}
            }
        }
    }
    assert_eq!(came, 120);
    // 120 records at 300 a second are 0.4 s, less a burst of 15.
    assert!(begun.elapsed() > Duration::from_millis(340), "{:?}", begun.elapsed());
}
