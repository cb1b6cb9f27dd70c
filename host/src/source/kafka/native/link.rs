//! The way to one broker: opened behind the reader's back, one fetch request on it at a time, answers gathered as they come.
//!
//! Nothing here blocks. A link that fails comes back after a pause that doubles up to a limit. It knows frames and connections; not
//! what is asked for.

use super::asks::Address;
use super::connection::{Connection, ConnectionError};
use super::settings::Settings;
use super::wire::{Fields, Malformed, body};
use kafka_protocol::messages::FetchRequest;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The versions of Fetch that this client speaks.
const VERSIONS: (i16, i16) = (11, 16);

/// The connection to a broker, or the way to one.
pub(super) struct Link {
    state: State,
    pause: Duration,
    /// A buffer to use again.
    spare: Vec<u8>,
    /// Answers in a row that were too large.
    too_large: u32,
}

enum State {
    Down { until: Instant },
    Opening(Receiver<Result<Connection, ConnectionError>>),
    Up(Box<Up>),
}

struct Up {
    connection: Connection,
    version: i16,
    unsent: Vec<u8>,
    /// The number of the request that is on the way, and since when.
    asked: Option<(i32, Instant)>,
    /// The broker wants no request before.
    throttled_until: Option<Instant>,
    frame: Vec<u8>,
    /// The frame's length, once it is known.
    len: Option<usize>,
}

/// An answer: the frame behind its length.
pub(super) struct Frame {
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) version: i16,
    correlation: i32,
}

impl Frame {
    /// The answer's body.
    pub(super) fn body(&self) -> Result<Fields<'_>, Malformed> {
        body::<FetchRequest>(&self.bytes, self.version, self.correlation)
    }
}

/// What a step came to.
pub(super) enum Step {
    /// Nothing.
    Idle,
    /// An answer has come.
    Answer(Frame),
    /// The connection is gone, and with it the request on the way.
    Failed(ConnectionError),
}

impl Link {
    /// A link that may begin with a connection.
    pub(super) fn new(connection: Option<Connection>, settings: &Settings) -> Self {
        let state = State::Down { until: Instant::now() };
        let mut link = Self { state, pause: settings.pause, spare: Vec::new(), too_large: 0 };
        if let Some(connection) = connection {
            link.opened(Ok(connection), settings);
        }
        link
    }

