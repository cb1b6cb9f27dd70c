//! Packed files: whole, broken off and damaged.

use super::*;

#[test]
fn packing_is_told_by_the_first_bytes_and_may_have_many_parts() {
    let folder = TempDir::new().unwrap();
    let (left, right) = (b"\xef\xbb\xbfa\nb".as_slice(), b"c\n\nd".as_slice());
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let files = [
        write(&folder, "plain.gz", &[left, right].concat()),
        write(&folder, "members", &[gzip(left), gzip(right)].concat()),
        write(&folder, "frames.json", &[zstd_frame(left), zstd_frame(right)].concat()),
        write(&folder, "skippable.zst", &[skippable, zstd_frame(left), zstd_frame(right)].concat()),
    ];
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let (records, error) = read_all(&FileSource::open(settings(&paths)).unwrap(), 2, &[]);
    assert_eq!(error, None);
    assert_eq!(records, vec![owned(&[(0, "a"), (1, "bc"), (3, "d")]); 4]);
}

#[test]
fn a_broken_off_packed_file_hands_over_its_whole_lines_and_then_says_where() {
    let folder = TempDir::new().unwrap();
    let text = numbered(100_000);
    for (name, packed) in [("a.gz", gzip(text.as_bytes())), ("a.zst", zstd_frame(text.as_bytes()))] {
        let half = packed.len() / 2;
        let path = write(&folder, name, &packed[..half]);
        let (records, error) = read_all(&FileSource::open(settings(&[&path])).unwrap(), 1000, &[]);
        let error = error.unwrap();
        assert!(error.contains(&format!("{name} breaks off at byte {half}")), "{error}");
        assert!(records[0].iter().all(|(offset, text)| *text == format!("{{\"n\": {offset}}}")));
        assert!(records[0].len() > 1000, "{}", records[0].len());
    }
}

#[test]
fn a_packed_file_cut_within_its_first_bytes_is_lost_not_plain() {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in [("a.gz", gzip(b"a")), ("a.zst", zstd_frame(b"a"))] {
        for len in 1..bytes.len() {
            let path = write(&folder, name, &bytes[..len]);
            let source = FileSource::open(settings(&[&path])).unwrap();
            let opened = Source::open(&source, &[Assignment { partition: 0, offset: None, epoch: None }]);
            let failed = match opened {
                Err(error) => error,
                Ok(mut reader) => reader.next(10, WAIT).unwrap_err(),
            };
            assert!(matches!(&failed, SourceError::Lost(text) if text.contains(name)), "{name} {len}: {failed}");
        }
    }
}

#[test]
fn a_corrupt_packed_file_is_lost() {
    let folder = TempDir::new().unwrap();
    let text = numbered(100_000);
    for (name, mut packed) in [("a.gz", gzip(text.as_bytes())), ("a.zst", zstd_frame(text.as_bytes()))] {
        let middle = packed.len() / 2;
        packed[middle..middle + 64].fill(0xff);
        let path = write(&folder, name, &packed);
        let (_, error) = read_all(&FileSource::open(settings(&[&path])).unwrap(), 1000, &[]);
        assert!(error.unwrap().contains(name));
    }
}
