//! Kafka's wire format: requests into frames, and a cursor over what comes back.
//!
//! Requests are encoded by `kafka-protocol`. Answers are read here, because that crate reserves memory by the lengths that an answer
//! claims: four wrong bytes would end the process. Nothing here reads beyond an answer, or reserves more than it holds.
//! Knows no sockets and no meanings.

use bytes::BytesMut;
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request, StrBytes};
use thiserror::Error;

/// An answer that is not what the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub(super) &'static str);

/// A request as a frame: length, header, body.
pub(super) fn frame<R: Request>(
    request: &R,
    version: i16,
    correlation: i32,
    client_id: &str,
) -> Result<Vec<u8>, Malformed> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    let mut bytes = BytesMut::zeroed(4);
    let written =
        header.encode(&mut bytes, R::header_version(version)).and_then(|()| request.encode(&mut bytes, version));
    written.map_err(|_| Malformed("a request can't be written in the version that the broker speaks"))?;
    let len = u32::try_from(bytes.len() - 4).map_err(|_| Malformed("a request is too long"))?;
    bytes[..4].copy_from_slice(&len.to_be_bytes());
    Ok(bytes.into())
}

/// The body of the answer to a request, behind its header.
pub(super) fn body<R: Request>(answer: &[u8], version: i16, correlation: i32) -> Result<Fields<'_>, Malformed> {
    let mut fields = Fields::new(answer, R::Response::header_version(version) > 0);
    if fields.int32()? != correlation {
        return Err(Malformed("an answer belongs to another request"));
    }
    fields.tags(|_, _| Ok(()))?;
    Ok(fields)
}

/// A cursor over an answer. In flexible versions lengths are varints and every structure ends with tagged fields
/// (Kafka's KIP-482).
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    flexible: bool,
}

const SHORT: Malformed = Malformed("an answer ends too early");

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self { bytes, at: 0, flexible }
    }

    /// What follows is of a flexible version, or not.
    pub(super) fn flexible(mut self, flexible: bool) -> Self {
        self.flexible = flexible;
        self
    }

    /// How far it is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    pub(super) fn int16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn int64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<[u8; 16], Malformed> {
        self.array()
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Malformed> {
        Ok(self.array::<1>()?[0] != 0)
    }

    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.array::<1>()?[0];
            value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a length is longer than five bytes"))
    }

    /// A length that may say null.
    fn len(&mut self, fixed: impl Fn(&mut Self) -> Result<i32, Malformed>) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            return Ok(self.varint()?.checked_sub(1).map(|len| len as usize));
        }
        match fixed(self)? {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| Malformed("a length is negative")),
        }
    }

    /// A text; null is empty.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.len(|fields| fields.int16().map(i32::from))?.unwrap_or(0);
        std::str::from_utf8(self.take(len)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// Bytes; null is empty.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.len(Self::int32)?.unwrap_or(0);
        self.take(len)
    }

    /// Reads as many as the list says; null is none. Each must take at least a byte, so a hostile length can't make it spin.
    pub(super) fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        let len = self.len(Self::int32)?.unwrap_or(0);
        if len > self.bytes.len() - self.at {
            return Err(SHORT);
        }
        (0..len).try_for_each(|_| each(self))
    }

    /// Goes over the tagged fields that end a structure; `each` gets tag and content.
    pub(super) fn tags(
        &mut self,
        mut each: impl FnMut(u32, Fields<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.varint()? {
            let (tag, len) = (self.varint()?, self.varint()?);
            each(tag, Fields::new(self.take(len as usize)?, true))?;
        }
        Ok(())
    }

    /// Goes over tagged fields that say nothing to us.
    pub(super) fn no_tags(&mut self) -> Result<(), Malformed> {
        self.tags(|_, _| Ok(()))
    }
}
