//! Redis as tests need it: it starts, answers, keeps its data over kill -9, and can be made to hang.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use weir_services::redis::Redis;

#[test]
fn keys_outlive_kill_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(folder.path()).unwrap();
    let port = redis.port();
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{port}"));
    assert_eq!(redis.command(&["SET", "a", "1 2"]).unwrap(), "OK");
    assert_eq!(redis.command(&["MGET", "a", "none"]).unwrap(), "1 2\n");
    assert_eq!(redis.command(&["EVAL", "return redis.call('INCR', KEYS[1])", "1", "n"]).unwrap(), "1");
    let error = redis.command(&["INCR", "a"]).unwrap_err().to_string();
    assert!(error.contains("not an integer"), "{error}");

    redis.kill();
    assert!(redis.command(&["PING"]).is_err() && redis.pause().is_err());
    redis.restart().unwrap();
    assert_eq!((redis.port(), redis.command(&["GET", "a"]).unwrap().as_str()), (port, "1 2"));
    redis.stop();
    redis.restart().unwrap();
    assert_eq!(redis.command(&["GET", "n"]).unwrap(), "1");
}

#[test]
fn a_paused_server_leaves_its_clients_hanging() {
    let folder = tempfile::tempdir().unwrap();
    let mut redis = Redis::start_with_password(&folder.path().join("a"), "secret7").unwrap();
    let other = Redis::start(&folder.path().join("b")).unwrap();
    assert_eq!(redis.url(), format!("redis://:secret7@127.0.0.1:{}", redis.port()));
    redis.pause().unwrap();
    thread::scope(|scope| {
        let (answered, answer) = mpsc::channel();
        let redis = &redis;
        scope.spawn(move || answered.send(redis.command(&["PING"])));
        answer.recv_timeout(Duration::from_millis(300)).unwrap_err();
        assert_eq!(other.command(&["PING"]).unwrap(), "PONG");
        redis.resume().unwrap();
        assert_eq!(answer.recv_timeout(Duration::from_secs(8)).unwrap().unwrap(), "PONG");
    });
    assert!(other.command(&["AUTH", "secret7"]).is_err(), "it has no password");
    redis.pause().unwrap();
    redis.stop();
    redis.restart().unwrap();
    assert_eq!(redis.command(&["PING"]).unwrap(), "PONG");
}
