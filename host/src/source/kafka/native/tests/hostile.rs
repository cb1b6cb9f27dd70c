//! Broken bytes: nothing panics, nothing is read that was not written. The fuzz target does the same without end.

use super::answers::fetch_answer;
use super::batches::{batch, expected, read, signed};
use crate::source::kafka::native::fetch;
use crate::source::kafka::native::wire::Fields;
use bytes::BytesMut;
use kafka_protocol::protocol::Encodable;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_changed_bit_is_found(at in 0_usize..1000, bit in 0_u8..8) {
        let whole = batch(0..20, |_| {});
        let mut broken = whole.clone();
        let at = at % broken.len();
        broken[at] ^= 1 << bit;
        match read(broken, (0, 99), None, 8) {
            Err(_) => {}
            // A length that says more than there is looks like a batch that is still to come.
            Ok(records) if records.is_empty() => prop_assert!(at < 17),
            // What the checksum does not cover: the base offset, and the leader's epoch.
            Ok(records) => prop_assert!(at < 8 || (12..16).contains(&at) && records == expected(0..20)),
        }
    }

    #[test]
    fn a_signed_lie_does_no_harm(changes in prop::collection::vec((21_usize..400, any::<u8>()), 1..8), codec in 0_i16..8) {
        let mut lie = batch(0..20, |_| {});
        for (at, byte) in changes {
            let at = at.min(lie.len() - 1);
            lie[at] = byte;
        }
        let lie = signed(lie, codec, None);
        let end = lie.len();
        let mut chunk = super::super::chunk::Chunk::new(std::sync::Arc::new(lie), 0..end, None, 0);
        let mut from = 0;
        for _ in 0..100 {
            let Ok(Some(taken)) = chunk.take((from, i64::MAX), 8) else { break };
            for record in &taken.records {
                prop_assert!(record.start as usize + record.len as usize <= taken.bytes.len());
            }
            from = taken.next.unwrap_or(from);
        }
    }

    #[test]
    fn a_broken_answer_does_no_harm(changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6), version in 11_i16..17) {
        let mut bytes = BytesMut::new();
        fetch_answer(version).encode(&mut bytes, version).unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(read) = fetch::answers(Fields::new(&bytes, false), version) {
            prop_assert!(read.partitions.iter().all(|answer| answer.batches.end <= bytes.len()));
        }
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), version in 11_i16..17) {
        let _ = fetch::answers(Fields::new(&bytes, false), version);
        // Without a right checksum nothing is a record.
        prop_assert!(read(bytes, (0, 99), None, 8).map_or(true, |records| records.is_empty()));
    }
}
