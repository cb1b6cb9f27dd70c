//! A connection to one broker: set up with the versions that it speaks and the login, and asked one question at a time.
//!
//! Everything here blocks, until a deadline; fetching, which must not, takes the stream over (`link`).

use super::asks::Address;
use super::scram::Scram;
use super::settings::{Login, Mechanism, Settings};
use super::stream::Stream;
use super::wire::{self, Fields, Malformed};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiVersionsRequest, SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::{Request, StrBytes};
use std::io::{self, Read, Write};
use std::time::Instant;
use thiserror::Error;

/// An answer to a question, beside fetching: the metadata of a large cluster is some megabytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// An answer is read in pieces of this, each with what is left of the time.
const PIECE_BYTES: usize = 64 << 10;

/// What a connection can fail at.
#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    /// The network, or a broker that is going away: may pass.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// TLS: certificates, or something else than TLS on the other side.
    #[error("{0}")]
    Tls(String),
    /// The login.
    #[error("{0}")]
    Login(String),
    /// The user may not ask that.
    #[error("not allowed")]
    NotAllowed,
    /// The broker will not answer, and asking again is of no use.
    #[error("{0}")]
    Refused(String),
    /// The broker speaks otherwise than we do.
    #[error("{0}")]
    Protocol(#[from] Malformed),
}

/// The versions that a broker speaks: (API, least, largest).
#[derive(Debug, Clone, Default)]
pub(super) struct Versions(Vec<(i16, i16, i16)>);

impl Versions {
    /// The largest version of `min..=max` that the broker speaks too.
    pub(super) fn of<R: Request>(&self, min: i16, max: i16) -> Result<i16, Malformed> {
        let spoken = self.0.iter().find(|(key, _, _)| *key == R::KEY).map(|(_, least, largest)| (*least, *largest));
        let common = spoken.map(|(least, largest)| (least.max(min), largest.min(max)));
        common.filter(|(least, largest)| least <= largest).map(|(_, largest)| largest).ok_or(TOO_OLD)
    }
}

const TOO_OLD: Malformed = Malformed(
    "the broker speaks other versions of the protocol than the native client, which needs Kafka 2.4 or later; write `client = \"librdkafka\"`",
);

/// An open connection.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) versions: Versions,
    client_id: String,
    correlation: i32,
}

impl Connection {
    /// Connects, asks for versions and logs in.
    pub(super) fn open(address: &Address, settings: &Settings, until: Instant) -> Result<Self, ConnectionError> {
        let stream = Stream::open(address, settings.tls.as_ref(), until).map_err(|error| opening(error, settings))?;
        let client_id = settings.client_id.clone();
        let mut connection = Self { stream, versions: Versions::default(), client_id, correlation: 0 };
        connection.ask_versions(until).map_err(|error| match error {
            ConnectionError::Io(error) => opening(error, settings),
            error => error,
        })?;
        if let Some(login) = &settings.login {
            connection.log_in(login, until)?;
        }
        Ok(connection)
    }

    /// Sends a request and waits for its answer, which `read` reads.
    pub(super) fn ask<R: Request, T>(
        &mut self,
        request: &R,
        version: i16,
        until: Instant,
        read: impl FnOnce(Fields<'_>, i16) -> Result<T, Malformed>,
    ) -> Result<T, ConnectionError> {
        let (frame, correlation) = self.request(request, version)?;
        self.stream.block_until(until)?;
        self.stream.write_all(&frame)?;
        self.stream.flush()?;
        let answer = self.answer(until)?;
        Ok(read(wire::body::<R>(&answer, version, correlation)?, version)?)
    }

    /// A request as a frame, and the number that its answer will carry.
    pub(super) fn request<R: Request>(&mut self, request: &R, version: i16) -> Result<(Vec<u8>, i32), Malformed> {
        self.correlation = self.correlation.wrapping_add(1);
        Ok((wire::frame(request, version, self.correlation, &self.client_id)?, self.correlation))
    }

    fn answer(&mut self, until: Instant) -> Result<Vec<u8>, ConnectionError> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len)?;
        let len = u32::from_be_bytes(len) as usize;
        if len > ANSWER_BYTES_MAX {
            return Err(NOT_KAFKA.into());
        }
        let mut answer = Vec::new();
        while answer.len() < len {
            // Anew each time: a trickle may not prolong the wait.
            self.stream.block_until(until)?;
            let left = (len - answer.len()).min(PIECE_BYTES) as u64;
            if (&mut self.stream).take(left).read_to_end(&mut answer)? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(answer)
    }

    /// Version 0 of this question is what every broker answers.
    fn ask_versions(&mut self, until: Instant) -> Result<(), ConnectionError> {
        self.versions = self.ask(&ApiVersionsRequest::default(), 0, until, |fields, _| {
            let (mut fields, mut versions) = (fields.flexible(false), Vec::new());
            fields.int16()?;
            fields.list(|fields| {
                versions.push((fields.int16()?, fields.int16()?, fields.int16()?));
                Ok(())
            })?;
            Ok(Versions(versions))
        })?;
        Ok(())
    }

    fn log_in(&mut self, login: &Login, until: Instant) -> Result<(), ConnectionError> {
        let name = login.mechanism.name();
        let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(name));
        let (error, known) = self.ask(&request, 1, until, |fields, _| {
            let (mut fields, mut known) = (fields.flexible(false), Vec::new());
            let error = fields.int16()?;
            fields.list(|fields| {
                known.push(fields.text()?.to_owned());
                Ok(())
            })?;
            Ok((error, known))
        })?;
        if error != 0 {
            return Err(ConnectionError::Login(format!("{name} is not among its mechanisms, {}", known.join(", "))));
        }
        match login.mechanism {
            Mechanism::Plain => self.authenticate(format!("\0{}\0{}", login.user, login.password), until).map(drop),
            Mechanism::Scram(hash) => {
                let nonce = nonce()?;
                let mut scram = Scram::new(hash, &login.user, &login.password, nonce);
                let server_first = self.authenticate(scram.first(), until)?;
                let proof = scram.prove(&server_first).map_err(ConnectionError::Login)?;
                let server_final = self.authenticate(proof, until)?;
                scram.verify(&server_final).map_err(ConnectionError::Login)
            }
        }
    }

    /// One step of the login; the server's words.
    fn authenticate(&mut self, words: String, until: Instant) -> Result<String, ConnectionError> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(words.into_bytes().into());
        let (error, told, bytes) = self.ask(&request, 1, until, |fields, _| {
            let mut fields = fields.flexible(false);
            let (error, told) = (fields.int16()?, fields.text()?.to_owned());
            Ok((error, told, fields.bytes()?.to_vec()))
        })?;
        match ResponseError::try_from_code(error) {
            None => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Some(_) if !told.is_empty() => Err(ConnectionError::Login(told)),
            Some(error) => Err(ConnectionError::Login(error.to_string())),
        }
    }
}

const NOT_KAFKA: Malformed =
    Malformed("an answer is longer than any of Kafka's: something else listens there, or it speaks TLS");

/// Random printable bytes, new for each login.
fn nonce() -> Result<String, ConnectionError> {
    use base64::Engine;
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes))
}

/// What an error at setting up means: TLS's own errors travel as errors of reading.
fn opening(error: io::Error, settings: &Settings) -> ConnectionError {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if settings.tls.is_some() && (is_tls || error.kind() == io::ErrorKind::InvalidData) {
        return ConnectionError::Tls(error.to_string());
    }
    ConnectionError::Io(error)
}
