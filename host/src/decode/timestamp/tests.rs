use super::*;
use crate::decode::tests::Random;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

fn format(format: &str, zone: &str) -> TimestampReader {
    TimestampReader::new(&TimestampForm::Format { format: format.into(), zone: zone.into() }).unwrap()
}

fn rfc3339() -> TimestampReader {
    TimestampReader::new(&TimestampForm::Rfc3339).unwrap()
}

/// Each text as microseconds, or `None`.
fn check(reader: &mut TimestampReader, cases: &[(&str, Option<&str>)]) {
    for (text, expected) in cases {
        let expected = expected.map(|utc| {
            let stamp: DateTime = utc.parse().unwrap();
            (stamp.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_micros()) as i64
        });
        // Twice, for the caches.
        assert_eq!(reader.text(text.as_bytes()).ok(), expected, "{text}");
        assert_eq!(reader.text(text.as_bytes()).ok(), expected, "{text}");
    }
}

#[test]
fn seconds_of_a_clock() {
    let cases = [
        ("2010-12-01 00:00:03", Some("2010-12-01T00:00:03")),
        ("2010-12-01 00:00:59", Some("2010-12-01T00:00:59")),
        ("2010-12-01 00:00:60", None),
        ("2010-12-01 00:00:0a", None),
        ("2010-12-01 00:00.03", None),
        ("1969-12-31 23:59:59", Some("1969-12-31T23:59:59")),
        ("0001-01-01 00:00:00", Some("0001-01-01T00:00:00")),
        ("0000-12-31 23:59:59", None),
        ("9999-12-31 23:59:59", Some("9999-12-31T23:59:59")),
        ("2012-02-29 00:00:00", Some("2012-02-29T00:00:00")),
        ("2011-02-29 00:00:00", None),
        ("1900-02-29 00:00:00", None),
        ("2000-02-29 00:00:00", Some("2000-02-29T00:00:00")),
        ("2010-00-01 00:00:00", None),
        ("2010-13-01 00:00:00", None),
        ("2010-04-31 00:00:00", None),
        ("2010-01-00 00:00:00", None),
        ("2010-12-01 24:00:00", None),
        ("2010-12-01 23:60:00", None),
        ("2010-12-01T00:00:00", None),
        ("2010/12/01 00:00:00", None),
        ("2010-12-1 00:00:00", None),
        ("2010-12-01 0:00:00", None),
        ("2010-12-01  00:00:0", None),
        (" 2010-12-01 00:00:00", None),
        ("2010-12-01 00:00:00 ", None),
        ("2010-12-01 00:00:00Z", None),
        ("2010-12-01 00:00:00.5", None),
        ("2010-12-01 00:00", None),
        ("10-12-01 00:00:00", None),
        ("+2010-12-01 00:00:00", None),
        ("２010-12-01 00:00:00", None),
        ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0:00", None),
        ("", None),
    ];
    check(&mut format("%Y-%m-%d %H:%M:%S", "UTC"), &cases);
    check(&mut format("%F %T", "UTC"), &cases);
    let east = [
        ("2010-12-01 00:30:00", Some("2010-11-30T22:30:00")),
        ("0001-01-01 01:59:59", None),
        ("0001-01-01 02:00:00", Some("0001-01-01T00:00:00")),
    ];
    check(&mut format("%F %T", "+02:00"), &east);
    let west = [
        ("2010-12-01 00:30:00", Some("2010-12-01T06:00:00")),
        ("9999-12-31 18:30:00", None),
        ("9999-12-31 18:29:59", Some("9999-12-31T23:59:59")),
    ];
    check(&mut format("%F %T", "-05:30"), &west);
}

