//! Good pipeline files and the plans that they become; broken ones are `tests/config`'s.

mod hostile;
mod sections;

use super::plan::*;
use super::*;
use std::time::Duration;
use weir_core::types::{ColumnType, ScalarType};

const RETAIL: &str = include_str!("../../../../pipelines/retail.toml");

fn env(name: &str) -> Option<String> {
    match name {
        "KAFKA_PASSWORD" => Some("hunter2-hunter2".to_string()),
        "OUT" => Some("elsewhere".to_string()),
        _ => None,
    }
}

fn plan(text: &str) -> Plan {
    parse("test.toml", text, Path::new("/p"), &env).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// The smallest file, with a section of it replaced or one added.
fn small(section: &str, lines: &str) -> String {
    let sections = [
        ("[pipeline]", "name = \"small\""),
        ("[source]", "type = \"file\"\nfiles = \"in.jsonl\""),
        ("[schema]", "fields.at = { type = \"timestamp\", format = \"rfc3339\" }"),
        ("[time]", "column = \"at\"\nmax_out_of_orderness = \"0s\""),
        ("[[kpi]]", "name = \"sales\"\nplugin = \"sales\"\nwindow = \"tumbling 1m\""),
        ("[[sink]]", "type = \"json-files\"\npath = \"out\""),
    ];
    let added = sections.iter().all(|(header, _)| *header != section);
    let kept =
        sections.iter().map(|(header, body)| format!("{header}\n{}\n", if *header == section { lines } else { body }));
    let mut text: String = kept.collect();
    if added {
        text.push_str(&format!("{section}\n{lines}\n"));
    }
    text
}

#[test]
fn the_designs_example_becomes_this_plan() {
    let plan = plan(RETAIL);
    assert_eq!((plan.name.as_str(), plan.workers, plan.batch_rows_max), ("retail", 2, 8_192));
    let SourcePlan::Kafka(KafkaPlan { brokers, topic, start, properties, topic_place, .. }) = &plan.source else {
        panic!("{:?}", plan.source)
    };
    assert_eq!((brokers.as_str(), topic.as_str(), *start), ("127.0.0.1:9092", "invoices", StartPlan::Earliest));
    assert_eq!(properties.0.iter().collect::<Vec<_>>(), [(&"security.protocol".to_string(), &"PLAINTEXT".to_string())]);
    assert_eq!(&RETAIL[topic_place.clone()], "\"${KAFKA_TOPIC:-invoices}\"");

    let fields: Vec<(&str, ColumnType, bool)> =
        plan.schema.fields.iter().map(|field| (field.path.as_str(), field.column_type, field.required)).collect();
    let expected = [
        ("invoice_no", ColumnType::Scalar(ScalarType::Int64), false),
        ("country", ColumnType::Scalar(ScalarType::Text), false),
        ("timestamp", ColumnType::Scalar(ScalarType::Timestamp), true),
        ("type", ColumnType::Scalar(ScalarType::Text), false),
        ("items[].unit_price", ColumnType::List(ScalarType::Decimal(Some(4))), false),
        ("items[].quantity", ColumnType::List(ScalarType::Int64), false),
    ];
    assert_eq!(fields, expected);
    let format = TimestampPlan::Format { format: "%Y-%m-%d %H:%M:%S".into(), zone: "UTC".into() };
    assert_eq!(plan.schema.fields[2].timestamp, Some(format));
    assert_eq!(
        (plan.schema.depth_max, plan.schema.record_bytes_max, plan.schema.list_elements_max),
        (64, 1 << 20, 65_536)
    );

    assert_eq!(
        (plan.time.column.as_str(), plan.time.max_out_of_orderness_us, plan.time.allowed_lateness_us),
        ("timestamp", 600_000_000, 0)
    );
    assert_eq!(plan.time.idle_timeout, Duration::from_secs(30));
    assert_eq!((plan.time.max_future_skew_us, plan.time.max_time_jump_us), (Some(3_600_000_000), Some(3_600_000_000)));

    assert_eq!(plan.preprocess.len(), 1);
    assert_eq!(plan.preprocess[0].reference, PluginReference::Name("order-totals".into()));
    assert_eq!(plan.kpis.iter().map(|kpi| kpi.name.as_str()).collect::<Vec<_>>(), ["sales", "sales-by-country"]);
    let by_country = &plan.kpis[1];
    assert_eq!(by_country.by.iter().map(|(column, _)| column.as_str()).collect::<Vec<_>>(), ["country"]);
    assert_eq!(by_country.window, WindowPlan::Tumbling { size_us: 60_000_000 });
    let outputs: Vec<&str> = by_country.outputs.iter().flatten().map(|(output, _)| output.as_str()).collect();
    assert_eq!(outputs, ["OPM", "total_sale_volume", "rate_of_return"]);
    assert_eq!(plan.kpis[0].outputs, None);

    let SinkKind::JsonFiles { path, interval_us } = &plan.sinks[0].kind else { panic!("{:?}", plan.sinks) };
    assert_eq!(plan.sinks[0].kpis, ["sales", "sales-by-country"]);
    assert_eq!((path.as_path(), *interval_us), (Path::new("/p/out"), 600_000_000));
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
    let SourcePlan::File { files, rate } = &plan.source else { panic!("{:?}", plan.source) };
    assert_eq!((files[0].0.as_str(), files.len(), *rate), ("/p/in.jsonl", 1, None));
    assert_eq!(plan.schema.fields[0].timestamp, Some(TimestampPlan::Rfc3339));
    assert_eq!(plan.time.idle_timeout, Duration::from_secs(30));
    assert_eq!(plan.kpis[0].plugin.limits, DEFAULT_LIMITS);
    assert_eq!(plan.dead_letters, Path::new("/p/small-dead-letters.jsonl"));
    assert_eq!(plan.late, Path::new("/p/small-late.jsonl"));
    let SinkKind::JsonFiles { interval_us, .. } = &plan.sinks[0].kind else { panic!("{:?}", plan.sinks) };
    assert_eq!((plan.sinks[0].kpis.as_slice(), *interval_us), (["sales".to_string()].as_slice(), 600_000_000));
}
