//! Windows are replaced whole, in the highest revision, and epochs count once.

use super::support::*;
use crate::sink::test_rows::{closed, window};
use crate::sink::{Claim, Resume, Sink};
use std::sync::Arc;
use weir_core::results::{Closed, ResultTable, WindowContent};

#[test]
fn rows_are_there_with_their_window_after_the_commit() {
    let place = place("basics");
    let mut sink = place.sink(1);
    let rows = [(None, 1, -5, 0.5), (Some("Germany"), 2, 614_600, 0.0)];
    sink.accept(&closed(0, 0, 0, &rows)).unwrap();
    let prepared = sink.prepare(1).unwrap();
    assert!(place.rows("*").is_empty());
    sink.commit(1, &prepared.bytes).unwrap();
    assert!(sink.finish(LONG).unwrap());
    assert_eq!(
        place.rows("*"),
        [
            "2020-09-18 10:50:00+00|2020-09-18 10:51:00+00|0|0||1|-0.0005|0.5|",
            "2020-09-18 10:50:00+00|2020-09-18 10:51:00+00|0|1|Germany|2|61.4600|0|",
        ]
    );
    assert_eq!(
        place.sql("select pipeline, sink, lineage, generation, epoch from basics.weir_epochs").trim(),
        "retail|db|a|1|1"
    );
}

#[test]
fn a_higher_or_equal_revision_replaces_a_window_and_a_lower_one_changes_nothing() {
    let place = place("revisions");
    let mut sink = place.sink(1);
    let rows = |place: &Place<'_>| place.rows("revision, country, \"OPM\"");
    deliver(&mut sink, 1, &[closed(0, 0, 1, &[(Some("Germany"), 1, 0, 0.0), (Some("Spain"), 2, 0, 0.0)])]);
    // Spain has no rows any more.
    deliver(&mut sink, 2, &[closed(0, 0, 2, &[(None, 5, 0, 0.0), (Some("Germany"), 3, 0, 0.0)])]);
    assert_eq!(rows(&place), ["2||5", "2|Germany|3"]);
    deliver(&mut sink, 3, &[closed(0, 0, 1, &[(Some("Spain"), 9, 0, 0.0)]), closed(0, 1, 0, &[(None, 7, 0, 0.0)])]);
    assert_eq!(rows(&place), ["2||5", "2|Germany|3", "0||7"]);
    deliver(&mut sink, 4, &[closed(0, 0, 2, &[(Some("Spain"), 4, 0, 0.0)])]);
    assert_eq!(rows(&place), ["2|Spain|4", "0||7"]);
    // A window whose groups are all gone.
    deliver(&mut sink, 5, &[closed(0, 0, 3, &[])]);
    assert_eq!(rows(&place), ["0||7"]);
}

#[test]
fn within_an_epoch_the_highest_revision_counts() {
    let place = place("one_epoch");
    let mut sink = place.sink(1);
    let first = closed(0, 0, 4, &[(Some("Germany"), 4, 0, 0.0)]);
    deliver(&mut sink, 1, &[closed(0, 0, 3, &[(None, 3, 0, 0.0)]), first, closed(0, 0, 0, &[(None, 1, 0, 0.0)])]);
    assert_eq!(place.rows("revision, country, \"OPM\""), ["4|Germany|4"]);
}

#[test]
fn a_window_of_a_quarantined_kpi_is_a_row_with_the_reason() {
    let place = place("quarantine");
    let mut sink = place.sink(1);
    deliver(&mut sink, 1, &[closed(0, 0, 0, &[(Some("Germany"), 4, 0, 0.0)])]);
    let content = WindowContent::Unavailable("out of fuel: it's\ngone".into());
    let table = Arc::new(ResultTable { keys: Vec::new(), columns: Vec::new() });
    deliver(&mut sink, 2, &[Closed { kpi: 0, windows: vec![window(1, 0, content)], table }]);
    assert_eq!(
        place.rows("country, \"OPM\", rate_of_return, replace(unavailable, chr(10), '/')"),
        ["Germany|4|0|", "|||out of fuel: it's/gone"]
    );
}

#[test]
fn rows_of_one_group_keep_their_order() {
    let place = place("top");
    let mut sink = place.sink(1);
    let rows: Vec<_> = (0..3000).map(|rank| (Some("Germany"), 3000 - rank, 0, 0.0)).collect();
    deliver(&mut sink, 1, &[closed(0, 0, 0, &rows)]);
    let sql =
        "select count(*), max(ordinal), count(*) filter (where ordinal + \"OPM\" = 3000) from top.sales_by_country";
    assert_eq!(place.sql(sql).trim(), "3000|2999|3000");
}

#[test]
fn a_crash_before_the_commit_delivers_from_the_checkpoint_and_once() {
    let place = place("crash");
    let mut first = place.sink(1);
    deliver(&mut first, 1, &[closed(0, 0, 0, &[(None, 1, 0, 0.0)])]);
    first.accept(&closed(0, 1, 0, &[(None, 2, 0, 0.0)])).unwrap();
    let prepared = first.prepare(2).unwrap().bytes;
    drop(first);
    for generation in [2, 3] {
        let mut next = place.run(&kpis(), &resume(generation, 2, Some(&prepared))).unwrap();
        assert!(next.finish(LONG).unwrap());
        assert_eq!(place.rows("\"OPM\""), ["1", "2"]);
    }
    assert_eq!(place.sql("select generation, epoch from crash.weir_epochs").trim(), "3|2");
}

#[test]
fn an_older_checkpoint_brings_the_same_windows_in_other_epochs() {
    let place = place("older");
    let mut sink = place.sink(1);
    let early = deliver(&mut sink, 1, &[closed(0, 0, 0, &[(None, 1, 0, 0.0)])]);
    deliver(&mut sink, 2, &[closed(0, 1, 0, &[(None, 2, 0, 0.0)]), closed(0, 0, 1, &[(None, 8, 0, 0.0)])]);
    drop(sink);
    let mut next = super::super::open_with(&place.settings(), &kpis(), LIMITS).unwrap();
    assert_eq!(next.recover(&resume(2, 1, Some(&early))).unwrap(), Some(2));
    deliver(&mut next, 3, &[closed(0, 0, 0, &[(None, 1, 0, 0.0)])]);
    deliver(&mut next, 4, &[closed(0, 0, 1, &[(None, 8, 0, 0.0)]), closed(0, 1, 0, &[(None, 2, 0, 0.0)])]);
    assert_eq!(place.rows("revision, \"OPM\""), ["1|8", "0|2"]);
}

#[test]
fn another_lineage_begins_its_epochs_and_revisions_anew() {
    let place = place("lineage");
    deliver(&mut place.sink(5), 9, &[closed(0, 0, 3, &[(None, 1, 0, 0.0)])]);
    let claim = Claim { pipeline: "retail".into(), lineage: "b".into(), generation: 1 };
    let mut other = super::super::open_with(&place.settings(), &kpis(), LIMITS).unwrap();
    assert_eq!(other.recover(&Resume { claim, epoch: 0, prepared: None, open_from_us: i64::MIN }).unwrap(), None);
    deliver(&mut other, 1, &[closed(0, 0, 0, &[(None, 6, 0, 0.0)])]);
    assert_eq!(place.rows("\"OPM\""), ["6"]);
}