#[test]
fn zones_by_name() {
    let berlin = [
        ("2024-01-15 12:00:00", Some("2024-01-15T11:00:00")),
        ("2024-07-15 12:00:00", Some("2024-07-15T10:00:00")),
        // The gap: 02:00 to 03:00 moves to 03:00 to 04:00 summer time.
        ("2024-03-31 01:59:59", Some("2024-03-31T00:59:59")),
        ("2024-03-31 02:00:00", Some("2024-03-31T01:00:00")),
        ("2024-03-31 02:30:00", Some("2024-03-31T01:30:00")),
        ("2024-03-31 03:00:00", Some("2024-03-31T01:00:00")),
        // The fold: 02:00 to 03:00 is the earlier, summer time.
        ("2024-10-27 01:59:59", Some("2024-10-26T23:59:59")),
        ("2024-10-27 02:30:00", Some("2024-10-27T00:30:00")),
        ("2024-10-27 03:00:00", Some("2024-10-27T02:00:00")),
        ("9999-12-31 23:59:59", Some("9999-12-31T22:59:59")),
        ("0001-01-01 00:00:00", None),
    ];
    check(&mut format("%Y-%m-%d %H:%M:%S", "Europe/Berlin"), &berlin);
    // A whole day that never was.
    let apia =
        [("2011-12-30 12:00:00", Some("2011-12-30T22:00:00")), ("2011-12-31 12:00:00", Some("2011-12-30T22:00:00"))];
    check(&mut format("%Y-%m-%d %H:%M:%S", "Pacific/Apia"), &apia);
}

/// The remembered offset is the one that jiff gives, at every distance from a transition.
#[test]
fn zones_agree_with_jiff() {
    let mut random = Random(3);
    for name in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Europe/Amsterdam",
        "Asia/Kolkata",
    ] {
        let (mut zone, jiff) = (Zone::new(name).unwrap(), TimeZone::get(name).unwrap());
        let mut civil_s = 0;
        for _ in 0..20_000 {
            civil_s = match random.below(50) {
                0 => random.below(8_000_000_000) as i64 - 4_000_000_000,
                _ => civil_s + random.below(200_000) as i64 - 90_000,
            };
            let civil =
                DateTime::constant(1970, 1, 1, 0, 0, 0, 0).saturating_add(jiff::SignedDuration::from_secs(civil_s));
            let expected = jiff.to_ambiguous_timestamp(civil).compatible().unwrap().as_second();
            assert_eq!(civil_s - i64::from(zone.offset_s(civil_s)), expected, "{name} {civil}");
        }
    }
}

#[test]
fn every_day_agrees_with_jiff() {
    let first = DateTime::constant(1, 1, 1, 0, 0, 0, 0);
    let mut reader = format("%Y-%m-%d", "UTC");
    let mut expected = MICROS_MIN;
    for day in (0..3_652_059).step_by(13) {
        let civil = first.checked_add(jiff::Span::new().days(day)).unwrap();
        expected = MICROS_MIN + day * 86_400_000_000;
        assert_eq!(reader.text(civil.date().to_string().as_bytes()), Ok(expected), "{civil}");
    }
    assert!(MICROS_MAX - expected < 14 * 86_400_000_000);
}

#[test]
fn rfc_3339() {
    let cases = [
        ("2010-12-01T00:00:03Z", Some("2010-12-01T00:00:03")),
        ("2010-12-01t00:00:03z", Some("2010-12-01T00:00:03")),
        ("2010-12-01T00:00:03+02:00", Some("2010-11-30T22:00:03")),
        ("2010-12-01T00:00:03-00:00", Some("2010-12-01T00:00:03")),
        ("2010-12-01T00:00:03.5-05:30", Some("2010-12-01T05:30:03.5")),
        ("2010-12-01T00:00:03.123456Z", Some("2010-12-01T00:00:03.123456")),
        ("2010-12-01T00:00:03.123456999999999999999Z", Some("2010-12-01T00:00:03.123456")),
        ("1969-12-31T23:59:59.9999999Z", Some("1969-12-31T23:59:59.999999")),
        ("2010-12-01 00:00:03Z", None),
        ("2010-12-01T00:00:03", None),
        ("2010-12-01T00:00:03.Z", None),
        ("2010-12-01T00:00:03,5Z", None),
        ("2010-12-01T00:00:03+02", None),
        ("2010-12-01T00:00:03+0200", None),
        ("2010-12-01T00:00:03+24:00", None),
        ("2010-12-01T00:00:03+02:60", None),
        ("2010-12-01T00:00:03 +02:00", None),
        ("2010-12-01T00:00:60Z", None),
        ("2016-12-31T23:59:60Z", None),
        ("2010-12-01T24:00:00Z", None),
        ("2010-12-01T00:00Z", None),
        ("2010-12-01T00:00:03Z ", None),
        ("20101201T000003Z", None),
        ("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999")),
        ("9999-12-31T23:59:59-00:01", None),
        ("0001-01-01T00:00:00+00:01", None),
        ("0000-01-01T00:00:00Z", None),
    ];
    check(&mut rfc3339(), &cases);
}

