//! Schemas that can't be built, all problems at once.

use super::*;

fn problem(field: DecodeField) -> String {
    let error = Decoder::new(&DecodeSchema::new(vec![field])).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
    error.to_string()
}

#[test]
fn paths_that_are_none() {
    for path in ["", ".", "a.", ".a", "a..b", "[]", "a.[]", "a[0]", "a[", "a]b", "a[][]", "items[]x"] {
        let error = problem(DecodeField { path: path.to_owned(), ..field("a", ScalarType::Text) });
        assert!(error.contains("is not a path"), "{path}: {error}");
    }
    assert!(problem(field("a[].b[].c", ScalarType::Text)).contains("more than one `[]`"));
    assert!(problem(field(&["a"; 65].join("."), ScalarType::Text)).contains("more than 64 keys"));
}

#[test]
fn types_that_do_not_fit() {
    let list = DecodeField { column_type: ColumnType::List(ScalarType::Text), ..field("tags", ScalarType::Text) };
    assert!(problem(list).contains("write `tags[]`"));
    let scalar = DecodeField { column_type: ColumnType::Scalar(ScalarType::Text), ..field("tags[]", ScalarType::Text) };
    assert!(problem(scalar).contains("its type is a list"));
    assert!(problem(field("a", ScalarType::Decimal(None))).contains("without a scale"));
    assert!(problem(field("a", ScalarType::Decimal(Some(19)))).contains("at most 18"));
    assert!(problem(field("a", ScalarType::Timestamp)).contains("without a form"));
    let form = DecodeField { timestamp: Some(TimestampForm::Rfc3339), ..field("a", ScalarType::Text) };
    assert!(problem(form).contains("can't have a timestamp form"));
    let form = TimestampForm::Format { format: "%Y-%m-%d".into(), zone: "Europe/Atlantis".into() };
    assert!(problem(timestamp("a", form)).contains("`a`: `Europe/Atlantis` is not a zone"));
}

#[test]
fn contradictions() {
    let cases: [&[&str]; 8] = [
        &["a", "a"],
        &["a", "a.b"],
        &["a.b", "a"],
        &["a[]", "a[].b"],
        &["a[].b", "a[]"],
        &["a[]", "a[]"],
        &["a[].b", "a.b"],
        &["a[].b.c", "a[].b"],
    ];
    for paths in cases {
        let fields = paths.iter().map(|path| field(path, ScalarType::Text)).collect();
        let error = Decoder::new(&DecodeSchema::new(fields)).unwrap_err();
        assert_eq!(error.problems.iter().map(|problem| problem.field).collect::<Vec<_>>(), [1], "{paths:?}: {error}");
        assert!(error.to_string().contains("ask"), "{error}");
    }
}

#[test]
fn all_problems_at_once() {
    let fields = vec![
        field("a..b", ScalarType::Timestamp),
        field("fine", ScalarType::Text),
        field("c[][]", ScalarType::Decimal(None)),
    ];
    let error = Decoder::new(&DecodeSchema::new(fields)).unwrap_err();
    assert_eq!(error.problems.iter().map(|problem| problem.field).collect::<Vec<_>>(), [0, 0, 2, 2]);
}

#[test]
fn no_fields_at_all() {
    let mut decoder = Decoder::new(&DecodeSchema::new(vec![])).unwrap();
    let decoded = decoder.decode(&block(&[b"{}", b"[]", b"{\"a\":1}"]));
    assert_eq!((decoded.rows, decoded.columns.len(), decoded.undecodable.len()), (vec![0, 2], 0, 1));
}
