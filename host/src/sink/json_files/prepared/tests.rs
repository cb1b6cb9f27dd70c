//! Bytes from a checkpoint are read back, or refused.

use super::*;

fn sample() -> Prepared {
    let window = Window { start_us: -60, end_us: 0, revision: 2, text: b"{}\n"[..].into() };
    let kept = Saved { longest_us: 60, dropped_us: i64::MIN, windows: vec![window] };
    let none = Saved { longest_us: 0, dropped_us: 7, windows: vec![] };
    Prepared {
        sequence: 9,
        settled_us: -5,
        interval_us: 600,
        kpis: vec![
            KpiFiles { name: "sales".to_owned(), written: vec![-600, 0], removed: vec![600], kept },
            KpiFiles { name: "é".to_owned(), written: vec![], removed: vec![], kept: none },
        ],
    }
}

#[test]
fn reads_back() {
    let prepared = sample();
    let bytes = prepared.encode();
    assert_eq!(Prepared::decode(&bytes, true).unwrap(), prepared);
    let files = Prepared::decode(&bytes, false).unwrap();
    assert_eq!(files.kpis[0].written, [-600, 0]);
    assert!(files.kpis[0].kept.windows.is_empty());
}

#[test]
fn torn_or_longer_bytes_are_refused() {
    let mut bytes = sample().encode();
    for len in 0..bytes.len() {
        assert!(Prepared::decode(&bytes[..len], true).is_err(), "{len} bytes");
    }
    bytes.push(0);
    assert!(Prepared::decode(&bytes, true).is_err());
}

#[test]
fn flipped_bytes_neither_panic_nor_take_memory() {
    let bytes = sample().encode();
    for place in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[place] ^= flip;
            let _ = Prepared::decode(&flipped, true);
        }
    }
}
