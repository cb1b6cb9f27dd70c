//! Bytes to and from a broker, in the clear or over TLS. Knows no protocol above them.

use super::asks::Address;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Connects, and shakes hands where TLS is wanted, until the deadline.
    pub(super) fn open(address: &Address, tls: Option<&Arc<ClientConfig>>, until: Instant) -> io::Result<Self> {
        let socket = connect(address, until)?;
        socket.set_nodelay(true)?;
        let Some(tls) = tls else { return Ok(Self::Plain(socket)) };
        let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            set_timeouts(&stream.sock, until)?;
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Reads and writes block until this moment at the most.
    pub(super) fn block_until(&self, until: Instant) -> io::Result<()> {
        self.socket().set_nonblocking(false)?;
        set_timeouts(self.socket(), until)
    }

    /// Reads what is there until `into` holds `len` bytes; true when it does. For a stream that never blocks.
    pub(super) fn fill(&mut self, into: &mut Vec<u8>, len: usize) -> io::Result<bool> {
        into.reserve_exact(len.saturating_sub(into.len()));
        let left = (len - into.len()) as u64;
        let read = match self {
            // Not through our own `Read`: so it goes into memory that nobody has zeroed first.
            Self::Plain(socket) => (&*socket).take(left).read_to_end(into),
            Self::Tls(stream) => Read::take(stream.as_mut(), left).read_to_end(into),
        };
        match read {
            Ok(_) if into.len() == len => Ok(true),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            // What came before is kept.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads and writes never block.
    pub(super) fn never_block(&self) -> io::Result<()> {
        self.socket().set_nonblocking(true)
    }
}

/// The first of the host's addresses that answers.
fn connect(address: &Address, until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let all: Vec<_> = (address.host.as_str(), address.port).to_socket_addrs()?.collect();
    for (place, found) in all.iter().enumerate() {
        // One that answers nothing may not take the time of those after it.
        let share = left(until)? / u32::try_from(all.len() - place).unwrap_or(1);
        match TcpStream::connect_timeout(found, share) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn set_timeouts(socket: &TcpStream, until: Instant) -> io::Result<()> {
    let left = left(until)?;
    socket.set_read_timeout(Some(left))?;
    socket.set_write_timeout(Some(left))
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}
