//! The bytes of a snapshot. Types here mirror the core's, so that the core needs no serialisation of its own.

use super::{SavedPartition, SavedSink, Snapshot, State, cells};
use crate::checkpoint::columns::{decode_columns, encode_columns};
use crate::pipeline::identity::Identity;
use crate::pipeline::run::RunError;
use crate::pipeline::tally::Tally;
use crate::sink::Prepared;
use arrow_array::ArrayRef;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use weir_core::delta::{Cells, CloserChanges, CloserState, GroupingState, KpiState, WindowState};
use weir_core::ledger::{KpiLedger, Ledger};
use weir_core::plugin::{PluginError, PluginErrorKind};
use weir_core::time::ClockState;

const FORMAT: u32 = 3;

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    pipeline: String,
    identity: Identity,
    kpi_groupings: Vec<usize>,
    windows_us: Vec<(i64, i64)>,
    settled_us: i64,
    partitions: Vec<PartitionWire>,
    whole: bool,
    watermark_us: i64,
    groupings: Vec<GroupingWire>,
    states: Vec<StateWire>,
    begins_us: Vec<Option<i64>>,
    ledger: [u64; 6],
    kpi_ledgers: Vec<[u64; 4]>,
    tally: Tally,
    letters: [u64; 2],
    /// Name, place, blob and undelivered bytes of each sink.
    sinks: Vec<(String, Option<String>, u32, u64)>,
    /// Length of each blob, in order.
    blobs: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct PartitionWire {
    name: String,
    id: i32,
    next_offset: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    front_us: Option<i64>,
    jumps: u32,
    jumps_least_us: i64,
    floor_us: i64,
}

#[derive(Serialize, Deserialize)]
struct GroupingWire {
    /// The blob of keys and cells.
    cells: u32,
    /// Start, late records taken, last published revision.
    windows: Vec<(i64, u64, Option<u64>)>,
}

#[derive(Serialize, Deserialize)]
enum StateWire {
    /// One blob of columns a part.
    Parts(Vec<u32>),
    Quarantined(String),
    Fresh,
}

/// A snapshot's bytes.
pub fn encode(snapshot: &Snapshot) -> Result<Vec<u8>, RunError> {
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut blob = |bytes: Vec<u8>| {
        blobs.push(bytes);
        (blobs.len() - 1) as u32
    };
    let (whole, watermark_us, groupings, kpis) = match &snapshot.state {
        State::Whole(state) => (true, state.watermark_us, &state.groupings, &state.kpis),
        State::Changes(changes) => (false, changes.watermark_us, &changes.groupings, &changes.kpis),
    };
    let groupings =
        groupings.iter().map(|grouping| grouping_wire(grouping, blob(cells::encode(&grouping.cells)))).collect();
    let mut states = Vec::new();
    for state in kpis {
        states.push(match state {
            KpiState::States(parts) => {
                let encode =
                    |part: &Vec<ArrayRef>| encode_columns(part).map(&mut blob).map_err(|error| unreadable(&error));
                StateWire::Parts(parts.iter().map(encode).collect::<Result<_, _>>()?)
            }
            KpiState::Quarantined(error) => StateWire::Quarantined(error.reason.clone()),
            KpiState::Fresh => StateWire::Fresh,
        });
    }
    let sink = |sink: &SavedSink| {
        (sink.name.clone(), sink.place.clone(), blob(sink.prepared.bytes.clone()), sink.prepared.undelivered)
    };
    let sinks = snapshot.sinks.iter().map(sink).collect();
    let ledger = &snapshot.ledger;
    let header = Header {
        format: FORMAT,
        pipeline: snapshot.pipeline.clone(),
        identity: snapshot.identity.clone(),
        kpi_groupings: snapshot.groupings.clone(),
        windows_us: snapshot.windows_us.clone(),
        settled_us: snapshot.settled_us,
        partitions: snapshot.partitions.iter().map(partition_wire).collect(),
        whole,
        watermark_us,
        groupings,
        states,
        begins_us: snapshot.begins_us.clone(),
        ledger: [ledger.read, ledger.undecodable, ledger.future_dated, ledger.rejected, ledger.filtered, ledger.kept],
        kpi_ledgers: ledger.kpis.iter().map(|kpi| [kpi.before, kpi.counted, kpi.late, kpi.refused_pairs]).collect(),
        tally: snapshot.tally.clone(),
        letters: snapshot.letters,
        sinks,
        blobs: blobs.iter().map(|blob| blob.len() as u64).collect(),
    };
    let text = serde_json::to_vec(&header).map_err(|error| unreadable(&error))?;
    let length = u32::try_from(text.len()).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::with_capacity(4 + text.len() + blobs.iter().map(Vec::len).sum::<usize>());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&text);
    blobs.iter().for_each(|blob| bytes.extend_from_slice(blob));
    Ok(bytes)
}

/// For each KPI, the bytes that its states take in a record.
pub fn state_bytes(record: &[u8]) -> Result<Vec<u64>, RunError> {
    let (header, _) = header(record)?;
    let bytes = |state: &StateWire| match state {
        StateWire::Parts(parts) => parts.iter().filter_map(|part| header.blobs.get(*part as usize)).sum(),
        StateWire::Quarantined(_) | StateWire::Fresh => 0,
    };
    Ok(header.states.iter().map(bytes).collect())
}

