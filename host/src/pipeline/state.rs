//! What a checkpoint holds, for people (`weir state show`). Claims nothing and changes nothing; a pipeline may be running on it.

use super::resume;
use super::snapshot::{self, Snapshot, State};
use super::storage;
use crate::checkpoint::{CheckpointError, Saved};
use crate::config::plan::{FolderPlan, Plan};
use crate::sink::timestamp_text;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use thiserror::Error;
use weir_core::delta::{Cell, GroupingState, WindowState};
use weir_core::group::GroupKey;
use weir_core::window::Windowing;

/// Where a checkpoint is.
#[derive(Debug, Clone)]
pub struct StatePlace(FolderPlan);

/// Why it can't be shown.
#[derive(Debug, Error)]
pub enum StateError {
    /// The place.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Its content.
    #[error(transparent)]
    Content(#[from] super::RunError),
    /// Neither a folder nor an address.
    #[error("{0}")]
    Usage(String),
}

/// A checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    /// Where it is.
    pub place: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The life that it belongs to.
    pub lineage: String,
    /// Of its last claim: at least the time of that in milliseconds.
    pub generation: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Records of its chain, and their bytes.
    pub records: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// The pipeline's watermark.
    pub watermark: Option<String>,
    /// In the source's order.
    pub partitions: Vec<PartitionPicture>,
    /// In the file's order.
    pub kpis: Vec<KpiPicture>,
    /// In the file's order.
    pub sinks: Vec<SinkPicture>,
    /// The ledger: read, undecodable, future-dated, rejected, filtered, kept.
    pub ledger: BTreeMap<&'static str, u64>,
    /// Bytes of the dead-letter file and of the late file that belong to it.
    pub letters_bytes: [u64; 2],
}

/// A partition.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionPicture {
    /// The topic, or the file.
    pub name: String,
    /// Its number there.
    pub partition: i32,
    /// The topic's id.
    pub identity: Option<String>,
    /// The next offset to read.
    pub next_offset: Option<i64>,
    /// The end as the source says now, and how far behind it is; only where the source was asked.
    pub lag: Option<i64>,
    /// The largest believed event time.
    pub front: Option<String>,
    /// Records in a row that jumped ahead of it and are not believed yet.
    pub jumps: u32,
}

/// A KPI.
#[derive(Debug, Clone, Serialize)]
pub struct KpiPicture {
    /// Its name.
    pub name: String,
    /// Its plugin, and the digest of its code.
    pub plugin: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// Of its state's format.
    pub state_version: u32,
    /// Its windows.
    pub window: String,
    /// Windows that hold records and were not published yet.
    pub open_windows: usize,
    /// The first and the last of them.
    pub open: Option<(String, String)>,
    /// Windows that were published and may come again with late records.
    pub revisable_windows: usize,
    /// Panes and group keys that hold state.
    pub cells: usize,
    /// Bytes of its states over the chain.
    pub state_bytes: u64,
    /// Records counted.
    pub counted: u64,
    /// Records that every window refused.
    pub late: u64,
    /// Windows published.
    pub windows: u64,
    /// Windows that start at or before this are published as unavailable.
    pub begins: Option<String>,
}

/// A sink.
#[derive(Debug, Clone, Serialize)]
pub struct SinkPicture {
    /// Its name.
    pub name: String,
    /// Bytes that it put into the chain's records.
    pub bytes: u64,
    /// Bytes of rows that its system had not taken.
    pub undelivered_bytes: u64,
}

impl StatePlace {
    /// Of a folder or an address.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        match text.split_once("://") {
            None => Ok(Self(FolderPlan::Local(Path::new(text).to_owned()))),
            Some(("hdfs", rest)) if rest.contains('/') => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let path = format!("/{}", path.trim_end_matches('/'));
                Ok(Self(FolderPlan::Hdfs { url: format!("hdfs://{host}"), path, properties: BTreeMap::new() }))
            }
            Some(_) => Err(StateError::Usage(format!(
                "{text} is no place of checkpoints: name a folder, or an address as hdfs://host:port/path"
            ))),
        }
    }

    /// Of a pipeline.
    pub fn of(plan: &Plan) -> Result<Self, StateError> {
        let none = || StateError::Usage(format!("{} has no [checkpoint]", plan.file.name));
        plan.checkpoint.as_ref().map(|checkpoint| Self(checkpoint.folder.clone())).ok_or_else(none)
    }
}

/// Looks at a checkpoint. `ends`: for each partition, the end that the source tells now.
pub fn look(place: &StatePlace, ends: Option<&[Option<i64>]>) -> Result<Picture, StateError> {
    let (storage, path) = storage::open(&place.0)?;
    let none = || StateError::Usage(format!("there is no checkpoint in {}", place.0));
    let (claim, saved) = super::run::look(&storage, &path)?.ok_or_else(none)?;
    let saved = saved.ok_or_else(none)?;
    let records = saved.records.iter().map(|bytes| snapshot::decode(bytes)).collect::<Result<Vec<_>, _>>()?;
    let last = records.last().ok_or_else(none)?;
    let watermark_us = resume::watermark(&last.state);
    Ok(Picture {
        place: place.0.to_string(),
        pipeline: last.pipeline.clone(),
        lineage: claim.lineage,
        generation: claim.generation,
        epoch: saved.epoch,
        records: saved.records.len(),
        bytes: saved.records.iter().map(|record| record.len() as u64).sum(),
        watermark: (watermark_us != i64::MIN).then(|| timestamp_text(watermark_us)),
        partitions: partitions(last, ends),
        kpis: kpis(&records, &saved)?,
        sinks: sinks(&records, last),
        ledger: ledger(last),
        letters_bytes: last.letters,
    })
}

