//! What is found again after a crash, a torn file and a flipped bit, and who may write.

use super::record::encode;
use super::*;
use crate::storage::local::Local;
use std::fs;

const BYTES: &[u8] = b"offsets and state";

fn open(path: &Path) -> FolderStore {
    FolderStore::open(Arc::new(Local), path, 0).unwrap()
}

/// The records' files, without their ending.
fn files(store: &FolderStore) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(&store.claim.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn saved(epoch: u64, records: &[&[u8]]) -> Option<Saved> {
    Some(Saved { epoch, records: records.iter().map(|bytes| bytes.to_vec()).collect() })
}

#[test]
fn the_two_last_chains_are_kept_and_the_last_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let mut store = open(&path);
    assert_eq!(store.latest().unwrap(), None);
    for (epoch, builds_on) in [(1, None), (2, Some(1)), (3, None), (5, Some(3)), (6, Some(5)), (9, None)] {
        store.write(epoch, builds_on, &[epoch as u8; 100]).unwrap();
    }
    assert_eq!(store.latest().unwrap(), saved(9, &[&[9; 100]]));
    assert_eq!(files(&store), ["epoch-3.ckpt", "epoch-5.ckpt", "epoch-6.ckpt", "epoch-9.ckpt"]);
    store.write(10, Some(9), b"ten").unwrap();
    drop(store);
    let mut store = open(&path);
    assert_eq!((store.generation(), store.highest()), (2, 10));
    assert_eq!(store.latest().unwrap(), saved(10, &[&[9; 100], b"ten"]));
}

#[test]
fn epochs_rise_also_above_those_that_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.write(7, None, BYTES).unwrap();
    fs::write(store.path("epoch-8.ckpt"), b"broken").unwrap();
    drop(store);
    let mut store = open(folder.path());
    for epoch in [8, 7, 0] {
        assert!(matches!(store.write(epoch, None, BYTES), Err(CheckpointError::NotRising { last: 8, .. })));
    }
    store.write(9, None, BYTES).unwrap();
}

/// A folder with a chain of epochs 1 and 2, and bytes of our choice as epoch 3, which builds on 2.
fn with_third(bytes: &[u8]) -> (tempfile::TempDir, FolderStore) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.write(1, None, b"one").unwrap();
    store.write(2, Some(1), b"two").unwrap();
    fs::write(store.path("epoch-3.ckpt"), bytes).unwrap();
    (folder, store)
}

#[test]
fn torn_at_any_length_the_one_before_is_taken() {
    let whole = encode(3, Some(2), BYTES);
    let (_folder, mut store) = with_third(&whole);
    assert_eq!(store.latest().unwrap(), saved(3, &[b"one", b"two", BYTES]));
    for len in 0..whole.len() {
        fs::write(store.path("epoch-3.ckpt"), &whole[..len]).unwrap();
        assert_eq!(store.latest().unwrap(), saved(2, &[b"one", b"two"]), "{len} bytes");
    }
    fs::write(store.path("epoch-3.ckpt"), [whole, vec![0]].concat()).unwrap();
    assert_eq!(store.latest().unwrap(), saved(2, &[b"one", b"two"]));
}

#[test]
fn every_flipped_byte_is_found() {
    let whole = encode(3, Some(2), BYTES);
    let (_folder, mut store) = with_third(&whole);
    for place in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[place] ^= flip;
            fs::write(store.path("epoch-3.ckpt"), flipped).unwrap();
            assert_eq!(store.latest().unwrap(), saved(2, &[b"one", b"two"]), "byte {place} ^ {flip:#x}");
        }
    }
}

#[test]
fn a_chain_with_a_broken_link_is_none() {
    let (_folder, mut store) = with_third(&encode(3, Some(2), BYTES));
    fs::write(store.path("epoch-2.ckpt"), b"broken").unwrap();
    assert_eq!(store.latest().unwrap(), saved(1, &[b"one"]));
    fs::remove_file(store.path("epoch-1.ckpt")).unwrap();
    let error = store.latest().unwrap_err().to_string();
    assert!(error.contains("epoch-2.ckpt: it is shorter") && error.contains("move it away"), "{error}");
}

#[test]
fn a_file_under_another_epochs_name_is_not_believed() {
    let (_folder, mut store) = with_third(&encode(4, Some(2), BYTES));
    assert_eq!(store.latest().unwrap(), saved(2, &[b"one", b"two"]));
}

#[test]
fn all_broken_is_an_error_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let mut store = open(folder.path());
    fs::write(store.path("epoch-1.ckpt"), b"broken").unwrap();
    for _ in 0..2 {
        assert!(store.latest().unwrap_err().to_string().contains("epoch-1.ckpt"));
        assert!(store.write(3, None, BYTES).is_err(), "nor is it written over");
    }
}

#[test]
fn leftovers_go_and_strange_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for name in ["epoch-3.ckpt.aside", "epoch-03.ckpt", "epoch-x.ckpt", "notes"] {
        fs::write(store.path(name), b"x").unwrap();
    }
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(store.latest().unwrap(), None);
    assert_eq!(files(&store), ["epoch-03.ckpt", "epoch-x.ckpt", "notes"]);
}