    /// Whether a request can be sent now.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        matches!(&self.state, State::Up(up) if up.asked.is_none() && up.throttled_until.is_none_or(|until| until <= now))
    }

    /// Whether it waits for a connection that is being opened.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    /// The version of Fetch on this link, where it is up.
    pub(super) fn version(&self) -> Option<i16> {
        if let State::Up(up) = &self.state { Some(up.version) } else { None }
    }

    /// What to wait for: the socket, and whether it is to be written to.
    pub(super) fn socket(&self) -> Option<(BorrowedFd<'_>, bool)> {
        use std::os::fd::AsFd;
        if let State::Up(up) = &self.state { Some((up.connection.stream.as_fd(), !up.unsent.is_empty())) } else { None }
    }

    /// Whether the broker has claimed twice in a row that its answer is larger than is taken: once may be a broken length.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large > 1
    }

    /// Whether an answer is overdue: the broker may be gone without a word.
    pub(super) fn is_overdue(&self, now: Instant, wait: Duration) -> bool {
        matches!(&self.state, State::Up(up) if up.asked.is_some_and(|(_, since)| now.duration_since(since) > wait))
    }

    /// Whether it is up.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Gives back a buffer, unless it is of a size that is seldom needed.
    pub(super) fn reuse(&mut self, frame: Arc<Vec<u8>>, bytes_usual: usize) {
        if let Ok(mut bytes) = Arc::try_unwrap(frame)
            && bytes.capacity() <= 4 * bytes_usual
        {
            bytes.clear();
            self.spare = bytes;
        }
    }

    /// Sends a request; to be called when the link is free.
    pub(super) fn ask(&mut self, request: &FetchRequest, version: i16, now: Instant) -> Result<(), ConnectionError> {
        let State::Up(up) = &mut self.state else { return Ok(()) };
        up.version = version;
        let (frame, correlation) = up.connection.request(request, version)?;
        up.unsent = frame;
        up.asked = Some((correlation, now));
        up.len = None;
        up.frame = std::mem::take(&mut self.spare);
        up.send().map_err(ConnectionError::Io)
    }

    /// The broker wants no request for a while.
    pub(super) fn throttle(&mut self, until: Instant) {
        if let State::Up(up) = &mut self.state {
            up.throttled_until = Some(until);
        }
    }

    /// Goes on with what is under way: opens, sends, receives.
    pub(super) fn step(&mut self, address: Option<&Address>, settings: &Settings, now: Instant) -> Step {
        match &mut self.state {
            State::Down { until } if *until > now => Step::Idle,
            State::Down { .. } => {
                if let Some(address) = address {
                    self.open(address, settings);
                }
                Step::Idle
            }
            State::Opening(opening) => match opening.try_recv() {
                Ok(opened) => self.opened(opened, settings),
                Err(TryRecvError::Empty) => Step::Idle,
                Err(TryRecvError::Disconnected) => {
                    self.fail(io::Error::other("the connection was given up").into(), settings)
                }
            },
            State::Up(up) => match up.step(settings, now) {
                Ok(None) => Step::Idle,
                Ok(Some(frame)) => {
                    (self.pause, self.too_large) = (settings.pause, 0);
                    Step::Answer(frame)
                }
                Err(error) => self.fail(error, settings),
            },
        }
    }

    fn open(&mut self, address: &Address, settings: &Settings) {
        let (sender, receiver) = channel();
        let (address, settings) = (address.clone(), settings.clone());
        let opening = thread::Builder::new().name("kafka-connect".to_owned());
        let spawned = opening.spawn(move || {
            let until = Instant::now() + settings.setup_wait;
            // Nobody waits any more where the reader is gone.
            let _ = sender.send(Connection::open(&address, &settings, until));
        });
        if spawned.is_ok() {
            self.state = State::Opening(receiver);
        }
    }

    fn opened(&mut self, opened: Result<Connection, ConnectionError>, settings: &Settings) -> Step {
        let up = opened.and_then(|connection| {
            let version = connection.versions.of::<FetchRequest>(VERSIONS.0, VERSIONS.1)?;
            connection.stream.never_block()?;
            Ok(Up {
                connection,
                version,
                unsent: Vec::new(),
                asked: None,
                throttled_until: None,
                frame: Vec::new(),
                len: None,
            })
        });
        match up {
            Ok(up) => {
                self.state = State::Up(Box::new(up));
                Step::Idle
            }
            Err(error) => self.fail(error, settings),
        }
    }

    /// The link is down, for a while.
    pub(super) fn fail(&mut self, error: ConnectionError, settings: &Settings) -> Step {
        if matches!(&error, ConnectionError::Protocol(error) if *error == TOO_LARGE) {
            self.too_large += 1;
        }
        self.state = State::Down { until: Instant::now() + self.pause };
        let least = Duration::from_millis(1);
        self.pause = (self.pause * 2).max(least).min(settings.pause_max.max(least));
        Step::Failed(error)
    }
}

impl Up {
    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.connection.stream.write(&self.unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.connection.stream.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }

    fn step(&mut self, settings: &Settings, now: Instant) -> Result<Option<Frame>, ConnectionError> {
        self.send()?;
        let Some((correlation, since)) = self.asked else {
            // Nothing is awaited: what can be read is the connection's end, or nonsense.
            return match self.connection.stream.fill(&mut self.frame, 1)? {
                false => Ok(None),
                true => Err(Malformed("a broker says something that nobody asked").into()),
            };
        };
        let before = (self.len, self.frame.len());
        if !self.receive(settings)? {
            if before != (self.len, self.frame.len()) {
                self.asked = Some((correlation, now));
            } else if now.duration_since(since) > settings.answer_wait {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within socket.timeout.ms").into());
            }
            return Ok(None);
        }
        self.asked = None;
        let bytes = Arc::new(std::mem::take(&mut self.frame));
        Ok(Some(Frame { bytes, version: self.version, correlation }))
    }

    /// Reads what is there; true when the frame is whole.
    fn receive(&mut self, settings: &Settings) -> Result<bool, ConnectionError> {
        if self.len.is_none() {
            if !self.connection.stream.fill(&mut self.frame, 4)? {
                return Ok(false);
            }
            let Some(head) = self.frame.first_chunk::<4>() else { return Ok(false) };
            let len = u32::from_be_bytes(*head) as usize;
            if len > settings.answer_bytes_max {
                return Err(TOO_LARGE.into());
            }
            self.frame.clear();
            self.len = Some(len);
        }
        Ok(self.connection.stream.fill(&mut self.frame, self.len.unwrap_or(0))?)
    }
}

/// Told with the property that allows more.
pub(super) const TOO_LARGE: Malformed = Malformed(
    "a broker's answer is larger than receive.message.max.bytes allows; set that property above the largest record batch of the topic",
);
