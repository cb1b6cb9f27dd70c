//! Keys of single sections, in each way that they may be written, and the plans that they become.

use super::*;

#[test]
fn kafka_as_typed_in_other_ways() {
    let text = small(
        "[source]",
        "type = \"kafka\"\nbrokers = \"b:1\"\ntopic = \"t\"\nstart = \"2020-09-18T10:55:00.25+02:00\"\n\
         properties = { security.protocol = \"SSL\", \"sasl.password\" = \"${KAFKA_PASSWORD}\", \"session.timeout.ms\" = 6000, \"check.x\" = true }",
    );
    let plan = plan(&text);
    let SourcePlan::Kafka(KafkaPlan { start, properties, .. }) = &plan.source else { panic!("{:?}", plan.source) };
    assert_eq!(*start, StartPlan::Timestamp(1_600_419_300_250_000));
    let expected = [
        ("check.x", "true"),
        ("sasl.password", "hunter2-hunter2"),
        ("security.protocol", "SSL"),
        ("session.timeout.ms", "6000"),
    ];
    assert_eq!(properties.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    assert!(!format!("{plan:?} {plan:#?}").contains("hunter2"), "a plan shows a secret");

    for (typed, start) in
        [("2020-09-18T10:55:00Z", StartPlan::Timestamp(1_600_426_500_000_000)), ("\"latest\"", StartPlan::Latest)]
    {
        let plan = self::plan(&small(
            "[source]",
            &format!("type = \"kafka\"\nbrokers = \"b\"\ntopic = \"t\"\nstart = {typed}"),
        ));
        assert!(matches!(plan.source, SourcePlan::Kafka(KafkaPlan { start: found, .. }) if found == start), "{typed}");
    }
}

#[test]
fn groups_losses_and_a_start_at_the_checkpoint() {
    let topic = |keys: &str| {
        let source = format!("type = \"kafka\"\nbrokers = \"b\"\ntopic = \"t\"\n{keys}\n[checkpoint]\npath = \"c\"");
        let SourcePlan::Kafka(topic) = plan(&small("[source]", &source)).source else { panic!("no topic") };
        topic
    };
    let plain = topic("");
    assert_eq!((&plain.group, plain.on_lost_offsets), (&GroupPlan::OfPipeline, LostOffsetsPlan::Stop));
    assert_eq!(topic("group = \"off\"").group, GroupPlan::Off);
    assert_eq!(topic("group = \"lag of ${OUT}\"").group, GroupPlan::Named("lag of elsewhere".into()));
    assert_eq!(topic("on_lost_offsets = \"continue\"").on_lost_offsets, LostOffsetsPlan::Continue);
    assert_eq!(topic("start = \"checkpoint\"").start, StartPlan::Checkpoint);
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
    let said = parse("test.toml", &text, Path::new("/p"), &env).unwrap_err().render(false);
    assert!(said.contains("no topic") && !said.contains("typed-secret"), "{said}");
}

#[test]
fn the_generator() {
    let plan = plan(&small("[source]", "type = \"generator\""));
    let SourcePlan::Generator(generator) = &plan.source else { panic!("{:?}", plan.source) };
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
    let SourcePlan::Generator(generator) = &plan.source else { panic!("{:?}", plan.source) };
    assert_eq!(
        (generator.seed, generator.partitions, generator.records, generator.rate),
        (7, 8, Some(1_000_000), Some(5_000.0))
    );
    assert_eq!((generator.disorder_us, generator.late_share, generator.broken_share), (300_000_000, 0.5, 0.5));
}

#[test]
fn files_are_looked_up_beside_the_pipeline_file() {
    let text =
        small("[source]", "type = \"file\"\nfiles = [\"a.jsonl\", \"./in/*.gz\", \"/data/b.jsonl\"]\nrate = 0.5");
    let files = |folder: &str| match parse("test.toml", &text, Path::new(folder), &env).unwrap().source {
        SourcePlan::File { files, .. } => files.into_iter().map(|(file, _)| file).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(files("/p"), ["/p/a.jsonl", "/p/in/*.gz", "/data/b.jsonl"]);
    assert_eq!(files("/"), ["/a.jsonl", "/in/*.gz", "/data/b.jsonl"]);
    // A folder with a bracket in its name must not become a pattern.
    assert_eq!(files("/p[1]"), ["/p[[]1[]]/a.jsonl", "/p[[]1[]]/in/*.gz", "/data/b.jsonl"]);
}

#[test]
fn timestamps_in_every_form() {
    for (typed, form) in [
        ("format = \"epoch_s\"", TimestampPlan::EpochSeconds),
        ("format = \"epoch_ms\"", TimestampPlan::EpochMillis),
        ("format = \"epoch_us\"", TimestampPlan::EpochMicros),
        ("format = \"%F %T\"", TimestampPlan::Format { format: "%F %T".into(), zone: "UTC".into() }),
        (
            "format = \"%F %T\", zone = \"europe/london\"",
            TimestampPlan::Format { format: "%F %T".into(), zone: "Europe/London".into() },
        ),
        (
            "format = \"%F %T\", zone = \"-05:30\"",
            TimestampPlan::Format { format: "%F %T".into(), zone: "-05:30".into() },
        ),
    ] {
        let plan = plan(&small("[schema]", &format!("fields.at = {{ type = \"timestamp\", {typed} }}")));
        assert_eq!(plan.schema.fields[0].timestamp, Some(form), "{typed}");
    }
}

#[test]
fn a_section_header_for_a_field_is_the_same_as_braces() {
    let text =
        small("[schema]", "").replace("[schema]\n", "[schema.fields.at]\ntype = \"timestamp\"\nformat = \"rfc3339\"\n");
    assert_eq!(plan(&text).schema.fields[0].timestamp, Some(TimestampPlan::Rfc3339));
}

#[test]
fn plugins_by_name_file_and_digest() {
    let hex = "AB".repeat(32);
    for (typed, reference) in [
        ("sales".to_string(), PluginReference::Name("sales".into())),
        ("./sales.wasm".to_string(), PluginReference::File("/p/sales.wasm".into())),
        ("sales.wasm".to_string(), PluginReference::File("/p/sales.wasm".into())),
        ("/opt/x/sales.wasm".to_string(), PluginReference::File("/opt/x/sales.wasm".into())),
        (format!("sales@sha256:{hex}"), PluginReference::Pinned { name: "sales".into(), sha256: hex.to_lowercase() }),
    ] {
        let plan = plan(&small("[[preprocess]]", &format!("plugin = \"{typed}\"")));
        assert_eq!((&plan.preprocess[0].plugin, &plan.preprocess[0].reference), (&typed, &reference));
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
    let own =
        LimitsPlan { memory_bytes_max: 65_536, deadline: Duration::from_millis(250), handles_max: 5, ..DEFAULT_LIMITS };
    assert_eq!(step.limits, own);
    assert_eq!(
        plan.kpis[0].plugin.limits,
        LimitsPlan { memory_bytes_max: 128 << 20, handles_max: 5, ..DEFAULT_LIMITS }
    );
}

#[test]
fn windows_on_both_sides_of_their_bounds() {
    let window = |typed: &str| {
        parse(
            "t",
            &small("[[kpi]]", &format!("name = \"k\"\nplugin = \"k\"\nwindow = \"{typed}\"")),
            Path::new("/p"),
            &env,
        )
    };
    let minute = 60_000_000;
    for (typed, plan) in [
        ("tumbling 1ms", WindowPlan::Tumbling { size_us: 1_000 }),
        ("  tumbling   1h30m ", WindowPlan::Tumbling { size_us: 90 * minute }),
        ("hopping 10m every 1m", WindowPlan::Hopping { size_us: 10 * minute, hop_us: minute }),
        ("hopping 10m every 10m", WindowPlan::Hopping { size_us: 10 * minute, hop_us: 10 * minute }),
        ("hopping 10m every 4m", WindowPlan::Hopping { size_us: 10 * minute, hop_us: 4 * minute }),
        ("hopping 65536ms every 1ms", WindowPlan::Hopping { size_us: 65_536_000, hop_us: 1_000 }),
    ] {
        assert_eq!(window(typed).map(|found| found.kpis[0].window).ok(), Some(plan), "{typed}");
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
    assert_eq!((plan.time.max_out_of_orderness_us, plan.time.allowed_lateness_us), (0, 3_600_000_000));
    assert_eq!(plan.time.idle_timeout, Duration::from_micros(250));
    assert_eq!((plan.time.max_future_skew_us, plan.time.max_time_jump_us), (None, None));
}

#[test]
fn places_of_dead_letters_and_the_checkpoint() {
    let text = small("[dead_letters]", "path = \"${OUT}/lost.jsonl\"\n[checkpoint]\npath = \"../state\"");
    let plan = plan(&text);
    assert_eq!(
        (plan.dead_letters.as_path(), plan.late.as_path()),
        (Path::new("/p/elsewhere/lost.jsonl"), Path::new("/p/elsewhere/late.jsonl"))
    );
    let checkpoint = plan.checkpoint.unwrap();
    assert_eq!(
        (checkpoint.folder, checkpoint.interval),
        (FolderPlan::Local("/p/../state".into()), Duration::from_secs(1))
    );
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
