//! Good pipeline files and the plans that they become; broken ones are `tests/config`'s.

use super::plan::*;
use super::*;
use proptest::prelude::*;
use std::time::Duration;
use weir_core::types::{ColumnType, ScalarType};

const RETAIL: &str = include_str!("../../../pipelines/retail.toml");

fn env(name: &str) -> Option<String> {
    match name {
        "KAFKA_PASSWORD" => Some("hunter2-hunter2".to_string()),
        "OUT" => Some("elsewhere".to_string()),
        _ => None,
    }
}

fn plan(text: &str) -> Plan {
    parse("test.toml", text, Path::new("/p"), &env)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// The smallest file, with a section of it replaced or one added.
fn small(section: &str, lines: &str) -> String {
    let sections = [
        ("[pipeline]", "name = \"small\""),
        ("[source]", "type = \"file\"\nfiles = \"in.jsonl\""),
        (
            "[schema]",
            "fields.at = { type = \"timestamp\", format = \"rfc3339\" }",
        ),
        ("[time]", "column = \"at\"\nmax_out_of_orderness = \"0s\""),
        (
            "[[kpi]]",
            "name = \"sales\"\nplugin = \"sales\"\nwindow = \"tumbling 1m\"",
        ),
        ("[[sink]]", "type = \"json-files\"\npath = \"out\""),
    ];
    let added = sections.iter().all(|(header, _)| *header != section);
    let kept = sections.iter().map(|(header, body)| {
        format!(
            "{header}\n{}\n",
            if *header == section { lines } else { body }
        )
    });
    let mut text: String = kept.collect();
    if added {
        text.push_str(&format!("{section}\n{lines}\n"));
    }
    text
}

#[test]
fn the_designs_example_becomes_this_plan() {
    let plan = plan(RETAIL);
    assert_eq!(
        (plan.name.as_str(), plan.workers, plan.batch_rows_max),
        ("retail", 2, 8_192)
    );
    let SourcePlan::Kafka {
        brokers,
        topic,
        start,
        properties,
        topic_place,
    } = &plan.source
    else {
        panic!("{:?}", plan.source)
    };
    assert_eq!(
        (brokers.as_str(), topic.as_str(), *start),
        ("127.0.0.1:9092", "invoices", StartPlan::Earliest)
    );
    assert_eq!(
        properties.0.iter().collect::<Vec<_>>(),
        [(&"security.protocol".to_string(), &"PLAINTEXT".to_string())]
    );
    assert_eq!(&RETAIL[topic_place.clone()], "\"${KAFKA_TOPIC:-invoices}\"");

    let fields: Vec<(&str, ColumnType, bool)> = plan
        .schema
        .fields
        .iter()
        .map(|field| (field.path.as_str(), field.column_type, field.required))
        .collect();
    let expected = [
        ("invoice_no", ColumnType::Scalar(ScalarType::Int64), false),
        ("country", ColumnType::Scalar(ScalarType::Text), false),
        ("timestamp", ColumnType::Scalar(ScalarType::Timestamp), true),
        ("type", ColumnType::Scalar(ScalarType::Text), false),
        (
            "items[].unit_price",
            ColumnType::List(ScalarType::Decimal(Some(4))),
            false,
        ),
        (
            "items[].quantity",
            ColumnType::List(ScalarType::Int64),
            false,
        ),
    ];
    assert_eq!(fields, expected);
    let format = TimestampPlan::Format {
        format: "%Y-%m-%d %H:%M:%S".into(),
        zone: "UTC".into(),
    };
    assert_eq!(plan.schema.fields[2].timestamp, Some(format));
    assert_eq!(
        (
            plan.schema.depth_max,
            plan.schema.record_bytes_max,
            plan.schema.list_elements_max
        ),
        (64, 1 << 20, 65_536)
    );

    assert_eq!(
        (
            plan.time.column.as_str(),
            plan.time.max_out_of_orderness_us,
            plan.time.allowed_lateness_us
        ),
        ("timestamp", 600_000_000, 0)
    );
    assert_eq!(plan.time.idle_timeout, Duration::from_secs(30));
    assert_eq!(
        (plan.time.max_future_skew_us, plan.time.max_time_jump_us),
        (Some(3_600_000_000), Some(3_600_000_000))
    );

    assert_eq!(plan.preprocess.len(), 1);
    assert_eq!(
        plan.preprocess[0].reference,
        PluginReference::Name("order-totals".into())
    );
    assert_eq!(
        plan.kpis
            .iter()
            .map(|kpi| kpi.name.as_str())
            .collect::<Vec<_>>(),
        ["sales", "sales-by-country"]
    );
    let by_country = &plan.kpis[1];
    assert_eq!(
        by_country
            .by
            .iter()
            .map(|(column, _)| column.as_str())
            .collect::<Vec<_>>(),
        ["country"]
    );
    assert_eq!(
        by_country.window,
        WindowPlan::Tumbling {
            size_us: 60_000_000
        }
    );
    let outputs: Vec<&str> = by_country
        .outputs
        .iter()
        .flatten()
        .map(|(output, _)| output.as_str())
        .collect();
    assert_eq!(outputs, ["OPM", "total_sale_volume", "rate_of_return"]);
    assert_eq!(plan.kpis[0].outputs, None);

    let SinkPlan::JsonFiles {
        kpis,
        path,
        interval_us,
    } = &plan.sinks[0];
    assert_eq!(kpis, &["sales", "sales-by-country"]);
    assert_eq!(
        (path.as_path(), *interval_us),
        (Path::new("/p/out"), 600_000_000)
    );
    assert_eq!(plan.dead_letters, Path::new("/p/out/dead-letters.jsonl"));
    assert_eq!(plan.late, Path::new("/p/out/late.jsonl"));
    assert!(plan.checkpoint.is_none());
    assert_eq!(by_country.plugin.limits, DEFAULT_LIMITS);
}

const DEFAULT_LIMITS: LimitsPlan = LimitsPlan {
    memory_bytes_max: 67_108_864,
    fuel_per_row_max: 10_000,
    fuel_per_call_max: 10_000_000,
    deadline: Duration::from_secs(1),
    result_bytes_max: 67_108_864,
    stack_bytes_max: 524_288,
    handles_max: 1_000,
    component_bytes_max: 33_554_432,
};

#[test]
fn the_smallest_file_gets_the_documented_defaults() {
    let plan = plan(&small("", ""));
    assert!((1..=256).contains(&plan.workers));
    assert_eq!(plan.batch_rows_max, 8_192);
    let SourcePlan::File { files, rate } = &plan.source else {
        panic!("{:?}", plan.source)
    };
    assert_eq!(
        (files[0].0.as_str(), files.len(), *rate),
        ("/p/in.jsonl", 1, None)
    );
    assert_eq!(
        plan.schema.fields[0].timestamp,
        Some(TimestampPlan::Rfc3339)
    );
    assert_eq!(plan.time.idle_timeout, Duration::from_secs(30));
    assert_eq!(plan.kpis[0].plugin.limits, DEFAULT_LIMITS);
    assert_eq!(plan.dead_letters, Path::new("/p/small-dead-letters.jsonl"));
    assert_eq!(plan.late, Path::new("/p/small-late.jsonl"));
    let SinkPlan::JsonFiles {
        kpis, interval_us, ..
    } = &plan.sinks[0];
    assert_eq!(
        (kpis.as_slice(), *interval_us),
        (["sales".to_string()].as_slice(), 600_000_000)
    );
}

#[test]
fn kafka_as_typed_in_other_ways() {
    let text = small(
        "[source]",
        "type = \"kafka\"\nbrokers = \"b:1\"\ntopic = \"t\"\nstart = \"2020-09-18T10:55:00.25+02:00\"\n\
         properties = { security.protocol = \"SSL\", \"sasl.password\" = \"${KAFKA_PASSWORD}\", \"session.timeout.ms\" = 6000, \"check.x\" = true }",
    );
    let plan = plan(&text);
    let SourcePlan::Kafka {
        start, properties, ..
    } = &plan.source
    else {
        panic!("{:?}", plan.source)
    };
    assert_eq!(*start, StartPlan::Timestamp(1_600_419_300_250_000));
    let expected = [
        ("check.x", "true"),
        ("sasl.password", "hunter2-hunter2"),
        ("security.protocol", "SSL"),
        ("session.timeout.ms", "6000"),
    ];
    assert_eq!(
        properties
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>(),
        expected
    );
    assert!(
        !format!("{plan:?} {plan:#?}").contains("hunter2"),
        "a plan shows a secret"
    );

    for (typed, start) in [
        (
            "2020-09-18T10:55:00Z",
            StartPlan::Timestamp(1_600_426_500_000_000),
        ),
        ("\"latest\"", StartPlan::Latest),
    ] {
        let plan = self::plan(&small(
            "[source]",
            &format!("type = \"kafka\"\nbrokers = \"b\"\ntopic = \"t\"\nstart = {typed}"),
        ));
        assert!(
            matches!(plan.source, SourcePlan::Kafka { start: found, .. } if found == start),
            "{typed}"
        );
    }
}

#[test]
fn a_password_typed_into_the_file_is_not_in_the_plans_debug_either() {
    let plan = plan(&small(
        "[source]",
        "type = \"kafka\"\nbrokers = \"b\"\ntopic = \"t\"\nproperties = { \"sasl.password\" = \"typed-secret\" }",
    ));
    assert!(!format!("{plan:?}").contains("typed-secret"));
}

#[test]
fn only_the_lines_of_a_problem_are_shown() {
    let text = small(
        "[source]",
        "type = \"kafka\"\nbrokers = \"b\"\nproperties.\"sasl.password\" = \"typed-secret\"\ntopic = \"no topic\"",
    );
    let said = parse("test.toml", &text, Path::new("/p"), &env)
        .unwrap_err()
        .render(false);
    assert!(
        said.contains("no topic") && !said.contains("typed-secret"),
        "{said}"
    );
}

#[test]
fn the_generator() {
    let plan = plan(&small("[source]", "type = \"generator\""));
    let SourcePlan::Generator(generator) = &plan.source else {
        panic!("{:?}", plan.source)
    };
    let defaults = GeneratorPlan {
        seed: 1,
        partitions: 1,
        records: None,
        rate: None,
        start_us: 1_577_836_800_000_000,
        records_per_minute: 600,
        disorder_us: 0,
        late_share: 0.0,
        broken_share: 0.0,
    };
    assert_eq!(generator, &defaults);
    let plan = self::plan(&small(
        "[source]",
        "type = \"generator\"\nseed = 7\npartitions = 8\nrecords = 1_000_000\nrate = 5000\nstart = 2020-01-01T00:00:00Z\n\
         records_per_minute = 60\ndisorder = \"5m\"\nlate_share = 0.5\nbroken_share = 0.5",
    ));
    let SourcePlan::Generator(generator) = &plan.source else {
        panic!("{:?}", plan.source)
    };
    assert_eq!(
        (
            generator.seed,
            generator.partitions,
            generator.records,
            generator.rate
        ),
        (7, 8, Some(1_000_000), Some(5_000.0))
    );
    assert_eq!(
        (
            generator.disorder_us,
            generator.late_share,
            generator.broken_share
        ),
        (300_000_000, 0.5, 0.5)
    );
}

#[test]
fn files_are_looked_up_beside_the_pipeline_file() {
    let text = small(
        "[source]",
        "type = \"file\"\nfiles = [\"a.jsonl\", \"./in/*.gz\", \"/data/b.jsonl\"]\nrate = 0.5",
    );
    let files = |folder: &str| match parse("test.toml", &text, Path::new(folder), &env)
        .unwrap()
        .source
    {
        SourcePlan::File { files, .. } => {
            files.into_iter().map(|(file, _)| file).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(files("/p"), ["/p/a.jsonl", "/p/in/*.gz", "/data/b.jsonl"]);
    assert_eq!(files("/"), ["/a.jsonl", "/in/*.gz", "/data/b.jsonl"]);
    // A folder with a bracket in its name must not become a pattern.
    assert_eq!(
        files("/p[1]"),
        ["/p[[]1[]]/a.jsonl", "/p[[]1[]]/in/*.gz", "/data/b.jsonl"]
    );
}

#[test]
fn timestamps_in_every_form() {
    for (typed, form) in [
        ("format = \"epoch_s\"", TimestampPlan::EpochSeconds),
        ("format = \"epoch_ms\"", TimestampPlan::EpochMillis),
        ("format = \"epoch_us\"", TimestampPlan::EpochMicros),
        (
            "format = \"%F %T\"",
            TimestampPlan::Format {
                format: "%F %T".into(),
                zone: "UTC".into(),
            },
        ),
        (
            "format = \"%F %T\", zone = \"europe/london\"",
            TimestampPlan::Format {
                format: "%F %T".into(),
                zone: "Europe/London".into(),
            },
        ),
        (
            "format = \"%F %T\", zone = \"-05:30\"",
            TimestampPlan::Format {
                format: "%F %T".into(),
                zone: "-05:30".into(),
            },
        ),
    ] {
        let plan = plan(&small(
            "[schema]",
            &format!("fields.at = {{ type = \"timestamp\", {typed} }}"),
        ));
        assert_eq!(plan.schema.fields[0].timestamp, Some(form), "{typed}");
    }
}

#[test]
fn a_section_header_for_a_field_is_the_same_as_braces() {
    let text = small("[schema]", "").replace(
        "[schema]\n",
        "[schema.fields.at]\ntype = \"timestamp\"\nformat = \"rfc3339\"\n",
    );
    assert_eq!(
        plan(&text).schema.fields[0].timestamp,
        Some(TimestampPlan::Rfc3339)
    );
}

#[test]
fn plugins_by_name_file_and_digest() {
    let hex = "AB".repeat(32);
    for (typed, reference) in [
        ("sales".to_string(), PluginReference::Name("sales".into())),
        (
            "./sales.wasm".to_string(),
            PluginReference::File("/p/sales.wasm".into()),
        ),
        (
            "sales.wasm".to_string(),
            PluginReference::File("/p/sales.wasm".into()),
        ),
        (
            "/opt/x/sales.wasm".to_string(),
            PluginReference::File("/opt/x/sales.wasm".into()),
        ),
        (
            format!("sales@sha256:{hex}"),
            PluginReference::Pinned {
                name: "sales".into(),
                sha256: hex.to_lowercase(),
            },
        ),
    ] {
        let plan = plan(&small("[[preprocess]]", &format!("plugin = \"{typed}\"")));
        assert_eq!(
            (&plan.preprocess[0].plugin, &plan.preprocess[0].reference),
            (&typed, &reference)
        );
    }
}

#[test]
fn options_and_limits_of_one_plugin() {
    let text = small(
        "[[preprocess]]",
        "plugin = \"p\"\noptions = { z = 1, a = 1.5, on = true, name = \"${OUT}\", ints = [1, 2], floats = [1, 2.5], texts = [\"x\"], none = [] }\n\
         limits = { memory_bytes_max = 65536, deadline = \"250ms\" }",
    );
    let text = format!("{text}\n[limits]\nmemory_bytes_max = \"128MiB\"\nhandles_max = 5\n");
    let plan = plan(&text);
    let step = &plan.preprocess[0];
    let option = |name: &str, value| (name.to_string(), value);
    let expected = [
        option("z", OptionValue::Int64(1)),
        option("a", OptionValue::Float64(1.5)),
        option("on", OptionValue::Boolean(true)),
        option("name", OptionValue::Text("elsewhere".into())),
        option("ints", OptionValue::Int64s(vec![1, 2])),
        option("floats", OptionValue::Float64s(vec![1.0, 2.5])),
        option("texts", OptionValue::Texts(vec!["x".into()])),
        option("none", OptionValue::Texts(Vec::new())),
    ];
    assert_eq!(step.options, expected);
    assert!(text[step.options_place.clone()].starts_with("{ z = 1"));
    let own = LimitsPlan {
        memory_bytes_max: 65_536,
        deadline: Duration::from_millis(250),
        handles_max: 5,
        ..DEFAULT_LIMITS
    };
    assert_eq!(step.limits, own);
    assert_eq!(
        plan.kpis[0].plugin.limits,
        LimitsPlan {
            memory_bytes_max: 128 << 20,
            handles_max: 5,
            ..DEFAULT_LIMITS
        }
    );
}

#[test]
fn windows_on_both_sides_of_their_bounds() {
    let window = |typed: &str| {
        parse(
            "t",
            &small(
                "[[kpi]]",
                &format!("name = \"k\"\nplugin = \"k\"\nwindow = \"{typed}\""),
            ),
            Path::new("/p"),
            &env,
        )
    };
    let minute = 60_000_000;
    for (typed, plan) in [
        ("tumbling 1ms", WindowPlan::Tumbling { size_us: 1_000 }),
        (
            "  tumbling   1h30m ",
            WindowPlan::Tumbling {
                size_us: 90 * minute,
            },
        ),
        (
            "hopping 10m every 1m",
            WindowPlan::Hopping {
                size_us: 10 * minute,
                hop_us: minute,
            },
        ),
        (
            "hopping 10m every 10m",
            WindowPlan::Hopping {
                size_us: 10 * minute,
                hop_us: 10 * minute,
            },
        ),
        (
            "hopping 10m every 4m",
            WindowPlan::Hopping {
                size_us: 10 * minute,
                hop_us: 4 * minute,
            },
        ),
        (
            "hopping 65536ms every 1ms",
            WindowPlan::Hopping {
                size_us: 65_536_000,
                hop_us: 1_000,
            },
        ),
    ] {
        assert_eq!(
            window(typed).map(|found| found.kpis[0].window).ok(),
            Some(plan),
            "{typed}"
        );
    }
    for typed in [
        "tumbling 1500us",
        "tumbling 0ms",
        "hopping 1m every 61s",
        "hopping 65537ms every 1ms",
        "tumbling 1m every 1m",
        "session gap 30m",
    ] {
        assert!(window(typed).is_err(), "{typed}");
    }
}

#[test]
fn times_that_are_off_or_zero() {
    let plan = plan(&small(
        "[time]",
        "column = \"at\"\nmax_out_of_orderness = \"0s\"\nallowed_lateness = \"1h\"\nidle_timeout = \"250us\"\nmax_future_skew = \"off\"\nmax_time_jump = \"off\"",
    ));
    assert_eq!(
        (
            plan.time.max_out_of_orderness_us,
            plan.time.allowed_lateness_us
        ),
        (0, 3_600_000_000)
    );
    assert_eq!(plan.time.idle_timeout, Duration::from_micros(250));
    assert_eq!(
        (plan.time.max_future_skew_us, plan.time.max_time_jump_us),
        (None, None)
    );
}

#[test]
fn places_of_dead_letters_and_the_checkpoint() {
    let text = small(
        "[dead_letters]",
        "path = \"${OUT}/lost.jsonl\"\n[checkpoint]\npath = \"../state\"",
    );
    let plan = plan(&text);
    assert_eq!(
        (plan.dead_letters.as_path(), plan.late.as_path()),
        (
            Path::new("/p/elsewhere/lost.jsonl"),
            Path::new("/p/elsewhere/late.jsonl")
        )
    );
    let checkpoint = plan.checkpoint.unwrap();
    assert_eq!(
        (checkpoint.path.as_path(), checkpoint.interval),
        (Path::new("/p/../state"), Duration::from_secs(1))
    );
}

#[test]
fn a_variable_can_neither_add_a_key_nor_be_expanded_again() {
    let env = |_: &str| Some("x\"\nworkers = 999\n${OTHER}".to_string());
    let plan = parse(
        "t",
        &small("[[sink]]", "type = \"json-files\"\npath = \"${ANY}\""),
        Path::new("/p"),
        &env,
    )
    .unwrap();
    let SinkPlan::JsonFiles { path, .. } = &plan.sinks[0];
    assert_eq!(path, Path::new("/p/x\"\nworkers = 999\n${OTHER}"));
    assert_ne!(plan.workers, 999);
}

#[test]
fn two_sinks_may_share_a_folder_for_different_kpis() {
    let text = small(
        "[[sink]]",
        "type = \"json-files\"\npath = \"out\"\nkpis = [\"sales\"]\n[[sink]]\ntype = \"json-files\"\npath = \"out\"\nkpis = [\"other\"]\n\
         [[kpi]]\nname = \"other\"\nplugin = \"sales\"\nwindow = \"tumbling 1m\"",
    );
    // The second [[kpi]] stands after a [[sink]]; order over sections does not matter.
    assert_eq!(plan(&text).sinks.len(), 2);
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems() {
    assert_eq!(plan(&RETAIL.replace('\n', "\r\n")).kpis.len(), 2);
    assert_eq!(plan(&format!("\u{feff}{RETAIL}")).kpis.len(), 2);
    let text = format!("\u{feff}{}", RETAIL.replace("brokers =", "brokerz ="));
    let said = parse("t", &text, Path::new("/p"), &env)
        .unwrap_err()
        .render(false);
    assert!(said.contains("brokerz"), "{said}");
}

#[test]
fn load_says_why_a_file_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let missing = load(&folder.path().join("no.toml"), &env).unwrap_err();
    assert!(matches!(missing, ConfigError::Read { .. }), "{missing}");
    let binary = load(&write("b.toml", b"name = \"\xff\""), &env).unwrap_err();
    assert!(
        matches!(binary, ConfigError::NotText { valid_bytes: 8, .. }),
        "{binary}"
    );
    let mut large = small("", "").into_bytes();
    large.resize(FILE_BYTES_MAX as usize, b'\n');
    assert!(load(&write("fits.toml", &large), &env).is_ok());
    large.push(b'\n');
    let large = load(&write("large.toml", &large), &env).unwrap_err();
    assert!(matches!(large, ConfigError::TooLarge { .. }), "{large}");
    let plan = load(&write("good.toml", small("", "").as_bytes()), &env).unwrap();
    assert_eq!(plan.folder, folder.path());
    let wrong = load(&write("wrong.toml", b"[pipeline]"), &env).unwrap_err();
    assert!(
        matches!(&wrong, ConfigError::Problems(problems) if problems.len() > 1),
        "{wrong}"
    );
}

#[test]
fn problems_are_sorted_capped_and_never_out_of_bounds() {
    let file = SourceText {
        name: "t".into(),
        text: "é\nb".into(),
    };
    let mut problems = Problems::new(
        file.clone(),
        vec![Problem::new(3..4, "second"), Problem::new(1..1, "first")],
    );
    problems.push(Problem::new(900..1_000, "third").other(70..3, "x"));
    let order: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(order, ["first", "second", "third"]);
    let said = problems.render(true) + &problems.render(false);
    assert!(
        said.contains("third") && said.contains("t: 3 problems"),
        "{said}"
    );
    let many = Problems::new(file, vec![Problem::new(0..1, "again"); SHOWN_MAX + 1]);
    assert_eq!(many.render(false).matches("again").count(), SHOWN_MAX);
    assert!(
        many.render(false)
            .contains("101 problems, the first 100 are shown")
    );
}

/// Every word that the reader looks for, so that random files get past the first key.
const WORDS: &str = "\\[\\[?(pipeline|source|schema|time|kpi|sink|preprocess|limits|checkpoint|dead_letters)\\]\\]?\n|(name|type|files|fields\\.a|column|window|by|outputs|options|limits|path|start|zone|format|kpis|interval|deadline|properties) = |\"(file|kafka|generator|json-files|tumbling 1m|hopping 1m every|timestamp|\\$\\{X\\}|\\$\\{|%Y|%|a\\[\\]\\.b)\"\n?|\\{|\\}|\\[|\\]|,|\n|-?[0-9]{1,30}\n|nan\n|2020-01-01\n|é";

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = parse("t", &text, Path::new("/p"), &env).map_err(|problems| problems.render(false));
    }

    #[test]
    fn no_file_of_known_words_panics(words in prop::collection::vec(WORDS, 0..30)) {
        let _ = parse("t", &words.concat(), Path::new("/p"), &env).map_err(|problems| problems.render(false));
    }

    #[test]
    fn no_damaged_file_panics(at in 0..RETAIL.len(), len in 0usize..40, put in "\\PC{0,6}") {
        let (from, to) = (RETAIL.floor_char_boundary(at), RETAIL.floor_char_boundary((at + len).min(RETAIL.len())));
        let text = format!("{}{put}{}", &RETAIL[..from], &RETAIL[to..]);
        let _ = parse("t", &text, Path::new("/p"), &env).map_err(|problems| problems.render(true));
    }
}
