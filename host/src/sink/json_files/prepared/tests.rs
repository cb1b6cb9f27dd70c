//! Bytes from a checkpoint are read back, or refused.

use super::*;

fn sample() -> Prepared {
    let window = |text: &[u8]| Window { start_us: -60, end_us: 0, revision: 2, text: text.into() };
    let attempt = Attempt { generation: 3, sequence: 9 };
    let saved = Saved {
        longest_us: 60,
        dropped_us: i64::MIN,
        open: vec![-600, 600],
        silent: vec![window(b"")],
        carried: vec![window(b"{}\n")],
    };
    let none = Saved { longest_us: 0, dropped_us: 7, open: vec![], silent: vec![], carried: vec![] };
    let changes = vec![
        Change { interval_us: -600, attempt, file: Some(Mark::of(b"rows")) },
        Change { interval_us: 0, attempt, file: None },
    ];
    Prepared {
        sequence: 9,
        settled_us: -5,
        interval_us: 600,
        kpis: vec![
            KpiFiles { name: "sales".to_owned(), changes, saved },
            KpiFiles { name: "é".to_owned(), changes: vec![], saved: none },
        ],
    }
}

#[test]
fn reads_back() {
    let prepared = sample();
    assert_eq!(Prepared::decode(&prepared.encode()).unwrap(), prepared);
}

#[test]
fn torn_or_longer_bytes_are_refused() {
    let mut bytes = sample().encode();
    for len in 0..bytes.len() {
        assert!(Prepared::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    bytes.push(0);
    assert!(Prepared::decode(&bytes).is_err());
}

#[test]
fn flipped_bytes_neither_panic_nor_take_memory() {
    let bytes = sample().encode();
    for place in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[place] ^= flip;
            let _ = Prepared::decode(&flipped);
        }
    }
}
