//! What is found again after a crash, a torn file and a flipped bit.

use super::*;

const BYTES: &[u8] = b"offsets and state";

fn open(path: &Path) -> FolderStore {
    FolderStore::open(path).unwrap()
}

fn files(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn saved(epoch: u64, bytes: &[u8]) -> Option<Saved> {
    Some(Saved { epoch, bytes: bytes.to_vec() })
}

#[test]
fn the_last_two_are_kept_and_the_last_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let store = open(&path);
    assert_eq!(store.latest().unwrap(), None);
    for epoch in [1, 2, 9, 10] {
        store.write(epoch, &[epoch as u8; 100]).unwrap();
        assert_eq!(store.latest().unwrap(), saved(epoch, &[epoch as u8; 100]));
    }
    assert_eq!(files(&path), ["epoch-10.ckpt", "epoch-9.ckpt", "lock"]);
    drop(store);
    assert_eq!(open(&path).latest().unwrap(), saved(10, &[10; 100]));
}

#[test]
fn no_bytes_are_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.write(0, b"").unwrap();
    assert_eq!(store.latest().unwrap(), saved(0, b""));
}

#[test]
fn epochs_rise() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.write(7, BYTES).unwrap();
    drop(store);
    let store = open(folder.path());
    for epoch in [7, 6, 0] {
        assert!(matches!(store.write(epoch, BYTES), Err(CheckpointError::NotRising { last: 7, .. })));
    }
    store.write(8, BYTES).unwrap();
}

/// A folder with epochs 1 and 2, of which 2 holds these bytes instead of its own.
fn with_broken(broken: &[u8]) -> (tempfile::TempDir, FolderStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.write(1, b"one").unwrap();
    fs::write(folder.path().join("epoch-2.ckpt"), broken).unwrap();
    (folder, store)
}

fn whole() -> Vec<u8> {
    [&header(2, BYTES), BYTES].concat()
}

/// Looks for the latest with these bytes in the place of epoch 2.
fn latest_with(folder: &tempfile::TempDir, store: &FolderStore, bytes: &[u8]) -> Option<Saved> {
    fs::write(folder.path().join("epoch-2.ckpt"), bytes).unwrap();
    store.latest().unwrap()
}

#[test]
fn torn_at_any_length_the_one_before_is_taken() {
    let whole = whole();
    let (folder, store) = with_broken(b"");
    for len in 0..whole.len() {
        let latest = latest_with(&folder, &store, &whole[..len]);
        assert_eq!(latest, saved(1, b"one"), "{len} bytes");
    }
    assert_eq!(latest_with(&folder, &store, &whole), saved(2, BYTES));
    let longer = [whole, vec![0]].concat();
    assert_eq!(latest_with(&folder, &store, &longer), saved(1, b"one"));
}

#[test]
fn every_flipped_byte_is_found() {
    let whole = whole();
    let (folder, store) = with_broken(b"");
    for place in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[place] ^= flip;
            let latest = latest_with(&folder, &store, &flipped);
            assert_eq!(latest, saved(1, b"one"), "byte {place} ^ {flip:#x}");
        }
    }
}

#[test]
fn a_file_under_another_epochs_name_is_not_believed() {
    let (_folder, store) = with_broken(&[&header(3, BYTES), BYTES].concat());
    assert_eq!(store.latest().unwrap(), saved(1, b"one"));
}

#[test]
fn a_broken_one_is_replaced_and_the_good_one_kept_meanwhile() {
    let (folder, store) = with_broken(b"broken");
    store.latest().unwrap();
    store.write(2, BYTES).unwrap();
    assert_eq!(store.latest().unwrap(), saved(2, BYTES));
    assert_eq!(files(folder.path()), ["epoch-1.ckpt", "epoch-2.ckpt", "lock"]);
    fs::write(folder.path().join("epoch-9.ckpt"), b"broken").unwrap();
    assert_eq!(store.latest().unwrap(), saved(2, BYTES));
    store.write(3, BYTES).unwrap();
    assert_eq!(files(folder.path()), ["epoch-2.ckpt", "epoch-3.ckpt", "lock"]);
}

#[test]
fn all_broken_is_an_error_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("epoch-1.ckpt"), b"broken").unwrap();
    fs::write(folder.path().join("epoch-2.ckpt"), whole().split_last().unwrap().1).unwrap();
    let store = open(folder.path());
    for _ in 0..2 {
        let error = store.latest().unwrap_err().to_string();
        assert!(
            error.contains("epoch-1.ckpt") && error.contains("epoch-2.ckpt") && error.contains("move it away"),
            "{error}"
        );
        assert!(store.write(3, BYTES).is_err(), "nor are they written over");
    }
    assert_eq!(files(folder.path()), ["epoch-1.ckpt", "epoch-2.ckpt", "lock"]);
}

#[test]
fn leftovers_go_and_strange_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["epoch-3.ckpt.aside", "epoch-03.ckpt", "epoch-x.ckpt", "notes"] {
        fs::write(folder.path().join(name), b"x").unwrap();
    }
    let store = open(folder.path());
    assert_eq!(store.latest().unwrap(), None);
    store.write(1, BYTES).unwrap();
    assert_eq!(files(folder.path()), ["epoch-03.ckpt", "epoch-1.ckpt", "epoch-x.ckpt", "lock", "notes"]);
}

#[test]
fn a_failed_write_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.write(1, b"one").unwrap();
    fs::create_dir(folder.path().join("epoch-2.ckpt.aside")).unwrap();
    let error = store.write(2, BYTES).unwrap_err().to_string();
    assert!(error.contains("epoch-2.ckpt.aside"), "{error}");
    assert_eq!(store.latest().unwrap(), saved(1, b"one"));
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let error = FolderStore::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(first);
    open(folder.path());
}
