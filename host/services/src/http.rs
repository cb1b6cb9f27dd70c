//! As much HTTP as readiness and assertions need: one request, one whole answer.
//!
//! HTTP/1.0: the answer then ends with the connection, and comes in no chunks.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(30);
/// Tests look at small files; more is a mistake.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// An answer of whatever status.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where else to ask.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Asks `http://host:port/target`.
pub(crate) fn ask(method: &str, url: &str, body: &[u8]) -> io::Result<Answer> {
    let (host, target) = parts(url).ok_or_else(|| invalid("not a plain http URL"))?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let head = format!("{method} {target} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    parse(&answer)
}

/// `host:port` and the rest, which begins with a slash.
fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    rest.find('/').map(|slash| rest.split_at(slash))
}

fn parse(answer: &[u8]) -> io::Result<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), answer[end + 4..].to_vec());
    let field = |name: &str| {
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    if field("content-length").is_some_and(|length| length != body.len().to_string()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status: status.ok_or_else(|| invalid("no status"))?, location: field("location"), body })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A path with all but letters, digits, slashes and `-._~` as `%xx`.
pub(crate) fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_or_an_error() {
        let text = b"HTTP/1.1 307 Temporary\r\nlocation: http://h:1/x?y\r\nContent-Length: 2\r\n\r\nab";
        let answer = Answer { status: 307, location: Some("http://h:1/x?y".to_owned()), body: b"ab".to_vec() };
        assert_eq!(parse(text).unwrap(), answer);
        assert!((0..text.len()).all(|len| parse(&text[..len]).is_err()));
        assert!(parse(b"hello\r\n\r\n").is_err());
    }

    #[test]
    fn urls_and_paths() {
        assert_eq!(parts("http://127.0.0.1:1/a/b?c"), Some(("127.0.0.1:1", "/a/b?c")));
        assert_eq!(parts("https://h/"), None);
        assert_eq!(escaped("/a b/day=1"), "/a%20b/day%3D1");
    }
}
