//! Places at which a test kills the process, as kill -9 does, or holds it up. Nothing is left of them without the feature `failpoints`.
//!
//! `FAILPOINTS="name=action;…"` in the environment says what happens where (crate `fail`): `return(kill)` ends the process at the first
//! pass, `2*off->1*return(kill)` at the third, `sleep(100)` holds it up for 100 ms. `cargo xtask torture` kills at each in turn.

/// A named place: `failpoint!("checkpoint-before-write")`.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |action: Option<String>| $crate::telemetry::failpoint::act($name, action))
    };
}
pub(crate) use failpoint;

/// Reads `FAILPOINTS`; what it says holds for as long as the scenario lives.
#[cfg(feature = "failpoints")]
pub fn scenario() -> fail::FailScenario<'static> {
    fail::FailScenario::setup()
}

/// What `return(…)` asks for.
#[cfg(feature = "failpoints")]
pub(crate) fn act<R>(name: &str, action: Option<String>) -> R {
    if action.as_deref() == Some("kill") {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
    unreachable!("failpoint {name}: there is no action {action:?}; write return(kill)")
}

/// Every place by name, and what has just happened there; in the order of a run.
#[cfg(any(test, feature = "failpoints"))]
pub const POINTS: &[(&str, &str)] = &[
    ("plan-read", "the pipeline file was read and checked"),
    ("plugins-open", "plugins were compiled and asked what they need"),
    ("lineage-before-rename", "a new checkpoint folder's name was written aside"),
    ("claim-renamed", "the checkpoint folder was given the next generation"),
    ("checkpoint-claimed", "it is this run's"),
    ("checkpoint-read", "the last checkpoint was read, or there is none"),
    ("state-restored", "its state is in the closer"),
    ("sinks-before-recover", "no sink knows yet what the checkpoint held for it"),
    ("files-after-take-over", "folders of files were taken over; what the checkpoint had prepared may not be in place"),
    ("postgres-before-takeover", "the marker names this run, in a transaction that is open"),
    ("postgres-after-takeover", "the transaction is committed"),
    ("redis-before-open", "Redis answers; its marker may name an older run"),
    ("outbox-opened", "a database or topic was taken over"),
    ("sinks-recovered-one", "one sink did what the checkpoint had prepared; the next did not"),
    ("letters-open", "the files of dead and late records were cut to where the checkpoint was"),
    ("workers-started", "workers read"),
    ("block-read", "a worker has a block of records"),
    ("block-folded", "its records are in the worker's state"),
    ("worker-before-flush", "what due windows lack was taken out of the worker"),
    ("worker-flushed", "it is on its way to the keeper"),
    ("barrier-before-cut-sent", "a worker flushed everything for an epoch"),
    ("barrier-passed", "it said where it stands"),
    ("keeper-absorbed", "a worker's state is in the closer"),
    ("keeper-closed", "windows were evaluated"),
    ("sinks-accepted", "their rows are with the sinks"),
    ("letters-written", "letters are in the files, not synced"),
    ("epoch-cut", "every worker passed the barrier"),
    ("epoch-before-prepare", "the cut is with delivery, and the checkpoint is still this run's"),
    ("files-before-aside", "an epoch's files are about to be written aside"),
    ("files-after-aside", "they are there, aside"),
    ("outbox-before-prepare", "a database's or topic's rows are not in the epoch yet"),
    ("epoch-between-prepares", "one sink prepared; the next did not"),
    ("letters-before-sync", "all sinks prepared"),
    ("epoch-prepared", "letters are durable"),
    ("checkpoint-before-write", "the record is in memory"),
    ("checkpoint-before-rename", "it was written aside"),
    ("checkpoint-before-sync", "it has its name; its folder was not synced"),
    ("checkpoint-written", "it is durable"),
    ("checkpoint-before-tidy", "a new base is durable; chains before the last two are still there"),
    ("epoch-before-commit", "no sink knows that the record is durable"),
    ("files-before-publish", "an epoch's files are about to be renamed into place"),
    ("files-between-publishes", "one of them was; others may not be"),
    ("files-after-publish", "all of them were"),
    ("epoch-between-commits", "one sink committed; the next did not"),
    ("epoch-committed", "all sinks committed"),
    ("source-confirmed", "the source was told"),
    ("outbox-before-apply", "an epoch's rows are about to go to a database or topic"),
    ("kafka-in-transaction", "an epoch's messages and its marker are with the producer, in an open transaction"),
    ("kafka-before-commit", "the brokers have them"),
    ("kafka-after-commit", "the transaction is committed"),
    ("postgres-in-transaction", "a part of an epoch's rows is in the tables, in a transaction that is open"),
    ("postgres-before-commit", "all of them and the epoch's number are"),
    ("postgres-after-commit", "the transaction is committed"),
    ("redis-before-script", "a part of an epoch's rows is about to go to Redis"),
    ("redis-after-script", "Redis took it"),
    ("outbox-after-apply", "it took them; nobody here knows yet"),
    ("worker-ended", "a worker's partitions ended"),
    ("end-cut", "the last epoch was handed over"),
    ("end-closed", "bounded input ended time: what was open is closed"),
    ("end-prepared", "its rows are prepared, in no checkpoint"),
    ("end-committed", "one sink committed them"),
    ("end-letters-synced", "letters are durable"),
    ("shutdown", "nothing more comes to delivery"),
    ("sinks-finished", "the sinks took everything"),
    ("run-ended", "all is done; the report is not written"),
];

#[cfg(test)]
mod tests {
    use super::POINTS;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Names in the calls below a folder; lines of documentation are none.
    fn called(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                called(&path, names);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let calls = lines.filter_map(|line| line.split_once("failpoint!(\"")?.1.split_once('"'));
                names.extend(calls.map(|(name, _)| name.to_owned()));
            }
        }
    }

    #[test]
    fn the_list_and_the_calls_agree() {
        let mut names = BTreeSet::new();
        called(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        let listed: BTreeSet<String> = POINTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed.len(), POINTS.len(), "a name stands twice");
        assert_eq!(listed, names);
    }
}
