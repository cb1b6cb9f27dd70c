//! Record batches: as `kafka-protocol` writes them, packed by each codec, with what a consumer must leave out.

use crate::source::kafka::native::batch::{self, HEADER_BYTES};
use crate::source::kafka::native::chunk::Chunk;
use crate::source::kafka::native::unpack;
use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::io::Write;
use std::sync::Arc;

pub(super) const NOW_US: i64 = 1_700_000_000_000_000;

/// A batch of these offsets, as an independent writer makes it.
pub(super) fn batch(offsets: std::ops::Range<i64>, change: impl Fn(&mut Record)) -> Vec<u8> {
    let records: Vec<Record> = offsets
        .clone()
        .map(|offset| {
            let headers = [(StrBytes::from_static_str("h"), Some(Bytes::from_static(b"v")))];
            let mut record = Record {
                transactional: false,
                control: false,
                delete_horizon: false,
                partition_leader_epoch: 4,
                producer_id: -1,
                producer_epoch: -1,
                timestamp_type: TimestampType::Creation,
                offset,
                sequence: (offset - offsets.start) as i32,
                timestamp: 1000 + offset,
                key: (offset % 3 == 0).then(|| Bytes::from_static(b"key")),
                value: (offset % 7 != 6).then(|| Bytes::from(format!("value {offset}"))),
                headers: if offset % 2 == 0 { IndexMap::from(headers) } else { IndexMap::new() },
            };
            change(&mut record);
            record
        })
        .collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.to_vec()
}

/// Changes a batch's attributes and body, and signs it again.
pub(super) fn signed(mut batch: Vec<u8>, attributes: i16, body: Option<&[u8]>) -> Vec<u8> {
    if let Some(body) = body {
        batch.truncate(HEADER_BYTES);
        batch.extend_from_slice(body);
        let len = (batch.len() - 12) as i32;
        batch[8..12].copy_from_slice(&len.to_be_bytes());
    }
    let old = i16::from_be_bytes([batch[21], batch[22]]);
    batch[21..23].copy_from_slice(&(old | attributes).to_be_bytes());
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// Everything that a chunk of these bytes brings, in blocks of `max`: offset, timestamp, arrival, value.
pub(super) fn read(
    bytes: Vec<u8>,
    offsets: (i64, i64),
    aborted: Option<Vec<(i64, i64)>>,
    max: usize,
) -> Result<Vec<(i64, i64, i64, String)>, String> {
    let end = bytes.len();
    let mut chunk = Chunk::new(Arc::new(bytes), 0..end, aborted, NOW_US);
    let (mut from, until) = offsets;
    let mut all = Vec::new();
    while let Some(taken) = chunk.take((from, until), max).map_err(|error| error.to_string())? {
        assert!(taken.records.len() <= max);
        for record in &taken.records {
            let value = &taken.bytes[record.start as usize..(record.start + record.len) as usize];
            let value = String::from_utf8(value.to_vec()).unwrap();
            all.push((record.offset, record.timestamp_ms, record.arrival_us, value));
        }
        from = taken.next.unwrap_or(from);
        if taken.is_beyond {
            break;
        }
    }
    Ok(all)
}

pub(super) fn expected(offsets: std::ops::Range<i64>) -> Vec<(i64, i64, i64, String)> {
    let value = |offset: i64| if offset % 7 == 6 { String::new() } else { format!("value {offset}") };
    offsets.map(|offset| (offset, 1000 + offset, NOW_US, value(offset))).collect()
}

#[test]
fn records_come_in_order_whatever_the_block() {
    let bytes = [batch(10..40, |_| {}), batch(40..45, |_| {}), batch(50..60, |_| {})].concat();
    let all = [expected(10..45), expected(50..60)].concat();
    for max in [1, 7, 30, 1000] {
        assert_eq!(read(bytes.clone(), (10, i64::MAX), None, max).as_deref(), Ok(all.as_slice()), "{max} a block");
        assert_eq!(read(bytes.clone(), (23, 42), None, max), Ok(expected(23..42)));
    }
    // The broker sends only a part of the last batch.
    for cut in 1..batch(50..60, |_| {}).len() {
        let part = bytes[..bytes.len() - cut].to_vec();
        assert_eq!(read(part, (10, i64::MAX), None, 1000), Ok(expected(10..45)), "cut by {cut}");
    }
    assert_eq!(batch::reach(&bytes, 0..bytes.len(), 10, 4), Ok(Some((60, 4))));
    // Not what was asked for, of an epoch to come, or in another order.
    for (from, epoch) in [(40, 4), (10, 3)] {
        assert!(batch::reach(&bytes, 0..bytes.len(), from, epoch).is_err(), "from {from}, epoch {epoch}");
    }
    let swapped = [batch(40..45, |_| {}), batch(10..40, |_| {})].concat();
    assert!(batch::reach(&swapped, 0..swapped.len(), 10, 4).is_err());
}

#[test]
fn every_codec_unpacks_to_the_same() {
    let plain = batch(0..500, |_| {});
    let body = &plain[HEADER_BYTES..];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body).unwrap();
    let raw = snap::raw::Encoder::new().compress_vec(body).unwrap();
    let mut xerial = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for part in body.chunks(1000) {
        let packed = snap::raw::Encoder::new().compress_vec(part).unwrap();
        xerial.extend((packed.len() as u32).to_be_bytes());
        xerial.extend(packed);
    }
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(body).unwrap();
    let packed = [
        (1, gzip.finish().unwrap()),
        (2, raw),
        (2, xerial),
        (3, lz4.finish().unwrap()),
        (4, zstd::encode_all(body, 1).unwrap()),
    ];
    for (codec, body) in packed {
        let batch = signed(plain.clone(), codec, Some(&body));
        // Between plain batches, so that the buffer changes twice.
        let bytes = [batch.clone(), batch].concat();
        assert_eq!(
            read(bytes.clone(), (0, 500), None, 64).as_deref(),
            Ok(expected(0..500).as_slice()),
            "codec {codec}"
        );
        let broken = signed(plain.clone(), codec, Some(&body[..body.len() / 2]));
        assert!(read(broken, (0, 500), None, 64).is_err(), "half of codec {codec}");
    }
}