fn partitions(last: &Snapshot, ends: Option<&[Option<i64>]>) -> Vec<PartitionPicture> {
    let picture = |(place, saved): (usize, &snapshot::SavedPartition)| {
        let end = ends.and_then(|ends| ends.get(place).copied().flatten());
        PartitionPicture {
            name: saved.name.clone(),
            partition: saved.id,
            identity: saved.identity.clone(),
            next_offset: saved.next_offset,
            lag: end.zip(saved.next_offset).map(|(end, next)| (end - next).max(0)),
            front: saved.clock.front_us.map(timestamp_text),
            jumps: saved.clock.jumps,
        }
    };
    last.partitions.iter().enumerate().map(picture).collect()
}

fn sinks(records: &[Snapshot], last: &Snapshot) -> Vec<SinkPicture> {
    let bytes = |name: &str| {
        let parts = records.iter().flat_map(|record| &record.sinks).filter(|sink| sink.name == name);
        parts.map(|sink| sink.prepared.bytes.len() as u64).sum()
    };
    let picture = |sink: &snapshot::SavedSink| SinkPicture {
        name: sink.name.clone(),
        bytes: bytes(&sink.name),
        undelivered_bytes: sink.prepared.undelivered,
    };
    last.sinks.iter().map(picture).collect()
}

fn ledger(last: &Snapshot) -> BTreeMap<&'static str, u64> {
    let ledger = &last.ledger;
    BTreeMap::from([
        ("read", ledger.read),
        ("undecodable", ledger.undecodable),
        ("future_dated", ledger.future_dated),
        ("rejected", ledger.rejected),
        ("filtered", ledger.filtered),
        ("kept", ledger.kept),
    ])
}

/// What the chain comes to for one grouping.
#[derive(Default)]
struct Grouping {
    cells: BTreeSet<(i64, u32, GroupKey)>,
    windows: BTreeMap<i64, WindowState>,
}

fn kpis(records: &[Snapshot], saved: &Saved) -> Result<Vec<KpiPicture>, StateError> {
    let Some(last) = records.last() else { return Ok(Vec::new()) };
    let mut groupings: Vec<Grouping> = Vec::new();
    for record in records {
        let states = match &record.state {
            State::Whole(state) => &state.groupings,
            State::Changes(changes) => &changes.groupings,
        };
        groupings.resize_with(groupings.len().max(states.len()), Grouping::default);
        groupings.iter_mut().zip(states).for_each(|(grouping, state)| grouping.add(state));
    }
    for (grouping, &(size_us, hop_us)) in groupings.iter_mut().zip(&last.windows_us) {
        grouping.drop_settled(size_us, hop_us, last.settled_us);
    }
    let mut bytes = vec![0; last.identity.kpis.len()];
    for record in &saved.records {
        bytes.iter_mut().zip(snapshot::state_bytes(record)?).for_each(|(sum, more)| *sum += more);
    }
    let picture = |(place, bytes): (usize, u64)| kpi(last, place, bytes, &groupings);
    Ok(bytes.into_iter().enumerate().map(picture).collect())
}

fn kpi(last: &Snapshot, place: usize, state_bytes: u64, groupings: &[Grouping]) -> KpiPicture {
    let identity = &last.identity.kpis[place];
    let none = Grouping::default();
    let grouping = last.groupings.get(place).and_then(|grouping| groupings.get(*grouping)).unwrap_or(&none);
    let open: Vec<i64> =
        grouping.windows.values().filter(|window| window.published.is_none()).map(|window| window.start_us).collect();
    let counts = last.ledger.kpis.get(place);
    KpiPicture {
        name: identity.name.clone(),
        plugin: identity.plugin.name.clone(),
        digest: identity.plugin.digest.clone(),
        state_version: identity.plugin.state_version,
        window: identity.window.clone(),
        open_windows: open.len(),
        open: open.first().zip(open.last()).map(|(first, last)| (timestamp_text(*first), timestamp_text(*last))),
        revisable_windows: grouping.windows.len() - open.len(),
        cells: grouping.cells.len(),
        state_bytes,
        counted: counts.map_or(0, |counts| counts.counted),
        late: counts.map_or(0, |counts| counts.late),
        windows: last.tally.kpis.get(place).map_or(0, |tally| tally.windows),
        begins: last.begins_us.get(place).copied().flatten().map(timestamp_text),
    }
}

impl Grouping {
    fn add(&mut self, state: &GroupingState) {
        let named = |cell: &Cell| {
            let key = state.cells.keys.get(cell.key as usize)?;
            Some((cell.pane_us, cell.refused, GroupKey::clone(key)))
        };
        self.cells.extend(state.cells.cells.iter().filter_map(named));
        self.windows.extend(state.windows.iter().map(|window| (window.start_us, *window)));
    }

    /// What is settled by now is not there any more, and no record says so.
    fn drop_settled(&mut self, size_us: i64, hop_us: i64, settled_us: i64) {
        self.windows.retain(|start_us, _| start_us.saturating_add(size_us) > settled_us);
        let Ok(windowing) = Windowing::hopping(size_us, hop_us) else { return };
        self.cells.retain(|(pane_us, _, _)| {
            let windows = windowing.windows_of(*pane_us);
            windows.end(windows.count().saturating_sub(1)) > settled_us
        });
    }
}