const UTC: Option<&str> = Some("2010-09-05T19:07:08");
const MINUTE: Option<&str> = Some("2010-09-05T19:07:00");

/// A format, a text, and the time that it is.
const FORMATS: &[(&str, &str, Option<&str>)] = &[
    ("%d/%m/%Y %H:%M:%S", "05/09/2010 19:07:08", UTC),
    ("%d/%m/%Y %H:%M:%S", "5/9/2010 19:07:08", None),
    ("%-m/%-d/%Y %-H:%M", "9/5/2010 19:07", MINUTE),
    ("%-m/%-d/%Y %-H:%M", "09/5/2010 19:07", None),
    ("%m/%d/%y %I:%M:%S %p", "09/05/10 07:07:08 PM", UTC),
    ("%m/%d/%y %I:%M:%S %p", "09/05/10 07:07:08 pm", None),
    ("%m/%d/%y %I:%M:%S %P", "09/05/10 07:07:08 pm", UTC),
    ("%m/%d/%y %I:%M:%S %p", "09/05/10 19:07:08 PM", None),
    ("%m/%d/%y %I:%M:%S %p", "09/05/10 00:07:08 PM", None),
    ("%D %I %p", "09/05/10 12 AM", Some("2010-09-05T00:00:00")),
    ("%D %I %p", "09/05/69 12 PM", Some("1969-09-05T12:00:00")),
    ("%D %I %p", "09/05/68 12 PM", Some("2068-09-05T12:00:00")),
    ("%e %b %Y %T", " 5 Sep 2010 19:07:08", UTC),
    ("%e %b %Y %T", "05 Sep 2010 19:07:08", None),
    ("%e %b %Y %T", " 5 sep 2010 19:07:08", None),
    ("%A, %d %B %Y %T", "Sunday, 05 September 2010 19:07:08", UTC),
    ("%A, %d %B %Y %T", "Monday, 05 September 2010 19:07:08", None),
    ("%a %d %B %Y %T", "Sun 05 September 2010 19:07:08", UTC),
    ("%Y%m%d%H%M%S", "20100905190708", UTC),
    ("%Y%m%d%H%M%S", "2010090519070", None),
    ("%Y%m%d%H%M%S", "201009051907080", None),
    ("%Y.%j %R", "2010.248 19:07", MINUTE),
    ("%Y.%j", "2010.366", None),
    ("%Y.%j", "2012.366", Some("2012-12-31T00:00:00")),
    ("%Y.%j", "2012.000", None),
    ("%FT%T.%fZ", "2010-09-05T19:07:08.5Z", Some("2010-09-05T19:07:08.5")),
    ("%FT%T.%fZ", "2010-09-05T19:07:08.Z", None),
    ("%FT%T.%fZ", "2010-09-05T19:07:08.1234567890Z", None),
    ("%FT%T%.f", "2010-09-05T19:07:08", UTC),
    ("%FT%T%.f", "2010-09-05T19:07:08.123456789", Some("2010-09-05T19:07:08.123456")),
    ("%FT%T%.f", "2010-09-05T19:07:08.", None),
    ("%FT%T%.3f", "2010-09-05T19:07:08.123", Some("2010-09-05T19:07:08.123")),
    ("%FT%T%.3f", "2010-09-05T19:07:08.12", None),
    ("%FT%T%.3f", "2010-09-05T19:07:08.1234", None),
    ("%F %T.%6f", "2010-09-05 19:07:08.000009", Some("2010-09-05T19:07:08.000009")),
    ("%F %T%z", "2010-09-05 21:07:08+0200", UTC),
    ("%F %T%z", "2010-09-05 21:07:08+02:00", None),
    ("%F %T%z", "2010-09-05 21:07:08Z", None),
    ("%F %T %:z", "2010-09-05 16:07:08 -03:00", UTC),
    ("%A %F %T", "Sunday 2010-09-05 19:07:08", UTC),
    ("%F %T %A", "2010-09-05 19:07:08 Sunday", UTC),
    ("%F %T %A", "2010-09-05 19:07:08 Friday", None),
    ("%k:%M %F", " 7:07 2010-09-05", Some("2010-09-05T07:07:00")),
    ("%%%F%n%t", "%2010-09-05\n\t", Some("2010-09-05T00:00:00")),
    ("år %Y-%m-%d", "år 2010-09-05", Some("2010-09-05T00:00:00")),
];

