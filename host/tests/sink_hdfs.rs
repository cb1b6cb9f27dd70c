//! The `hdfs` sink and its storage on a real HDFS: a NameNode and a DataNode that are killed, started again, and whose answers get lost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "sink_hdfs/cutter.rs"]
mod cutter;
#[path = "sink_hdfs/daemons.rs"]
mod daemons;
#[path = "sink_hdfs/pipeline.rs"]
mod pipeline;
#[path = "sink_hdfs/rows.rs"]
mod rows;
#[path = "sink_hdfs/sink.rs"]
mod sink;
#[path = "sink_hdfs/storage.rs"]
mod storage;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;
use weir::sink::json_files::{JsonFiles, JsonFilesSettings};
use weir::sink::{Claim, Resume, Sink};
use weir::storage::Storage;
use weir::storage::hdfs::Hdfs;
use weir_services::hdfs::Hdfs as Service;

/// One for all tests, one test at a time: starting it takes longer than most of them, and some kill it.
static SERVICE: LazyLock<Mutex<Service>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap().keep();
    Mutex::new(Service::start(&folder).unwrap())
});

fn service() -> MutexGuard<'static, Service> {
    SERVICE.lock().unwrap_or_else(|poisoned| {
        // Whoever failed may have left a daemon dead.
        SERVICE.clear_poison();
        let mut service = poisoned.into_inner();
        service.restart().unwrap();
        service
    })
}

fn hdfs(url: &str) -> Hdfs {
    Hdfs::new(url, &BTreeMap::new()).unwrap()
}

fn sink_over(storage: Hdfs, path: &str) -> JsonFiles {
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let settings = JsonFilesSettings { storage, path: path.into(), interval_us: 10 * rows::MINUTE_US, locks: None };
    JsonFiles::new(settings, vec![rows::schema("sales", 0)]).unwrap()
}

/// A run of this generation.
fn run(service: &Service, path: &str, generation: u64, prepared: Option<&[u8]>) -> JsonFiles {
    let mut sink = sink_over(hdfs(&service.url()), path);
    sink.recover(&resume(generation, prepared)).unwrap();
    sink
}

fn resume(generation: u64, prepared: Option<&[u8]>) -> Resume<'_> {
    let claim = Claim { pipeline: "retail".into(), lineage: "a1".into(), generation };
    Resume { claim, epoch: u64::from(prepared.is_some()), prepared, open_from_us: i64::MIN }
}

fn epoch(sink: &mut JsonFiles) -> Vec<u8> {
    let prepared = sink.prepare(1).unwrap();
    assert_eq!(prepared.undelivered, 0);
    sink.commit(1, &prepared.bytes).unwrap();
    prepared.bytes
}

/// The published files by name, and what they hold; asked of the NameNode past the code under test.
fn published(service: &Service, path: &str) -> BTreeMap<String, String> {
    let folder = format!("{path}/sales");
    let names = service.list(&folder).unwrap().into_iter().filter(|name| !name.starts_with('.'));
    let read = |name: String| {
        let bytes = service.read(&format!("{folder}/{name}")).unwrap();
        (name, String::from_utf8(bytes).unwrap())
    };
    names.map(read).collect()
}

/// Minutes of the windows in a file, in its order.
fn minutes(content: &str) -> Vec<&str> {
    content.lines().map(|line| &line["{\"window\":{\"start\":\"2020-09-18T".len()..][..5]).collect()
}

/// What is set aside: names in all runs' folders.
fn left_aside(storage: &Hdfs, path: &str) -> Vec<String> {
    let home = Path::new(path).join("sales");
    let folders = storage.list(&home).unwrap().into_iter().filter(|entry| entry.folder);
    folders.flat_map(|entry| storage.list(&home.join(entry.name)).unwrap()).map(|entry| entry.name).collect()
}

const FILE: &str = "2020-09-18T10-50-00Z.json";
const SOON: Duration = Duration::from_secs(90);
