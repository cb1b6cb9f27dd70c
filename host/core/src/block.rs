//! Blocks: what a source hands over. One shared buffer and, for each record, its range in it; never an object a record.

use std::sync::Arc;

/// Records of one partition, in its order.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The partition's place in the source's list of partitions, from 0; the same over restarts while the source is the same.
    pub partition: u32,
    /// The bytes of all records. Records may overlap nothing and leave gaps.
    pub bytes: Arc<Vec<u8>>,
    /// One a record, offsets rising.
    pub records: Vec<Record>,
}

/// Where a record lies in its block and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// First byte in `Block::bytes`.
    pub start: u32,
    /// Length in bytes; 0 for an empty or null value, which is undecodable.
    pub len: u32,
    /// Kafka: the offset. Files: the line's number from 0, blank lines counted. Generator: the record's number.
    pub offset: i64,
    /// When it arrived, microseconds since the epoch: the append time where the topic records one, else the host's clock.
    pub arrival_us: i64,
    /// The timestamp that the source keeps beside the record, milliseconds since the epoch; `NO_TIMESTAMP` where none.
    pub timestamp_ms: i64,
}

/// A record whose source keeps no timestamp.
pub const NO_TIMESTAMP: i64 = i64::MIN;

impl Block {
    /// The bytes of record `index`.
    pub fn value(&self, index: usize) -> &[u8] {
        let record = &self.records[index];
        &self.bytes[record.start as usize..record.start as usize + record.len as usize]
    }
}