#[test]
fn formats() {
    for (pattern, text, expected) in FORMATS {
        check(&mut format(pattern, "UTC"), &[(text, *expected)]);
    }
    // An offset in the text wins over the zone.
    check(&mut format("%F %T%z", "Europe/Berlin"), &[("2010-09-05 21:07:08+0200", UTC)]);
}

#[test]
fn formats_that_make_no_time() {
    let cases = [
        ("%H:%M:%S", "lacks a date"),
        ("", "lacks a date"),
        ("%Y-%m", "lacks a date"),
        ("%Y-%m-%d %Q", "the directive `%Q`, which can't be read"),
        ("%Y-%m-%d %:Q", "the directive `%:Q`"),
        ("%Y-%m-%d %-Y", "the directive `%-Y`"),
        ("%Y-%m-%d %é", "the directive `%é`"),
        ("%Y-%m-%d %", "ends with a lone `%`"),
        ("%Y-%m-%d %d", "has the day twice"),
        ("%F %y", "has the year twice"),
        ("%Y-%m-%d %j", "both the day of the year"),
        ("%F %M", "a minute without"),
        ("%F %H:%S", "a second without"),
        ("%F %R%.f", "a fraction without"),
        ("%F %I", "only one of `%I` and `%p`"),
        ("%F %H %p", "both of 24 and of 12"),
        ("%F %T%.12f", "a fraction of `12` digits"),
        ("%F %T%0f", "a fraction of `0` digits"),
    ];
    for (format, part) in cases {
        let form = TimestampForm::Format { format: format.into(), zone: "UTC".into() };
        let error = TimestampReader::new(&form).unwrap_err();
        assert!(error.contains(part), "{format}: {error}");
    }
    for zone in ["+2", "+02:00x", "+24:00", "+02:60", "", "Nowhere", "02:00", "-"] {
        let form = TimestampForm::Format { format: "%F".into(), zone: zone.into() };
        assert!(TimestampReader::new(&form).is_err(), "{zone}");
    }
}

#[test]
fn epochs() {
    let number = |form: &TimestampForm, text: &str| {
        let (number, _) = Number::scan(text.as_bytes(), 0).unwrap();
        TimestampReader::new(form).unwrap().number(&number)
    };
    let (s, ms, us) = (TimestampForm::EpochSeconds, TimestampForm::EpochMillis, TimestampForm::EpochMicros);
    assert_eq!(number(&s, "1732221111"), Ok(1_732_221_111_000_000));
    assert_eq!(number(&s, "1732221111.1234567"), Ok(1_732_221_111_123_456));
    assert_eq!(number(&s, "1.7322211111234567e9"), Ok(1_732_221_111_123_456));
    assert_eq!(number(&s, "-0.0000001"), Ok(-1));
    assert_eq!(number(&ms, "1732221111123.5"), Ok(1_732_221_111_123_500));
    assert_eq!(number(&us, "1732221111123456"), Ok(1_732_221_111_123_456));
    assert_eq!(number(&us, "1732221111123456.0"), Ok(1_732_221_111_123_456));
    assert_eq!(number(&us, "1732221111123456.5"), Err(NOT_WHOLE));
    assert_eq!(number(&s, "253402300799.999999999"), Ok(MICROS_MAX));
    assert_eq!(number(&s, "253402300800"), Err(OUT_OF_RANGE));
    assert_eq!(number(&s, "-62135596800"), Ok(MICROS_MIN));
    assert_eq!(number(&s, "-62135596800.0000001"), Err(OUT_OF_RANGE));
    assert_eq!(number(&s, "1e999999999999"), Err(OUT_OF_RANGE));
}
