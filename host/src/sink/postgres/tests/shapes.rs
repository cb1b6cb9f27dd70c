//! Tables that are there already, rights that are missing, and what is said of them.

use super::support::*;
use crate::sink::test_rows::closed;
use crate::sink::{Claim, Resume, Sink, SinkError};

/// What a start says that must fail for good.
fn refused(place: &Place<'_>) -> String {
    match place.run(&kpis(), &resume(1, 0, None)).map(drop) {
        Err(error @ SinkError::Refused { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_output_that_a_table_lacks_is_added() {
    let place = place("added");
    deliver(&mut place.sink(1), 1, &[closed(0, 0, 0, &[(None, 1, 0, 0.5)])]);
    place.sql("alter table added.sales_by_country drop column rate_of_return, add column note text default 'x'");
    let mut next = place.sink(2);
    deliver(&mut next, 2, &[closed(0, 1, 0, &[(None, 2, 0, 0.5)])]);
    assert_eq!(place.rows("\"OPM\", rate_of_return, note"), ["1||x", "2|0.5|x"]);
}

#[test]
fn a_table_of_another_shape_is_refused_with_what_to_write() {
    let place = place("shapes");
    drop(place.sink(1));
    let table = "shapes.sales_by_country";
    for (change, says, back) in [
        (
            "alter column \"OPM\" type text",
            "alter table \"shapes\".\"sales_by_country\" alter column \"OPM\" type bigint using \"OPM\"::bigint",
            "alter column \"OPM\" type bigint using \"OPM\"::bigint",
        ),
        (
            "alter column total_sale_volume type numeric(19,2)",
            "numeric(19,4)",
            "alter column total_sale_volume type numeric(38,6)",
        ),
        ("drop column country", "has no column \"country\"", "add column country text"),
        (
            "alter column \"OPM\" set not null",
            "alter column \"OPM\" drop not null",
            "alter column \"OPM\" drop not null",
        ),
        ("add column mine int not null", "alter column \"mine\" drop not null", "drop column mine"),
    ] {
        place.sql(&format!("alter table {table} {change}"));
        let said = refused(&place);
        assert!(said.contains(says), "{said}");
        place.sql(&format!("alter table {table} {back}"));
        drop(place.sink(1));
    }
    place.sql(&format!("alter table {table} rename to t; create view {table} as select 1"));
    assert!(refused(&place).contains("is no table"), "{}", refused(&place));
}

#[test]
fn a_table_of_another_pipeline_is_left_alone() {
    let place = place("foreign_table");
    drop(place.sink(1));
    let mut settings = place.settings();
    settings.pipeline = "other".into();
    let claim = Claim { pipeline: "other".into(), lineage: "b".into(), generation: 1 };
    let said = run(&settings, &kpis(), &Resume { claim, epoch: 0, prepared: None, open_from_us: i64::MIN })
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(said.contains("written by the pipeline retail") && said.contains("another `schema`"), "{said}");
    assert_eq!(place.sql("select count(*) from foreign_table.weir_epochs where pipeline = 'other'").trim(), "0");
}

#[test]
fn a_schema_that_is_not_there_is_told_with_what_to_write() {
    let mut place = place("there");
    place.schema = "Not there".into();
    assert!(refused(&place).contains("create schema \"Not there\" authorization \"weir\""), "{}", refused(&place));
}

#[test]
fn the_least_rights_will_do_and_a_missing_one_is_named() {
    let place = place("rights");
    place.sql("create role least login password 'hunter2'; grant usage on schema rights to least");
    let url = format!("postgresql://least:hunter2@127.0.0.1:{}/postgres", place.server.port());
    let start = || run(&place.settings_by(&url), &kpis(), &resume(1, 0, None));
    let said = start().map(drop).unwrap_err().to_string();
    assert!(said.contains("permission denied for schema rights") && said.contains("create on it"), "{said}");
    // Somebody else makes the tables; this user only writes rows.
    drop(place.sink(1));
    place.sql("grant select, insert, update, delete on all tables in schema rights to least");
    deliver(&mut start().unwrap(), 1, &[closed(0, 0, 0, &[(None, 1, 0, 0.5)])]);
    assert_eq!(place.rows("\"OPM\""), ["1"]);
}

#[test]
fn a_wrong_password_fails_at_once_and_nothing_shows_it() {
    let place = place("secrets");
    for url in [
        format!("postgresql://weir:hunter2@127.0.0.1:{}/postgres", place.server.port()),
        format!("postgresql://hunter2@127.0.0.1:{}/postgres?password=", place.server.port()),
        format!("postgresql://weir:hunter2@127.0.0.1:{}/nowhere", place.server.port()),
        format!("postgresql://weir:hunter2@127.0.0.1:{}/postgres?sslmode=require", place.server.port()),
    ] {
        let sink = super::super::open_with(&place.settings_by(&url), &kpis(), LIMITS).unwrap();
        let told = format!("{} {:?}", sink.place(), sink.state());
        assert!(
            told.contains("postgresql://127.0.0.1:") && !told.contains("hunter2@") && !told.contains(":hunter2"),
            "{told}"
        );
        let start = std::time::Instant::now();
        let said = run(&place.settings_by(&url), &kpis(), &resume(1, 0, None)).map(drop).unwrap_err().to_string();
        assert!(!said.contains("hunter2@") && !said.contains(":hunter2"), "{said}");
        assert!(start.elapsed().as_secs() < 5, "not tried again: {said}");
    }
    let url = place.server.url();
    let said = run(&place.settings_by(&url.replace("/postgres", "/nowhere")), &kpis(), &resume(1, 0, None));
    let said = said.map(drop).unwrap_err().to_string();
    assert!(said.contains("3D000") && !said.contains(place.server.password()), "{said}");
}

#[test]
fn a_database_that_cannot_hold_every_text_is_refused() {
    let place = place("encoding");
    place.sql("create database latin encoding 'LATIN1' locale 'C' template template0");
    let url = place.server.url().replace("/postgres", "/latin");
    let said = run(&place.settings_by(&url), &kpis(), &resume(1, 0, None)).map(drop).unwrap_err().to_string();
    assert!(said.contains("LATIN1"), "{said}");
}