#[test]
fn a_bomb_is_refused() {
    let bomb = zstd::encode_all(std::io::repeat(0).take(unpack::BATCH_BYTES_MAX as u64 + 1), 1).unwrap();
    let told = read(signed(batch(0..1, |_| {}), 4, Some(&bomb)), (0, 9), None, 9);
    assert_eq!(told, Err("a record batch unpacks to more than 256 MiB".to_owned()));
}

use std::io::Read as _;

#[test]
fn append_time_counts_for_the_whole_batch() {
    let stamped = signed(batch(0..2, |_| {}), 8, None);
    let all = read(stamped, (0, 9), None, 9).unwrap();
    let times: Vec<(i64, i64)> = all.iter().map(|record| (record.1, record.2)).collect();
    assert_eq!(times, [(1001, 1_001_000); 2]);
}

#[test]
fn control_batches_and_aborted_transactions_are_left_out() {
    let of = |producer: i64| {
        move |record: &mut Record| {
            record.transactional = true;
            record.producer_id = producer;
            record.producer_epoch = 0;
        }
    };
    let marker = |offset: i64, producer: i64, kind: u8| {
        batch(offset..offset + 1, |record| {
            of(producer)(record);
            record.control = true;
            record.key = Some(Bytes::copy_from_slice(&[0, 0, 0, kind]));
        })
    };
    let bytes = [
        batch(0..5, of(1)),
        batch(5..10, of(2)),
        marker(10, 1, 0),
        batch(11..15, of(1)),
        marker(15, 2, 1),
        marker(16, 1, 1),
        batch(17..20, |_| {}),
    ]
    .concat();
    let committed = [expected(5..10), expected(11..15), expected(17..20)].concat();
    for max in [1, 4, 100] {
        assert_eq!(read(bytes.clone(), (0, 99), Some(vec![(1, 0)]), max).as_deref(), Ok(committed.as_slice()));
    }
    let all = [expected(0..10), committed[5..].to_vec()].concat();
    assert_eq!(read(bytes, (0, 99), None, 100), Ok(all));
}

#[test]
fn offsets_without_records_are_passed() {
    let marker = batch(7..8, |record| {
        record.control = true;
        record.transactional = true;
        record.key = Some(Bytes::from_static(&[0, 0, 0, 1]));
    });
    let end = marker.len();
    let mut chunk = Chunk::new(Arc::new(marker), 0..end, Some(Vec::new()), NOW_US);
    let taken = chunk.take((7, 99), 10).unwrap().unwrap();
    assert_eq!((taken.records.len(), taken.next), (0, Some(8)));
    assert!(chunk.take((8, 99), 10).unwrap().is_none());
}
