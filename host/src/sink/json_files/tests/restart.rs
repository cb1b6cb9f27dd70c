//! What may still change is read out of the published files, whoever wrote them last.

use super::*;

const FILE: &str = "sales/2020-09-18T10-50-00Z.json";

fn run(path: &Path, generation: u64, prepared: &[u8]) -> JsonFiles {
    let mut sink = sink(path);
    sink.recover(&resume_as("test", generation, Some(prepared))).unwrap();
    sink
}

#[test]
fn a_checkpoint_grows_with_what_changed_and_not_with_what_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for minute in 0..1_000 {
        sink.accept(&closed(0, minute, 0, &[FRANCE, GERMANY])).unwrap();
    }
    epoch(&mut sink);
    sink.accept(&closed(0, 0, 1, &[GERMANY])).unwrap();
    let len = epoch(&mut sink).len();
    assert!(len < 100 * 8 + 300, "100 open files and one change: {len} bytes");
}

#[test]
fn windows_of_open_files_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[FRANCE, GERMANY])).unwrap();
    first.accept(&closed(0, 1, 3, &[GERMANY])).unwrap();
    first.settle(T0_US);
    let checkpoint = epoch(&mut first);
    drop(first);
    let mut second = run(folder.path(), 2, &checkpoint);
    let before = tree(folder.path());
    second.accept(&closed(0, 1, 2, &[FRANCE])).unwrap();
    second.accept(&closed(0, 1, 3, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(tree(folder.path()), before, "lower revisions and the same one change nothing");
    second.accept(&closed(0, 1, 4, &[FRANCE])).unwrap();
    second.accept(&closed(0, 2, 0, &[GERMANY])).unwrap();
    epoch(&mut second);
    let content = &visible(folder.path())[FILE];
    assert_eq!(minutes(content), ["10:50", "10:50", "10:51", "10:52"]);
    assert!(content.contains("\"revision\":4,\"country\":\"France\""), "{content}");
}

/// The newest checkpoint could not be read, and the run goes on from the one before it.
#[test]
fn files_may_be_newer_than_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    first.settle(T0_US);
    let checkpoint = epoch(&mut first);
    first.accept(&closed(0, 0, 2, &[FRANCE])).unwrap();
    first.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    first.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
    epoch(&mut first);
    drop(first);
    let newest = visible(folder.path());
    let mut second = run(folder.path(), 2, &checkpoint);
    assert_eq!(visible(folder.path()), newest);
    second.accept(&closed(0, 0, 1, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(visible(folder.path()), newest, "the higher revision stays");
    second.accept(&closed(0, 0, 2, &[FRANCE])).unwrap();
    second.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    second.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(visible(folder.path()), newest, "the same rows, cut into other epochs");
}

/// A revision that took a window's rows leaves no trace in the file.
#[test]
fn a_window_that_lost_its_rows_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    first.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    first.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
    epoch(&mut first);
    first.accept(&closed(0, 1, 2, &[])).unwrap();
    first.accept(&closed(0, 10, 2, &[])).unwrap();
    let checkpoint = epoch(&mut first);
    drop(first);
    let mut second = run(folder.path(), 2, &checkpoint);
    second.accept(&closed(0, 1, 1, &[FRANCE])).unwrap();
    second.accept(&closed(0, 10, 1, &[FRANCE])).unwrap();
    epoch(&mut second);
    assert_eq!(visible(folder.path()).len(), 1);
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
    second.accept(&closed(0, 1, 3, &[FRANCE])).unwrap();
    epoch(&mut second);
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51"]);
}

#[test]
fn lines_of_somebody_else_do_not_stop_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = epoch(&mut first);
    drop(first);
    let path = folder.path().join("out").join(FILE);
    fs::write(&path, format!("# mine\n{}", fs::read_to_string(&path).unwrap())).unwrap();
    let mut second = run(folder.path(), 2, &checkpoint);
    assert!(visible(folder.path())[FILE].starts_with("# mine"), "a start alone changes nothing");
    second.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51"]);
}

/// What a checkpoint holds comes out the same, wherever the run was cut and whoever goes on.
#[test]
fn cuts_after_each_step_give_the_same_files() {
    let script = |sink: &mut JsonFiles, step: i64| {
        sink.accept(&closed(0, step, 0, &[FRANCE, GERMANY])).unwrap();
        sink.accept(&closed(0, step - 3, 1, if step % 2 == 0 { &[] } else { &[GERMANY] })).unwrap();
        sink.accept(&closed(2, step * 4, 0, &[FRANCE])).unwrap();
        sink.settle(T0_US + (step - 20) * MINUTE_US);
    };
    let whole = tempfile::tempdir().unwrap();
    let mut sink = started(whole.path());
    (0..30).for_each(|step| script(&mut sink, step));
    epoch(&mut sink);
    for committed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = started(folder.path());
        for step in 0..30 {
            script(&mut sink, step);
            let checkpoint = sink.prepare(1).unwrap().bytes;
            if committed {
                sink.commit(1, &checkpoint).unwrap();
            }
            // Work after the checkpoint, of which nothing may stay.
            sink.accept(&closed(0, step + 1, 9, &[GERMANY])).unwrap();
            sink.prepare(2).unwrap();
            drop(sink);
            sink = run(folder.path(), u64::try_from(step).unwrap() + 2, &checkpoint);
        }
        assert_eq!(tree(folder.path()), tree(whole.path()), "committed: {committed}");
    }
}
