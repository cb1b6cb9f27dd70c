//! Messages to the byte.

use super::*;
use crate::sink::test_rows::{Row, closed, schema, table, window};
use std::sync::Arc;

const GERMANY: Row = (Some("Germany"), 1, 614_600, 0.0);
const NOWHERE: Row = (None, 2, 50_000, 0.5);

fn rendered(closed: &[Closed]) -> Vec<u8> {
    let mut render = Messages::new(vec![schema("sales-by-country", 1)]);
    let mut bytes = Vec::new();
    closed.iter().for_each(|closed| render.render(&mut bytes, closed).unwrap());
    bytes
}

#[test]
fn a_row_is_a_message_with_a_key_of_its_own() {
    let bytes =
        rendered(&[closed(1, 0, 0, &[GERMANY, NOWHERE]), closed(1, 1, 3, &[GERMANY]), closed(0, 1, 0, &[GERMANY])]);
    let messages = messages(&bytes).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(
        messages.iter().map(|message| text(message.key)).collect::<Vec<_>>(),
        [
            "{\"kpi\":\"sales-by-country\",\"window_start\":\"2020-09-18T10:50:00.000Z\",\"group\":{\"country\":\"Germany\"}}",
            "{\"kpi\":\"sales-by-country\",\"window_start\":\"2020-09-18T10:50:00.000Z\",\"group\":{\"country\":null}}",
            "{\"kpi\":\"sales-by-country\",\"window_start\":\"2020-09-18T10:51:00.000Z\",\"group\":{\"country\":\"Germany\"}}",
        ]
    );
    assert_eq!(
        text(messages[0].value),
        "{\"window\":{\"start\":\"2020-09-18T10:50:00.000Z\",\"end\":\"2020-09-18T10:51:00.000Z\"},\"country\":\"Germany\",\"OPM\":1,\
         \"total_sale_volume\":61.46,\"rate_of_return\":0.0}"
    );
    assert!(text(messages[2].value).contains("\"revision\":3"));
    let of = |message: &Message<'_>| (message.kpi.to_owned(), message.window_start.clone(), message.revision);
    assert_eq!(of(&messages[2]), ("sales-by-country".into(), "2020-09-18T10:51:00.000Z".into(), 3));
}

#[test]
fn several_rows_of_a_group_and_none_at_all() {
    let bytes = rendered(&[closed(1, 0, 0, &[GERMANY, GERMANY, NOWHERE, NOWHERE])]);
    let ends: Vec<bool> =
        messages(&bytes).unwrap().iter().map(|message| message.key.ends_with(b",\"row\":1}")).collect();
    assert_eq!(ends, [false, true, false, true]);
    let unavailable = window(2, 0, WindowContent::Unavailable("it broke\nbadly".into()));
    let bytes = rendered(&[Closed { kpi: 1, windows: vec![unavailable], table: Arc::new(table(&[])) }]);
    let messages = messages(&bytes).unwrap();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].key.ends_with(b",\"group\":{}}"));
    assert!(messages[0].value.ends_with(b"\"unavailable\":\"it broke\\nbadly\"}"));
}

#[test]
fn bytes_that_are_cut_are_refused() {
    let bytes = rendered(&[closed(1, 0, 0, &[GERMANY])]);
    for len in 1..bytes.len() {
        assert!(messages(&bytes[..len]).is_err(), "{len}");
    }
    assert!(messages(&[]).unwrap().is_empty());
}
