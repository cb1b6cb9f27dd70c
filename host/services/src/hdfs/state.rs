//! What the NameNode says of itself over HTTP (`/jmx`): whose it is, and whether files can be written.
//!
//! A DataNode that has registered is not enough: until its first heartbeat the NameNode knows of no room on it, and until its first report
//! of no blocks.

use crate::http;
use serde_json::Value;

/// Whether the NameNode of this cluster answers; `serving`: and lets files be read and written.
pub(super) fn is_name_node(port: u16, cluster: &str, serving: bool) -> bool {
    let Some(info) = bean(port, "NameNodeInfo").filter(|info| info["ClusterId"] == cluster) else {
        return false;
    };
    !serving || bean(port, "FSNamesystemState").is_some_and(|state| serves(&info, &state))
}

fn serves(info: &Value, state: &Value) -> bool {
    info["NumberOfMissingBlocks"] == 0
        && state["FSState"] == "Operational"
        && state["NumLiveDataNodes"] == 1
        && state["NumStaleStorages"] == 0
        && state["CapacityRemaining"].as_u64().is_some_and(|bytes| bytes > 0)
}

fn bean(port: u16, name: &str) -> Option<Value> {
    let url = format!("http://127.0.0.1:{port}/jmx?qry=Hadoop:service=NameNode,name={name}");
    let answer = http::ask("GET", &url, &[]).ok().filter(|answer| answer.status == 200)?;
    let mut beans: Value = serde_json::from_slice(&answer.body).ok()?;
    beans["beans"].get_mut(0).map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_node_serves_when_it_has_room_and_all_blocks() {
        let info = |missing: u32| json!({ "NumberOfMissingBlocks": missing });
        let state = |mode: &str, live: u32, stale: u32, bytes: u64| json!({ "FSState": mode, "NumLiveDataNodes": live, "NumStaleStorages": stale, "CapacityRemaining": bytes });
        assert!(serves(&info(0), &state("Operational", 1, 0, 9)));
        assert!(!serves(&info(1), &state("Operational", 1, 0, 9)), "a block is not reported yet");
        assert!(!serves(&info(0), &state("safeMode", 1, 0, 9)));
        assert!(!serves(&info(0), &state("Operational", 0, 0, 9)));
        assert!(!serves(&info(0), &state("Operational", 1, 1, 9)));
        assert!(!serves(&info(0), &state("Operational", 1, 0, 0)), "no heartbeat yet");
    }
}
