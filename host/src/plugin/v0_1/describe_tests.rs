use super::*;

fn of(name: &str, version: &str, inputs: &[&str], outputs: &[&str]) -> Result<PreprocessorDescription, String> {
    let int = || types::ColumnType::Scalar(types::ScalarType::Int64);
    let input = |path: &&str| types::Input { path: path.to_string(), type_: int(), nullable: false };
    let output = |name: &&str| preprocessing::Output {
        name: name.to_string(),
        type_: int(),
        nullable: false,
        description: "a\u{1b}b".into(),
    };
    preprocessor(preprocessing::Description {
        name: name.into(),
        version: version.into(),
        summary: "s".into(),
        inputs: inputs.iter().map(input).collect(),
        outputs: outputs.iter().map(output).collect(),
    })
}

#[test]
fn a_good_description_is_taken() {
    let description =
        of("order-totals", "0.1.0", &["items[].unit_price", "größe"], &["total_cost", "OPM", "größe-2"]).expect("good");
    assert_eq!(description.outputs[0].description, "a\u{fffd}b", "words are tamed");
    assert_eq!(description.inputs[0].path, "items[].unit_price");
    assert!(of("x", "10.20.30-rc.1+build-5", &[], &[]).is_ok());
}

#[test]
fn names_and_versions_are_checked() {
    for name in ["", "Sales", "a--b", "-a", "a-", "a b", "a_b", "../x", &"x".repeat(257)] {
        assert!(of(name, "1.0.0", &[], &[]).is_err(), "{name}");
    }
    for version in ["", "1", "1.0", "1.0.0.0", "a.b.c", "1.0.x", "1.0.0 ", "1.0.0-ü", "-1.0.0", "1..0"] {
        assert!(of("a", version, &[], &[]).is_err(), "{version}");
    }
    for output in ["", "a b", "a.b", "a[]", "a\n", "a\"b"] {
        assert!(of("a", "1.0.0", &[], &[output]).is_err(), "{output}");
    }
    for input in ["", "a\n"] {
        assert!(of("a", "1.0.0", &[input], &[]).is_err(), "{input}");
    }
}

#[test]
fn columns_are_few_and_named_once() {
    assert!(of("a", "1.0.0", &["x", "x"], &[]).is_err_and(|what| what.contains("input `x` twice")));
    assert!(of("a", "1.0.0", &[], &["x", "x"]).is_err_and(|what| what.contains("output `x` twice")));
    let names: Vec<String> = (0..=COLUMNS_MAX).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(of("a", "1.0.0", &names[1..], &names[1..]).is_ok());
    assert!(of("a", "1.0.0", &names, &[]).is_err_and(|what| what.contains("257 inputs")));
    assert!(of("a", "1.0.0", &[], &names).is_err_and(|what| what.contains("257 outputs")));
}
