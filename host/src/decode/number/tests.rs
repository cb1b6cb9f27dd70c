use super::*;
use crate::decode::tests::{Random, scaled};

fn digits(random: &mut Random, most: usize, out: &mut String) {
    let len = 1 + random.below(most);
    let filler = random.pick(&["0", "9", "5", "mixed"]);
    for _ in 0..len {
        match filler {
            "mixed" => out.push((b'0' + random.below(10) as u8) as char),
            same => out.push_str(if random.below(10) == 0 { "5" } else { same }),
        }
    }
}

/// Numbers of every length around the widths where the way changes: 19 and 38 digits.
#[test]
fn exact_against_digits_as_text() {
    let mut random = Random(11);
    let mut in_range = 0;
    for _ in 0..100_000 {
        let mut text = random.pick(&["", "-"]).to_owned();
        let most = random.pick(&[1, 3, 20, 45]);
        let mut integer = String::new();
        digits(&mut random, most, &mut integer);
        let integer = integer.trim_start_matches('0');
        text.push_str(if integer.is_empty() { "0" } else { integer });
        if random.below(2) == 0 {
            text.push('.');
            let most = random.pick(&[2, 20, 45]);
            digits(&mut random, most, &mut text);
        }
        if random.below(2) == 0 {
            text.push_str(random.pick(&["e", "E", "e+", "e-", "e-"]));
            let end = random.pick(&[5, 25, 60, 100_000]);
            text.push_str(&random.below(end).to_string());
        }
        let (number, end) = Number::scan(text.as_bytes(), 0).unwrap();
        assert_eq!(end, text.len());
        for scale in [0, 1, 4, 18] {
            let expected = scaled(&text, scale, false);
            assert_eq!(number.scaled(scale, Rounding::HalfEven).ok(), expected, "{text} at {scale}");
            in_range += usize::from(expected.is_some_and(|value| value != 0));
            let exact = number.scaled(scale, Rounding::Exact).ok();
            assert_eq!(exact, scaled(&text, scale, true), "{text} at {scale}");
            let floor = number.scaled(scale, Rounding::Floor);
            if let (Some(exact), Ok(floor)) = (exact, floor) {
                assert_eq!(exact, floor, "{text} at {scale}");
            }
            if let (Some(near), Ok(floor)) = (expected, floor) {
                assert!(near == floor || near == floor + 1, "{text} at {scale}");
            }
        }
        let float: f64 = text.parse().unwrap();
        let given = number.float();
        assert_eq!(given.map(f64::to_bits), Some(float).filter(|float| float.is_finite()).map(f64::to_bits), "{text}");
    }
    assert!(in_range > 50_000);
}

#[test]
fn floors() {
    let cases = [
        ("1.9999999", 1_999_999),
        ("-1.9999999", -2_000_000),
        ("-1e-99", -1),
        ("1e-99", 0),
        ("-0.0", 0),
        ("-5", -5_000_000),
    ];
    for (text, expected) in cases {
        let (number, _) = Number::scan(text.as_bytes(), 0).unwrap();
        assert_eq!(number.scaled(6, Rounding::Floor), Ok(expected), "{text}");
    }
}

#[test]
fn stops_after_the_number() {
    for (text, end) in [("1,2", 1), ("-0}", 2), ("1.5e3 ", 5), ("7e-2]", 4)] {
        assert_eq!(Number::scan(text.as_bytes(), 0).unwrap().1, end);
    }
    assert_eq!(Number::scan(b"[15.38]", 1).unwrap().1, 6);
}
