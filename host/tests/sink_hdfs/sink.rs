//! Rows published, revised, taken up after a crash at each step, and an older run shut out.

use super::cutter::{Cutter, Lost};
use super::*;
use weir::sink::SinkError;

#[test]
fn rows_are_published_and_revised() {
    let service = service();
    let path = "/published/kpis";
    let mut sink = run(&service, path, 1, None);
    sink.accept(&rows::closed(0, 0, &["France", "Germany"])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    assert!(published(&service, path).is_empty(), "set aside");
    sink.commit(1, &prepared).unwrap();
    sink.commit(1, &prepared).unwrap();
    assert_eq!(minutes(&published(&service, path)[FILE]), ["10:50", "10:50"]);
    sink.accept(&rows::closed(0, 1, &["France"])).unwrap();
    sink.accept(&rows::closed(1, 0, &["Germany"])).unwrap();
    sink.accept(&rows::closed(10, 0, &["Germany"])).unwrap();
    epoch(&mut sink);
    let files = published(&service, path);
    assert_eq!(files.len(), 2);
    assert_eq!(minutes(&files[FILE]), ["10:50", "10:51"]);
    assert!(files[FILE].lines().next().unwrap().ends_with("\"revision\":1,\"country\":\"France\",\"OPM\":0}"));
    sink.accept(&rows::closed(10, 1, &[])).unwrap();
    epoch(&mut sink);
    assert_eq!(published(&service, path).len(), 1, "an interval with nothing to say has no file");
    assert_eq!(left_aside(&hdfs(&service.url()), path), Vec::<String>::new());
    assert!(sink.place().ends_with("/published/kpis"), "{}", sink.place());
}

/// Each epoch ends with a crash, before or after its commit, with work begun after the checkpoint; the files come out the same.
#[test]
fn crashes_at_each_step_lose_and_double_nothing() {
    let service = service();
    let script = |sink: &mut JsonFiles, step: i64| {
        sink.accept(&rows::closed(step * 4, 0, &["France", "Germany"])).unwrap();
        let late: &[&str] = if step % 2 == 0 { &[] } else { &["Germany"] };
        sink.accept(&rows::closed(step * 4 - 4, 1, late)).unwrap();
    };
    let mut sink = run(&service, "/crash/whole", 1, None);
    (0..4).for_each(|step| script(&mut sink, step));
    epoch(&mut sink);
    for (name, committed) in [("before", false), ("after", true)] {
        let path = format!("/crash/{name}");
        let mut sink = run(&service, &path, 1, None);
        for step in 0..4 {
            script(&mut sink, step);
            let checkpoint = sink.prepare(1).unwrap().bytes;
            if committed {
                sink.commit(1, &checkpoint).unwrap();
            }
            sink.accept(&rows::closed(step * 4 + 1, 9, &["nowhere"])).unwrap();
            sink.prepare(2).unwrap();
            drop(sink);
            sink = run(&service, &path, step as u64 + 2, Some(&checkpoint));
        }
        assert_eq!(published(&service, &path), published(&service, "/crash/whole"), "{name}");
        assert_eq!(left_aside(&hdfs(&service.url()), &path), Vec::<String>::new());
    }
}

#[test]
fn an_older_run_is_shut_out() {
    let service = service();
    let path = "/fenced";
    let mut old = run(&service, path, 1, None);
    old.accept(&rows::closed(0, 0, &["Germany"])).unwrap();
    let checkpoint = epoch(&mut old);
    old.accept(&rows::closed(1, 0, &["zombie"])).unwrap();
    let late = old.prepare(2).unwrap().bytes;
    let mut new = run(&service, path, 2, Some(&checkpoint));
    let fenced = |outcome: Result<(), SinkError>| {
        assert!(matches!(outcome, Err(SinkError::Fenced { .. })), "{outcome:?}");
    };
    fenced(old.commit(2, &late));
    fenced(old.prepare(3).map(drop));
    new.accept(&rows::closed(1, 0, &["Germany"])).unwrap();
    epoch(&mut new);
    fenced(old.commit(2, &late));
    assert!(!published(&service, path)[FILE].contains("zombie"));
    fenced(sink_over(hdfs(&service.url()), path).recover(&resume(1, Some(&checkpoint))).map(drop));
    epoch(&mut new);
}

#[test]
fn lost_answers_change_nothing() {
    let service = service();
    let (path, cutter) = ("/unclear", Cutter::before(&service.url()));
    let mut sink = sink_over(hdfs(&cutter.url()), path);
    sink.recover(&resume(1, None)).unwrap();
    for (step, lost) in [Lost::Call, Lost::Answer, Lost::Answer].into_iter().enumerate() {
        sink.accept(&rows::closed(step as i64, 0, &["Germany"])).unwrap();
        cutter.cut("complete", lost);
        let prepared = sink.prepare(1).unwrap();
        assert_eq!(prepared.undelivered, 0);
        cutter.cut("rename2", lost);
        sink.commit(1, &prepared.bytes).unwrap();
        assert_eq!(cutter.cuts(), step * 2 + 2);
        assert_eq!(minutes(&published(&service, path)[FILE]).len(), step + 1);
    }
    let checkpoint = sink.prepare(1).unwrap().bytes;
    drop(sink);
    let mut sink = sink_over(hdfs(&cutter.url()), path);
    cutter.cut("rename2", Lost::Answer);
    sink.recover(&resume(2, Some(&checkpoint))).unwrap();
    assert_eq!(cutter.cuts(), 7, "in taking over");
    epoch(&mut sink);
    assert_eq!(minutes(&published(&service, path)[FILE]), ["10:50", "10:51", "10:52"]);
}
