//! Asks a port for the identity of its cluster: one Metadata request (version 4) by hand, so that no client has to be built for it.
//!
//! Layout: the Kafka protocol guide, "Metadata API (Key: 3)"; integers are big-endian, strings have a length of 16 bits.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(2);
/// An answer without topics is some dozen bytes; more is not from a broker.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Size, key 3, version 4, correlation 1, client `weir`, no topics, none to be made.
const REQUEST: &[u8] = b"\0\0\0\x13\0\x03\0\x04\0\0\0\x01\0\x04weir\0\0\0\0\0";

/// Whether a broker of this cluster answers at the port and knows of a broker.
pub(super) fn is_cluster(port: u16, cluster: &str) -> bool {
    ask(port).ok().and_then(|answer| cluster_of(&answer)).is_some_and(|found| found == cluster)
}

fn ask(port: u16) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.write_all(REQUEST)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size) as usize;
    if size > ANSWER_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// The cluster id of an answer that names at least one broker.
fn cluster_of(answer: &[u8]) -> Option<String> {
    // Correlation and throttle time.
    let mut rest = answer.get(8..)?;
    let brokers = i32::from_be_bytes(take(&mut rest, 4)?.try_into().ok()?);
    for _ in 0..brokers {
        take(&mut rest, 4)?;
        text(&mut rest)?;
        take(&mut rest, 4)?;
        text(&mut rest)?;
    }
    text(&mut rest).filter(|_| brokers > 0)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// A string; null as empty.
fn text(rest: &mut &[u8]) -> Option<String> {
    let len = i16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
    let bytes = take(rest, usize::try_from(len).unwrap_or(0))?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_how_long_it_is() {
        assert_eq!(REQUEST[3] as usize, REQUEST.len() - 4);
    }

    #[test]
    fn the_cluster_stands_behind_the_brokers() {
        let answer = b"\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\x01h\0\0\x23\x84\xff\xff\0\x03abc\0\0\0\x01";
        assert_eq!(cluster_of(answer).as_deref(), Some("abc"));
        assert!((0..29).all(|len| cluster_of(&answer[..len]).is_none()));
        assert_eq!(cluster_of(b"\0\0\0\x01\0\0\0\0\0\0\0\0\0\x03abc"), None, "no broker yet");
    }
}