/// The header of these bytes, and where the blobs begin.
fn header(bytes: &[u8]) -> Result<(Header, &[u8]), RunError> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| unreadable(&"it is too short"))?;
    let length = u32::from_le_bytes(*length) as usize;
    let (text, blobs) = rest.split_at_checked(length).ok_or_else(|| unreadable(&"its header is cut off"))?;
    let header: Header = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
    if header.format != FORMAT {
        return Err(unreadable(&format!("its format is {}, and this version of weir reads {FORMAT}", header.format)));
    }
    Ok((header, blobs))
}

/// The snapshot of these bytes.
pub fn decode(bytes: &[u8]) -> Result<Snapshot, RunError> {
    let (header, blobs) = header(bytes)?;
    let ranges = blob_ranges(&header.blobs, blobs.len())?;
    let blob = |number: &u32| -> Result<&[u8], RunError> {
        let range = ranges.get(*number as usize).cloned().ok_or_else(|| unreadable(&"a part is missing"))?;
        Ok(&blobs[range])
    };
    let mut kpis = Vec::new();
    for state in &header.states {
        kpis.push(match state {
            StateWire::Quarantined(reason) => KpiState::Quarantined(quarantine(reason)),
            StateWire::Fresh => KpiState::Fresh,
            StateWire::Parts(parts) => {
                let decode = |part| decode_columns(blob(part)?).map_err(|error| unreadable(&error));
                KpiState::States(parts.iter().map(decode).collect::<Result<_, _>>()?)
            }
        });
    }
    let sink = |(name, place, number, undelivered): &(String, Option<String>, u32, u64)| {
        let prepared = Prepared { bytes: blob(number)?.to_vec(), undelivered: *undelivered };
        Ok(SavedSink { name: name.clone(), place: place.clone(), prepared })
    };
    let sinks = header.sinks.iter().map(sink).collect::<Result<_, RunError>>()?;
    let of_grouping = |wire: &GroupingWire| -> Result<GroupingState, RunError> {
        Ok(grouping(wire, cells::decode(blob(&wire.cells)?).map_err(|error| unreadable(&error))?))
    };
    let groupings = header.groupings.iter().map(of_grouping).collect::<Result<Vec<_>, _>>()?;
    let watermark_us = header.watermark_us;
    Ok(Snapshot {
        state: match header.whole {
            true => State::Whole(CloserState { watermark_us, groupings, kpis }),
            false => State::Changes(CloserChanges { watermark_us, groupings, kpis }),
        },
        ledger: ledger(&header),
        partitions: header.partitions.into_iter().map(partition).collect(),
        pipeline: header.pipeline,
        identity: header.identity,
        groupings: header.kpi_groupings,
        windows_us: header.windows_us,
        settled_us: header.settled_us,
        begins_us: header.begins_us,
        tally: header.tally,
        letters: header.letters,
        sinks,
    })
}

/// Where each blob lies; fails where they reach beyond `total`.
fn blob_ranges(lengths: &[u64], total: usize) -> Result<Vec<Range<usize>>, RunError> {
    let mut start = 0usize;
    let mut ranges = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= total);
        let end = end.ok_or_else(|| unreadable(&"a part is cut off"))?;
        ranges.push(start..end);
        start = end;
    }
    Ok(ranges)
}

fn unreadable(what: &dyn std::fmt::Display) -> RunError {
    RunError::Unreadable(what.to_string())
}

/// What kind of failure it was matters to nobody any more: the windows are unavailable, for this reason.
fn quarantine(reason: &str) -> PluginError {
    PluginError { reason: reason.to_owned(), row: None, kind: PluginErrorKind::Failure }
}

fn partition_wire(partition: &SavedPartition) -> PartitionWire {
    let SavedPartition { name, id, next_offset, epoch, identity, clock } = partition.clone();
    let ClockState { front_us, jumps, jumps_least_us, floor_us } = clock;
    PartitionWire { name, id, next_offset, epoch, identity, front_us, jumps, jumps_least_us, floor_us }
}

fn partition(wire: PartitionWire) -> SavedPartition {
    let PartitionWire { name, id, next_offset, epoch, identity, front_us, jumps, jumps_least_us, floor_us } = wire;
    SavedPartition {
        name,
        id,
        next_offset,
        epoch,
        identity,
        clock: ClockState { front_us, jumps, jumps_least_us, floor_us },
    }
}

fn grouping_wire(grouping: &GroupingState, cells: u32) -> GroupingWire {
    let window = |window: &WindowState| (window.start_us, window.late_taken, window.published);
    GroupingWire { cells, windows: grouping.windows.iter().map(window).collect() }
}

fn grouping(wire: &GroupingWire, cells: Cells) -> GroupingState {
    let window =
        |&(start_us, late_taken, published): &(i64, u64, Option<u64>)| WindowState { start_us, late_taken, published };
    GroupingState { cells, windows: wire.windows.iter().map(window).collect() }
}

fn ledger(header: &Header) -> Ledger {
    let [read, undecodable, future_dated, rejected, filtered, kept] = header.ledger;
    let kpi = |&[before, counted, late, refused_pairs]: &[u64; 4]| KpiLedger { before, counted, late, refused_pairs };
    let kpis = header.kpi_ledgers.iter().map(kpi).collect();
    Ledger { read, undecodable, future_dated, rejected, filtered, kept, kpis }
}
