//! Heads written are read back; what was not written is refused.

use super::*;
use proptest::prelude::*;

fn line(start_us: i64, end_us: i64, revision: u64) -> Vec<u8> {
    let mut line = Vec::new();
    push_head(&mut line, start_us, end_us, revision);
    line.extend_from_slice(b",\"country\":\"x\",\"n\":1}");
    line
}

#[test]
fn what_was_not_written_is_refused() {
    let good = String::from_utf8(line(1_600_426_500_000_000, 1_600_426_560_000_000, 3)).unwrap();
    assert!(parse(good.as_bytes()).is_some());
    for (from, to) in [
        ("2020-09-18T10:55", "2020-9-18T10:55"),
        ("2020-09-18T10:55", "+2020-09-18T10:55"),
        ("2020-09-18T10:55", "02020-09-18T10:55"),
        ("2020-09-18T10:55", "2020-13-18T10:55"),
        ("2020-09-18T10:55", "2020-00-18T10:55"),
        ("2020-09-18T10:55", "2020-09-31T10:55"),
        ("2020-09-18T10:55", "2020-09-18T24:55"),
        ("2020-09-18T10:55", "2020-09-18 10:55"),
        ("2020-09-18T10:55", "2020-09-18T10:5x"),
        ("10:55:00.000Z", "10:55:60.000Z"),
        ("10:55:00.000Z", "10:55:00Z"),
        ("10:55:00.000Z", "10:55:00.000000Z"),
        ("10:55:00.000Z", "10:55:00.000"),
        ("\"revision\":3", "\"revision\":03"),
        ("\"revision\":3", "\"revision\":0"),
        ("\"revision\":3", "\"revision\":-3"),
        ("\"revision\":3", "\"revision\":"),
        ("\"revision\":3", "\"revision\":18446744073709551616"),
        ("{\"window\"", "{ \"window\""),
        ("\"start\"", "\"end\""),
        ("\"n\":1}", "\"n\":1"),
        ("},\"revision", "} ,\"revision"),
    ] {
        let wrong = good.replacen(from, to, 1);
        assert_ne!(wrong, good);
        assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
    }
    for cut in 0..good.len() {
        assert_eq!(parse(&good.as_bytes()[..cut]), None, "{}", &good[..cut]);
    }
}

#[test]
fn the_extremes_of_time_read_back() {
    for us in [i64::MIN, i64::MAX, -1, 0, -62_167_219_260_000_000, 253_402_300_800_000_000] {
        assert_eq!(parse(&line(us, us, 0)), Some(Head { start_us: us, end_us: us, revision: 0 }));
    }
}

proptest! {
    #[test]
    fn heads_read_back(start_us: i64, end_us: i64, revision in prop_oneof![Just(0), 1..100u64, any::<u64>()]) {
        prop_assert_eq!(parse(&line(start_us, end_us, revision)), Some(Head { start_us, end_us, revision }));
    }

    /// Whole milliseconds and minutes are what windows have, and have another form.
    #[test]
    fn heads_of_whole_minutes_read_back(minute in -1_000_000_000i64..1_000_000_000, ms in 0..60_000i64) {
        let (start_us, end_us) = (minute * 60_000_000, minute * 60_000_000 + ms * 1_000);
        prop_assert_eq!(parse(&line(start_us, end_us, 0)), Some(Head { start_us, end_us, revision: 0 }));
    }

    /// Nothing panics, and what is taken is what would be written.
    #[test]
    fn one_other_byte_is_refused_or_is_another_head(start_us: i64, place in 0..80usize, byte: u8) {
        let mut text = line(start_us, start_us.saturating_add(60_000_000), 7);
        let place = place % text.len();
        text[place] = byte;
        if let Some(head) = parse(&text) {
            let mut again = Vec::new();
            push_head(&mut again, head.start_us, head.end_us, head.revision);
            prop_assert!(text.starts_with(&again));
        }
    }
}
