//! The storage's contract, and what it makes of lost answers and dead writers.

use super::cutter::{Cutter, Lost};
use super::*;
use hdfs_native::{ClientBuilder, WriteOptions};
use std::io::ErrorKind;
use weir::storage::Entry;

fn kind<T: std::fmt::Debug>(outcome: std::io::Result<T>) -> ErrorKind {
    let error = outcome.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    error.kind()
}

fn names(storage: &Hdfs, path: &Path) -> Vec<String> {
    let mut names: Vec<_> = storage.list(path).unwrap().into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

#[test]
fn it_keeps_the_contract_of_storage() {
    let service = service();
    let (storage, top) = (hdfs(&service.url()), Path::new("/contract"));
    let (file, folder) = (top.join("a/file"), top.join("a"));
    assert_eq!(kind(storage.write(&file, b"x")), ErrorKind::NotFound, "a write makes no folders");
    assert_eq!(kind(storage.create_folder(&folder)), ErrorKind::NotFound);
    storage.create_folders(&folder).unwrap();
    storage.create_folders(&folder).unwrap();
    assert_eq!(kind(storage.create_folder(&folder)), ErrorKind::AlreadyExists);
    storage.create_folder(&top.join("b")).unwrap();
    assert_eq!(names(&storage, top), ["a", "b"], "nothing is left of what could not be made");

    assert_eq!(kind(storage.read(&file)), ErrorKind::NotFound);
    assert_eq!(storage.length(&file).unwrap(), None);
    let large: Vec<u8> = (0..3_000_000u32).map(|byte| byte as u8).collect();
    for bytes in [&b"first"[..], b"", &large, b"last"] {
        storage.write(&file, bytes).unwrap();
        assert_eq!(storage.read(&file).unwrap(), bytes);
        assert_eq!(storage.length(&file).unwrap(), Some(bytes.len() as u64));
        assert_eq!(service.read("/contract/a/file").unwrap(), bytes);
    }
    assert_eq!(storage.list(&folder).unwrap(), [Entry { name: "file".to_owned(), folder: false }]);
    assert_eq!(storage.length(&folder).unwrap(), None, "a folder has none");

    let other = top.join("b/other");
    storage.write(&other, b"other").unwrap();
    assert_eq!(kind(storage.rename_new(&file, &other)), ErrorKind::AlreadyExists);
    storage.replace(&file, &other).unwrap();
    assert_eq!(storage.read(&other).unwrap(), b"last");
    assert_eq!(kind(storage.replace(&file, &other)), ErrorKind::NotFound);
    assert_eq!(kind(storage.rename_new(&other, &top.join("none/other"))), ErrorKind::NotFound);
    assert_eq!(kind(storage.rename_new(&top.join("b"), &folder)), ErrorKind::AlreadyExists, "also where it is empty");
    storage.rename_new(&top.join("b"), &top.join("c")).unwrap();
    assert_eq!(kind(storage.write(&other, b"x")), ErrorKind::NotFound, "who writes there is shut out");
    assert_eq!(names(&storage, top), ["a", "c"]);

    storage.remove(&top.join("c/other")).unwrap();
    storage.remove(&top.join("c/other")).unwrap();
    storage.remove_folder(top).unwrap();
    storage.remove_folder(top).unwrap();
    assert_eq!(kind(storage.list(top)), ErrorKind::NotFound);
    storage.sync_folder(top).unwrap();
    assert_eq!(storage.place(&file), format!("{}/contract/a/file", service.url()));
}

/// Each call once without its answer, and once lost on the way there.
#[test]
fn lost_calls_and_lost_answers_are_found_out() {
    let service = service();
    let cutter = Cutter::before(&service.url());
    let (storage, top) = (hdfs(&cutter.url()), Path::new("/cut"));
    storage.create_folders(&top.join("to")).unwrap();
    let mut cuts = 0;
    for lost in [Lost::Call, Lost::Answer] {
        let mut done = |method: &'static str, act: &dyn Fn()| {
            cutter.cut(method, lost);
            act();
            cuts += 1;
            assert_eq!(cutter.cuts(), cuts, "{method} was called");
        };
        let (file, moved) = (top.join("file"), top.join("to/file"));
        for method in ["create", "addBlock", "fsync", "complete", "getFileInfo", "rename2"] {
            done(method, &|| storage.write(&file, method.as_bytes()).unwrap());
            assert_eq!(service.read("/cut/file").unwrap(), method.as_bytes());
        }
        done("rename2", &|| storage.rename_new(&file, &moved).unwrap());
        assert_eq!(storage.read(&moved).unwrap(), b"rename2");
        storage.write(&file, b"newer").unwrap();
        done("rename2", &|| assert_eq!(kind(storage.rename_new(&file, &moved)), ErrorKind::AlreadyExists));
        done("rename2", &|| storage.replace(&file, &moved).unwrap());
        done("rename2", &|| assert_eq!(kind(storage.replace(&file, &moved)), ErrorKind::NotFound));
        assert_eq!(storage.read(&moved).unwrap(), b"newer");
        done("delete", &|| storage.remove(&moved).unwrap());
        done("rename2", &|| storage.create_folder(&top.join("new")).unwrap());
        done("rename2", &|| assert_eq!(kind(storage.create_folder(&top.join("new"))), ErrorKind::AlreadyExists));
        done("delete", &|| storage.remove_folder(&top.join("new")).unwrap());
        done("mkdirs", &|| storage.create_folders(&top.join("to/deeper")).unwrap());
        done("getListing", &|| drop(storage.list(top).unwrap()));
    }
    let left = names(&storage, top).into_iter().filter(|name| name != "to").collect::<Vec<_>>();
    assert!(left.iter().all(|name| name.ends_with(".part")), "{left:?}");
}

