//! Which source a snapshot belongs to, and what its bytes keep of a partition.

use super::*;

fn snapshot(partitions: Vec<SavedPartition>) -> Snapshot {
    Snapshot {
        pipeline: "p".into(),
        identity: Identity { preprocessors: Vec::new(), fields: Vec::new(), time: String::new(), kpis: Vec::new() },
        groupings: Vec::new(),
        partitions,
        state: State::Whole(CloserState { watermark_us: 7, groupings: Vec::new(), kpis: Vec::new() }),
        begins_us: Vec::new(),
        ledger: Ledger::default(),
        tally: Tally::new(0),
        letters: [0, 0],
        sinks: Vec::new(),
    }
}

fn saved(identity: Option<&str>) -> SavedPartition {
    SavedPartition {
        name: "t".into(),
        id: 0,
        next_offset: Some(40),
        epoch: Some(3),
        identity: identity.map(str::to_owned),
        clock: ClockState::default(),
    }
}

fn now(identity: Option<&str>) -> Partition {
    Partition {
        name: "t".into(),
        id: 0,
        records: None,
        begin: None,
        bytes: None,
        identity: identity.map(str::to_owned),
    }
}

#[test]
fn a_checkpoint_of_another_topic_of_that_name_is_refused() {
    let fits = |then, id| snapshot(vec![saved(then)]).is_of("p", &[now(id)]);
    let told = fits(Some("AAA"), Some("BBB")).unwrap_err().to_string();
    assert!(told.contains("topic `t` was deleted and made anew since the checkpoint (id AAA then, BBB now)"), "{told}");
    // Old checkpoints and old brokers know no ids.
    for (then, id) in [(Some("AAA"), Some("AAA")), (None, Some("BBB")), (Some("AAA"), None), (None, None)] {
        assert!(fits(then, id).is_ok(), "{then:?} {id:?}");
    }
}

#[test]
fn offset_epoch_and_identity_come_back() {
    let all = vec![saved(Some("AAA")), SavedPartition { epoch: None, next_offset: None, ..saved(None) }];
    let snapshot = decode(&encode(&snapshot(all.clone())).unwrap()).unwrap();
    assert_eq!((snapshot.partitions.clone(), snapshot.offsets()), (all, vec![(0, 40)]));
}

#[test]
fn a_checkpoint_from_before_they_were_saved_goes_on() {
    let bytes = encode(&snapshot(vec![saved(Some("AAA"))])).unwrap();
    let text = String::from_utf8(bytes[4..].to_vec()).unwrap();
    let old = text.replace("\"epoch\":3,", "").replace("\"identity\":\"AAA\",", "");
    assert!(!old.contains("epoch") && !old.contains("AAA"), "{old}");
    let old = [(old.len() as u32).to_le_bytes().as_slice(), old.as_bytes()].concat();
    let partitions = decode(&old).unwrap().partitions;
    assert_eq!(partitions, [SavedPartition { epoch: None, ..saved(None) }]);
}
