//! PostgreSQL as tests need it: it starts, answers, keeps its data over kill -9, and can be made to hang.

use std::io::Read;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use weir_services::postgres::Postgres;

#[test]
fn rows_outlive_kill_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start_with(folder.path(), &[("max_connections", "20")]).unwrap();
    let (port, url) = (postgres.port(), postgres.url());
    assert_eq!(url, format!("postgresql://weir:{}@127.0.0.1:{port}/postgres", postgres.password()));
    assert_eq!(postgres.query("show max_connections").unwrap(), "20");
    postgres.query("create table t (a int, b text); insert into t values (1, 'x'), (2, null)").unwrap();
    assert_eq!(postgres.query("select * from t order by a").unwrap(), "1|x\n2|");
    let error = postgres.query("select * from none").unwrap_err().to_string();
    assert!(error.contains("relation \"none\" does not exist"), "{error}");

    // A connection has a process of its own at the other end, which has to go too.
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    postgres.kill();
    // Its last words may come first.
    let _ = connection.read_to_end(&mut Vec::new());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    postgres.restart().unwrap();
    assert_eq!((postgres.port(), postgres.url()), (port, url));
    assert_eq!(postgres.query("select count(*) from t").unwrap(), "2");

    postgres.stop();
    assert!(postgres.pause().is_err() && postgres.query("select 1").is_err());
    postgres.restart().unwrap();
    assert_eq!(postgres.query("select count(*) from t").unwrap(), "2");
}

#[test]
fn a_paused_server_leaves_its_clients_hanging() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start(&folder.path().join("a")).unwrap();
    let other = Postgres::start(&folder.path().join("b")).unwrap();
    assert_ne!(postgres.port(), other.port());
    postgres.pause().unwrap();
    thread::scope(|scope| {
        let (answered, answer) = mpsc::channel();
        let postgres = &postgres;
        scope.spawn(move || answered.send(postgres.query("select 'here'")));
        answer.recv_timeout(Duration::from_millis(500)).unwrap_err();
        assert_eq!(other.query("select 'there'").unwrap(), "there");
        postgres.resume().unwrap();
        assert_eq!(answer.recv_timeout(Duration::from_secs(8)).unwrap().unwrap(), "here");
    });
    // Neither end waits for the pause to be over.
    postgres.pause().unwrap();
    postgres.kill();
    postgres.restart().unwrap();
    postgres.pause().unwrap();
    postgres.stop();
}
