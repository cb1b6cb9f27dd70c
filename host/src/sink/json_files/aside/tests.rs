//! Names of runs' folders, and races of runs that begin at once.

use super::*;
use crate::storage::local::Local;
use std::fs;

fn claim(pipeline: &str, lineage: &str, generation: u64) -> Claim {
    Claim { pipeline: pipeline.to_owned(), lineage: lineage.to_owned(), generation }
}

fn asides(home: &Path, generation: u64) -> Asides {
    Asides::new(Arc::new(Local), home.to_owned(), claim("retail", "a1", generation)).unwrap()
}

fn folders(home: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn names_read_back() {
    for run in [claim("retail", "0f-3a", 7), claim("a.b", "", 0), claim("", "x", u64::MAX)] {
        assert_eq!(parse(ASIDE, &name_of(ASIDE, &run).unwrap()), Some(run));
    }
    for name in [".aside-retail.a.x", ".aside-retail.7", ".gone-retail.a.7", "aside-retail.a.7", ".aside-retail.a.-1"] {
        assert_eq!(parse(ASIDE, name), None, "{name}");
    }
}

/// Many runs begin at once, in any order: the newest goes on, and every other one knows that it may not.
#[test]
fn of_runs_that_begin_at_once_the_newest_stays() {
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        let runs: Vec<_> = (1..=8).map(|generation| asides(home.path(), generation)).collect();
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let begun: Vec<_> = runs.iter().map(|run| scope.spawn(|| run.take_over(Others::OfPipeline))).collect();
            begun.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(outcomes[7].is_ok(), "{:?}", outcomes[7]);
        runs[7].check().unwrap();
        for (run, outcome) in runs[..7].iter().zip(outcomes) {
            let outcome = outcome.and_then(|()| run.check());
            assert!(matches!(outcome, Err(SinkError::Fenced { .. })), "{outcome:?}");
        }
        asides(home.path(), 9).take_over(Others::OfPipeline).unwrap();
        assert_eq!(folders(home.path()), [".aside-retail.a1.9"]);
    }
}

/// A run that was shut out while it was being removed, and one of which only the removal was begun.
#[test]
fn removals_that_were_cut_are_done_again() {
    let home = tempfile::tempdir().unwrap();
    for name in
        [".aside-retail.a1.1", ".aside-retail.a1.2", ".gone-retail.a1.1", ".gone-retail.other.4", ".gone-else.x.1"]
    {
        fs::create_dir(home.path().join(name)).unwrap();
        fs::write(home.path().join(name).join("file"), "x").unwrap();
    }
    asides(home.path(), 3).take_over(Others::OfPipeline).unwrap();
    assert_eq!(folders(home.path()), [".aside-retail.a1.3", ".gone-else.x.1"]);
}