#[test]
fn a_failed_write_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.write(1, None, b"one").unwrap();
    fs::create_dir(store.path("epoch-2.ckpt.aside")).unwrap();
    let error = store.write(2, Some(1), BYTES).unwrap_err().to_string();
    assert!(error.contains("epoch-2.ckpt.aside"), "{error}");
    assert_eq!(store.latest().unwrap(), saved(1, &[b"one"]));
}

#[test]
fn the_newer_claim_shuts_out_the_older() {
    let folder = tempfile::tempdir().unwrap();
    let mut older = open(folder.path());
    older.write(1, None, b"one").unwrap();
    let mut newer = open(folder.path());
    assert_eq!((older.generation(), newer.generation()), (1, 2));
    assert_eq!(older.lineage(), newer.lineage());
    let fenced = |result| matches!(result, Err(CheckpointError::Fenced { generation: 1, .. }));
    assert!(fenced(older.check()) && fenced(older.write(2, Some(1), b"zombie")));
    newer.check().unwrap();
    assert_eq!(newer.latest().unwrap(), saved(1, &[b"one"]));
    newer.write(2, Some(1), b"two").unwrap();
    assert!(fenced(older.write(3, Some(1), b"zombie")));
    assert_eq!(open(folder.path()).latest().unwrap(), saved(2, &[b"one", b"two"]));
}

#[test]
fn a_restored_folder_is_of_a_higher_generation_than_those_it_had_before() {
    let folder = tempfile::tempdir().unwrap();
    let at = |floor| FolderStore::open(Arc::new(Local), folder.path(), floor).unwrap().generation();
    assert_eq!([at(100), at(100), at(50)], [100, 101, 102], "clocks may go back");
    assert_eq!(at(1_000), 1_000);
}

#[test]
fn of_many_claimants_at_once_one_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let claimed: Vec<_> = std::thread::scope(|scope| {
        let claimants: Vec<_> = (0..8).map(|_| scope.spawn(|| FolderStore::open(Arc::new(Local), path, 0))).collect();
        claimants.into_iter().map(|claimant| claimant.join().unwrap()).collect()
    });
    let mut ours = 0;
    for outcome in &claimed {
        match outcome {
            Ok(store) => ours += usize::from(store.check().is_ok()),
            // A faster one came while it was opening.
            Err(error) => assert!(matches!(error, CheckpointError::Fenced { .. }), "{error}"),
        }
    }
    assert_eq!(ours, 1);
}

#[test]
fn a_first_claimant_that_died_amid_it_takes_no_records_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path());
    first.write(1, None, b"one").unwrap();
    fs::create_dir(folder.path().join(format!("generation-{}", u64::MAX / 2))).unwrap();
    let (claim, found) = FolderStore::look(&(Arc::new(Local) as Arc<dyn Storage>), folder.path()).unwrap().unwrap();
    assert_eq!((claim.generation, found), (first.generation(), saved(1, &[b"one"])));
    let mut next = open(folder.path());
    assert_eq!(next.latest().unwrap(), saved(1, &[b"one"]));
    assert!(matches!(first.check(), Err(CheckpointError::Fenced { .. })));
    let generations = fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(generations.count(), 1);
}

#[test]
fn a_backup_copied_into_the_folder_is_told_and_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).write(1, None, b"one").unwrap();
    let backup = folder.path().join("generation-3");
    fs::create_dir(&backup).unwrap();
    fs::write(backup.join("epoch-1.ckpt"), b"old").unwrap();
    let error = FolderStore::open(Arc::new(Local), folder.path(), 0).unwrap_err().to_string();
    assert!(
        error.contains("generation-1 and generation-3") || error.contains("generation-3 and generation-1"),
        "{error}"
    );
    assert!(backup.join("epoch-1.ckpt").exists() && folder.path().join("generation-1/epoch-1.ckpt").exists());
}

#[test]
fn looking_claims_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let local: Arc<dyn Storage> = Arc::new(Local);
    assert!(FolderStore::look(&local, &folder.path().join("none")).unwrap().is_none());
    let mut store = open(folder.path());
    store.write(1, None, b"one").unwrap();
    let (claim, latest) = FolderStore::look(&local, folder.path()).unwrap().unwrap();
    assert_eq!((claim.generation, latest), (1, saved(1, &[b"one"])));
    store.write(2, Some(1), b"two").unwrap();
}

/// A power cut may keep the name of a generation's folder, and lose that of the lineage's file.
#[test]
fn a_claim_without_a_lineage_is_none_unless_it_holds_records() {
    let folder = tempfile::tempdir().unwrap();
    let (local, lineage): (Arc<dyn Storage>, _) = (Arc::new(Local), folder.path().join("lineage"));
    fs::create_dir(folder.path().join("generation-1")).unwrap();
    assert!(FolderStore::look(&local, folder.path()).unwrap().is_none());
    open(folder.path()).write(1, None, b"one").unwrap();
    assert!(FolderStore::look(&local, folder.path()).unwrap().is_some());
    fs::remove_file(&lineage).unwrap();
    let error = FolderStore::look(&local, folder.path()).unwrap_err().to_string();
    assert!(error.contains(&lineage.display().to_string()), "{error}");
}

#[test]
fn an_earlier_layout_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("epoch-4.ckpt"), b"x").unwrap();
    let error = FolderStore::open(Arc::new(Local), folder.path(), 0).unwrap_err().to_string();
    assert!(error.contains("earlier version"), "{error}");
}