/// A writer that died: its file is open, and its lease runs for an hour.
fn die_writing(service: &Service, path: &str, bytes: &'static [u8]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = ClientBuilder::new().with_url(service.url()).build().unwrap();
        let mut writer = client.create(path, WriteOptions::default()).await.unwrap();
        writer.write_bytes(bytes.into()).await.unwrap();
        writer.hsync().await.unwrap();
        std::mem::forget(writer);
        std::mem::forget(client);
    });
    runtime.shutdown_background();
}

#[test]
fn what_a_dead_writer_left_open_is_in_nobodys_way() {
    let service = service();
    let (storage, top) = (hdfs(&service.url()), Path::new("/dead"));
    storage.create_folders(top).unwrap();
    die_writing(&service, "/dead/read", b"as far as it came");
    assert_eq!(storage.read(&top.join("read")).unwrap(), b"as far as it came");
    assert_eq!(storage.length(&top.join("read")).unwrap(), Some(17));

    die_writing(&service, "/dead/written", b"old");
    storage.write(&top.join("written"), b"new").unwrap();
    assert_eq!(service.read("/dead/written").unwrap(), b"new");

    die_writing(&service, "/dead/replaced", b"old");
    storage.replace(&top.join("written"), &top.join("replaced")).unwrap();
    assert_eq!(storage.read(&top.join("replaced")).unwrap(), b"new");

    die_writing(&service, "/dead/removed", b"old");
    storage.remove(&top.join("removed")).unwrap();
    assert_eq!(names(&storage, top), ["read", "replaced"]);
}

#[test]
fn nobody_there_is_told_in_time_and_in_a_line() {
    let storage = hdfs("hdfs://127.0.0.1:1").with_patience(Duration::from_millis(300));
    let error = storage.read(Path::new("/x")).unwrap_err();
    assert!(weir::storage::is_away(&error), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(Hdfs::new("hdfs://", &BTreeMap::new()).unwrap().length(Path::new("/x")).is_err());
}
