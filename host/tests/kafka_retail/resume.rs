//! What a checkpoint knows of its topic: which one it is, where it stands, and what to do when it is not what it was.

use super::common::{assert_code, report, run_to_end};
use super::retail::{dealt, invoices, pipeline};
use super::{CLIENTS, IN_TIME, broker, fill, source_of, topic};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use weir_services::client::{committed, create_topic, delete_records, delete_topic};

/// The retail pipeline with a checkpoint and these further keys of `[source]`.
fn kept(folder: &Path, topic: &str, client: &str, keys: &str) -> PathBuf {
    let path = pipeline(folder, &format!("{}\n{keys}", source_of(topic, client)), IN_TIME, "tumbling 1m");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "[checkpoint]\npath = \"checkpoint\"\ninterval = \"100ms\"\n").unwrap();
    path
}

/// What a run says that ends with this code.
fn told(path: &Path, code: i32) -> String {
    let output = run_to_end(path, &[]);
    assert_code(&output, code);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_topic_made_anew_is_refused_with_both_ids() {
    let invoices = invoices();
    for client in CLIENTS {
        let name = format!("anew-{client}");
        topic(&name, &dealt(&invoices[..200], 2));
        let folder = tempfile::tempdir().unwrap();
        let path = kept(folder.path(), &name, client, "");
        told(&path, 0);
        told(&path, 0);
        delete_topic(broker(), &name).unwrap();
        let begun = Instant::now();
        while create_topic(broker(), &name, 2, &[]).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "its name is not free again");
        }
        // As many records as before: offsets alone say nothing.
        fill(&name, &dealt(&invoices[200..400], 2));
        let said = told(&path, 1);
        assert!(
            said.contains(&format!("topic `{name}` was deleted and made anew since the checkpoint (id ")),
            "{said}"
        );
        assert!(
            said.contains("its offsets mean other records") && said.contains("another [checkpoint] path"),
            "{said}"
        );
    }
}

#[test]
fn a_run_tells_its_group_what_is_counted() {
    topic("lag", &dealt(&invoices()[..1_001], 2));
    let offsets = |group: &str| [0, 1].map(|partition| committed(broker(), group, "lag", partition).unwrap());
    for client in CLIENTS {
        let folder = tempfile::tempdir().unwrap();
        let group = format!("lag-of-{client}");
        // The first question makes the broker its place for groups, which takes seconds.
        assert_eq!(offsets(&group), [None, None]);
        told(&kept(folder.path(), "lag", client, &format!("group = \"{group}\"")), 0);
        assert_eq!(offsets(&group), [Some(501), Some(500)], "{client}");
        let folder = tempfile::tempdir().unwrap();
        told(&kept(folder.path(), "lag", client, "group = \"off\""), 0);
    }
    assert_eq!(offsets("weir-retail"), [None, None], "nobody was told to");
    let folder = tempfile::tempdir().unwrap();
    told(&kept(folder.path(), "lag", CLIENTS[0], ""), 0);
    assert_eq!(offsets("weir-retail"), [Some(501), Some(500)], "the default");
}

#[test]
fn a_start_at_the_checkpoint_needs_one() {
    topic("strict", &dealt(&invoices()[..100], 2));
    let folder = tempfile::tempdir().unwrap();
    let strict = || kept(folder.path(), "strict", CLIENTS[0], "start = \"checkpoint\"");
    let said = told(&strict(), 1);
    assert!(said.contains("there is no checkpoint") && said.contains("for a first start set `start`"), "{said}");
    told(&kept(folder.path(), "strict", CLIENTS[0], "start = \"earliest\""), 0);
    fill("strict", &dealt(&invoices()[100..150], 2));
    told(&strict(), 0);
    assert_eq!(report(&strict())["read"], 150, "of both runs");
}

#[test]
fn offsets_that_retention_took_stop_a_resumed_run_or_are_told() {
    let invoices = invoices();
    for client in CLIENTS {
        let name = format!("expired-{client}");
        topic(&name, &dealt(&invoices[..100], 1));
        let folder = tempfile::tempdir().unwrap();
        told(&kept(folder.path(), &name, client, ""), 0);
        fill(&name, &dealt(&invoices[100..200], 1));
        delete_records(broker(), &name, 0, 130).unwrap();
        let said = told(&kept(folder.path(), &name, client, ""), 1);
        let lost = format!("offsets 100 to 129 of topic {name}, partition 0, are gone, 30 at the most with a record");
        assert!(said.contains(&lost) && said.contains("on_lost_offsets = \"continue\""), "{said}");
        let go_on = kept(folder.path(), &name, client, "on_lost_offsets = \"continue\"");
        let said = told(&go_on, 0);
        for part in ["offsets are lost", "from=100", "to=129", "count=30", "next=130"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(report(&go_on)["read"], 170, "of both runs");
        assert!(!told(&go_on, 0).contains("offsets are lost"), "it is told once");
    }
}
