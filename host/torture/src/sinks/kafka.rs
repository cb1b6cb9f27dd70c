//! A topic, read as `read_committed` consumers do. How often a window came in between depends on the run; what holds in the end does not, and
//! neither does that no row comes twice in one revision.

use super::Held;
use crate::services::Services;
use std::collections::{BTreeMap, BTreeSet};
use weir_services::client::{create_topic, delete_topic, read_committed};

const PARTITIONS: i32 = 2;

/// All cases share it, as sinks may.
const EPOCHS: &str = "epochs";

/// Makes what all cases share.
pub fn make_epochs(bootstrap: &str) -> Result<(), String> {
    create_topic(bootstrap, EPOCHS, 1, &[("cleanup.policy", "compact")]).map_err(|error| error.to_string())
}

pub(super) fn section(services: &Services, case: &str) -> String {
    let (brokers, topic) = (services.bootstrap(), topic(case));
    format!("type = \"kafka\"\nbrokers = \"{brokers}\"\ntopic = \"{topic}\"\nepochs_topic = \"{EPOCHS}\"")
}

fn topic(case: &str) -> String {
    format!("rows-{case}")
}

pub(super) fn make(services: &Services, case: &str) -> Result<(), String> {
    let settings = [("retention.ms", "-1")];
    create_topic(services.bootstrap(), &topic(case), PARTITIONS, &settings).map_err(|error| error.to_string())
}

pub(super) fn held(services: &Services, case: &str) -> Result<Held, String> {
    let messages = read_committed(services.bootstrap(), &topic(case)).map_err(|error| error.to_string())?;
    let (mut newest, mut seen, mut again) = (BTreeMap::new(), BTreeSet::new(), 0);
    for message in messages {
        again += u64::from(!seen.insert((message.key.clone(), revision(&message.value))));
        newest.insert(String::from_utf8_lossy(&message.key).into_owned(), vec![message.value]);
    }
    Ok(Held { rows: newest, again })
}

/// A row has its revision where that is above 0.
fn revision(row: &[u8]) -> u64 {
    let row: Option<serde_json::Value> = serde_json::from_slice(row).ok();
    row.and_then(|row| row.get("revision")?.as_u64()).unwrap_or(0)
}

pub(super) fn clear(services: &Services, case: &str) {
    let _ = delete_topic(services.bootstrap(), &topic(case));
}
