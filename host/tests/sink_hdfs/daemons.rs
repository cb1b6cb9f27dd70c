//! The NameNode and the DataNode are killed as kill -9 does, in the middle of an epoch, and come back, soon or late.

use super::*;
use std::thread;

/// Does it while the service is brought back.
fn meanwhile<T: Send>(bring_back: impl FnOnce(), act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let acts = scope.spawn(act);
        thread::sleep(Duration::from_secs(1));
        assert!(!acts.is_finished(), "it has to wait");
        bring_back();
        acts.join().unwrap()
    })
}

#[test]
fn a_name_node_that_dies_between_prepare_and_commit_comes_back_with_all() {
    let mut service = service();
    let path = "/name-node";
    let mut sink = run(&service, path, 1, None);
    sink.accept(&rows::closed(0, 0, &["Germany"])).unwrap();
    sink.accept(&rows::closed(10, 0, &["Germany"])).unwrap();
    let prepared = sink.prepare(1).unwrap();
    assert_eq!(prepared.undelivered, 0);
    service.kill_name_node();
    meanwhile(|| service.restart_name_node().unwrap(), || sink.commit(1, &prepared.bytes)).unwrap();
    assert!(sink.finish(SOON).unwrap());
    assert_eq!(published(&service, path).len(), 2);

    sink.accept(&rows::closed(1, 0, &["Germany"])).unwrap();
    service.kill_name_node();
    let prepared = meanwhile(|| service.restart_name_node().unwrap(), || sink.prepare(2)).unwrap();
    sink.commit(2, &prepared.bytes).unwrap();
    assert!(sink.finish(SOON).unwrap());
    assert_eq!(minutes(&published(&service, path)[FILE]), ["10:50", "10:51"]);
}

#[test]
fn a_data_node_that_dies_holds_up_and_loses_nothing() {
    let mut service = service();
    let path = "/data-node";
    let mut sink = run(&service, path, 1, None);
    sink.accept(&rows::closed(0, 0, &["Germany"])).unwrap();
    let prepared = sink.prepare(1).unwrap();
    service.kill_data_node();
    sink.commit(1, &prepared.bytes).unwrap();
    sink.accept(&rows::closed(1, 0, &["Germany"])).unwrap();
    let prepared = meanwhile(|| service.restart_data_node().unwrap(), || sink.prepare(2)).unwrap();
    sink.commit(2, &prepared.bytes).unwrap();
    assert!(sink.finish(SOON).unwrap());
    assert_eq!(minutes(&published(&service, path)[FILE]), ["10:50", "10:51"]);
}

/// Away for longer than anybody waits: rows travel in the checkpoint, also over a crash.
#[test]
fn an_hdfs_that_stays_away_stops_only_its_own_rows() {
    let mut service = service();
    let path = "/away";
    let mut sink = sink_over(hdfs(&service.url()).with_patience(Duration::from_secs(2)), path);
    sink.recover(&resume(1, None)).unwrap();
    sink.accept(&rows::closed(0, 0, &["Germany"])).unwrap();
    epoch(&mut sink);
    service.kill_name_node();
    let mut checkpoint = Vec::new();
    for minute in 1..4 {
        sink.accept(&rows::closed(minute, 0, &["Germany"])).unwrap();
        let prepared = sink.prepare(1).unwrap();
        assert!(prepared.undelivered > 0);
        sink.commit(1, &prepared.bytes).unwrap();
        assert!(sink.state().waiting.is_some());
        checkpoint = prepared.bytes;
    }
    drop(sink);
    let mut sink = sink_over(hdfs(&service.url()).with_patience(Duration::from_secs(2)), path);
    assert!(sink.recover(&resume(2, Some(&checkpoint))).is_err(), "a start needs it");
    service.restart_name_node().unwrap();
    let mut sink = run(&service, path, 2, Some(&checkpoint));
    assert!(sink.state().undelivered_bytes > 0);
    epoch(&mut sink);
    assert_eq!(minutes(&published(&service, path)[FILE]), ["10:50", "10:51", "10:52", "10:53"]);
}
