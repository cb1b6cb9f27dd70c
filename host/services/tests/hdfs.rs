//! HDFS as tests need it: files outlive kill -9 of either daemon, and it can be made to hang.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use weir_services::hdfs::Hdfs;

const FILE: &str = "/out/day=1/part 0";

#[test]
fn files_outlive_the_daemons() {
    let folder = tempfile::tempdir().unwrap();
    let mut hdfs = Hdfs::start(folder.path()).unwrap();
    let url = hdfs.url();
    hdfs.write(FILE, b"one\ntwo\n").unwrap();
    hdfs.write("/out/day=1/empty", b"").unwrap();
    assert_eq!(hdfs.read(FILE).unwrap(), b"one\ntwo\n");
    assert_eq!(hdfs.read("/out/day=1/empty").unwrap(), b"");
    assert_eq!(hdfs.list("/out/day=1").unwrap(), ["empty", "part 0"]);
    let error = hdfs.list("/none").unwrap_err().to_string();
    assert!(error.contains("File /none does not exist"), "{error}");

    hdfs.kill_data_node();
    assert!(hdfs.read(FILE).is_err() && hdfs.pause().is_err());
    hdfs.restart_data_node().unwrap();
    assert_eq!(hdfs.read(FILE).unwrap(), b"one\ntwo\n");

    hdfs.kill_name_node();
    assert!(hdfs.list("/").is_err() && hdfs.pause().is_err());
    hdfs.restart_name_node().unwrap();
    assert_eq!(hdfs.url(), url);
    assert_eq!(hdfs.read(FILE).unwrap(), b"one\ntwo\n");
    hdfs.write(FILE, b"three").unwrap();

    hdfs.pause().unwrap();
    thread::scope(|scope| {
        let (answered, answer) = mpsc::channel();
        let hdfs = &hdfs;
        scope.spawn(move || answered.send(hdfs.read(FILE)));
        answer.recv_timeout(Duration::from_millis(500)).unwrap_err();
        hdfs.resume().unwrap();
        assert_eq!(answer.recv_timeout(Duration::from_secs(25)).unwrap().unwrap(), b"three");
    });

    hdfs.stop();
    hdfs.restart().unwrap();
    assert_eq!(hdfs.read(FILE).unwrap(), b"three");
}
