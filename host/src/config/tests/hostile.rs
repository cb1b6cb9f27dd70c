//! Secrets stay hidden, and no file, however broken, does harm.

use super::*;
use proptest::prelude::*;

#[test]
fn a_variable_can_neither_add_a_key_nor_be_expanded_again() {
    let env = |_: &str| Some("x\"\nworkers = 999\n${OTHER}".to_string());
    let plan =
        parse("t", &small("[[sink]]", "type = \"json-files\"\npath = \"${ANY}\""), Path::new("/p"), &env).unwrap();
    let SinkKind::JsonFiles { path, .. } = &plan.sinks[0].kind else { panic!("{:?}", plan.sinks) };
    assert_eq!(path, Path::new("/p/x\"\nworkers = 999\n${OTHER}"));
    assert_ne!(plan.workers, 999);
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems() {
    assert_eq!(plan(&RETAIL.replace('\n', "\r\n")).kpis.len(), 2);
    assert_eq!(plan(&format!("\u{feff}{RETAIL}")).kpis.len(), 2);
    let text = format!("\u{feff}{}", RETAIL.replace("brokers =", "brokerz ="));
    let said = parse("t", &text, Path::new("/p"), &env).unwrap_err().render(false);
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
    assert!(matches!(binary, ConfigError::NotText { valid_bytes: 8, .. }), "{binary}");
    let mut large = small("", "").into_bytes();
    large.resize(FILE_BYTES_MAX as usize, b'\n');
    assert!(load(&write("fits.toml", &large), &env).is_ok());
    large.push(b'\n');
    let large = load(&write("large.toml", &large), &env).unwrap_err();
    assert!(matches!(large, ConfigError::TooLarge { .. }), "{large}");
    let plan = load(&write("good.toml", small("", "").as_bytes()), &env).unwrap();
    assert_eq!(plan.folder, folder.path());
    let wrong = load(&write("wrong.toml", b"[pipeline]"), &env).unwrap_err();
    assert!(matches!(&wrong, ConfigError::Problems(problems) if problems.len() > 1), "{wrong}");
}

#[test]
fn problems_are_sorted_capped_and_never_out_of_bounds() {
    let file = SourceText { name: "t".into(), text: "é\nb".into() };
    let mut problems = Problems::new(file.clone(), vec![Problem::new(3..4, "second"), Problem::new(1..1, "first")]);
    problems.push(Problem::new(900..1_000, "third").other(Place { start: 70, end: 3 }, "x"));
    let order: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(order, ["first", "second", "third"]);
    let said = problems.render(true) + &problems.render(false);
    assert!(said.contains("third") && said.contains("t: 3 problems"), "{said}");
    let many = Problems::new(file, vec![Problem::new(0..1, "again"); SHOWN_MAX + 1]);
    assert_eq!(many.render(false).matches("again").count(), SHOWN_MAX);
    assert!(many.render(false).contains("101 problems, the first 100 are shown"));
}

#[test]
fn a_megabyte_of_mistakes_is_told_in_seconds() {
    let keys = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let start = std::time::Instant::now();
    for text in [
        format!("[pipeline]\n{}", keys(60_000, &|i| format!("worker{i} = 1\n"))),
        format!("[schema]\n{}", keys(25_000, &|i| format!("fields.f{i} = {{ type = \"x\" }}\n"))),
        format!("[time]\ncolumn = \"t\"\n[schema]\nfields.\"{}\" = \"text\"\n", "a.".repeat(200_000)),
        small(
            "[[sink]]",
            &format!("type = \"json-files\"\npath = \"out\"\nkpis = [{}]", keys(80_000, &|i| format!("\"sale{i}\","))),
        ),
        keys(1_001, &|i| format!("[[kpi]]\nname = \"k{i}\"\n")),
        "a=[".repeat(300_000),
        "[[kpi]]\n".repeat(100_000),
    ] {
        assert!(text.len() <= FILE_BYTES_MAX as usize);
        let problems = parse("t", &text, Path::new("/p"), &env).unwrap_err();
        let said = problems.render(false);
        assert!(said.len() < 1 << 20, "{} bytes of messages", said.len());
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
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
