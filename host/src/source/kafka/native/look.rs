//! The first look at the cluster: is it there, is the topic, which partitions, where do they begin and end.
//!
//! Everything here is a round trip before the start; nothing is read yet. The connections are kept for the readers.

use super::asks::{self, EARLIEST, LATEST, Led, Metadata, TopicSeen};
use super::connection::{Connection, ConnectionError};
use super::directory;
use super::settings::Settings;
use super::trouble::{self, Verdict};
use crate::source::SourceError;
use crate::source::kafka::places::{self, Found};
use crate::source::kafka::{KafkaSettings, KafkaStart, words};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ListOffsetsRequest;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(200);
/// A topic made a moment ago may be unknown to the broker that we ask.
const MISSING_WAIT: Duration = Duration::from_secs(1);

/// What was found.
pub(super) struct Seen {
    pub(super) metadata: Metadata,
    pub(super) found: Vec<Found>,
    /// Connections by broker, to go on with.
    pub(super) connections: BTreeMap<i32, Connection>,
    /// The connection that was asked first.
    pub(super) first: Option<Connection>,
}

/// Looks at the topic.
pub(super) fn look(settings: &KafkaSettings, own: &Settings) -> Result<Seen, SourceError> {
    let until = Instant::now() + settings.connect_wait;
    let mut look = Look { settings, own, until, turn: 0, first: None, connections: BTreeMap::new() };
    let begun = Instant::now();
    loop {
        let metadata = look.again(|look| look.metadata())?;
        let seen = metadata.topics.iter().find(|seen| seen.name == settings.topic).cloned();
        if let Some(seen) = look.described(seen.as_ref(), begun)? {
            let found = look.again(|look| look.offsets(&metadata, &seen))?;
            if let Some(found) = found {
                return Ok(Seen { metadata, found, connections: look.connections, first: look.first });
            }
        }
        if Instant::now() + PAUSE >= until {
            return Err(words::unreachable(settings, "a partition has no leader"));
        }
        std::thread::sleep(PAUSE);
    }
}

struct Look<'a> {
    settings: &'a KafkaSettings,
    own: &'a Settings,
    until: Instant,
    turn: usize,
    first: Option<Connection>,
    connections: BTreeMap<i32, Connection>,
}

impl Look<'_> {
    /// Tries until it works, the time is over or trying is of no use.
    fn again<T>(&mut self, mut ask: impl FnMut(&mut Self) -> Result<T, ConnectionError>) -> Result<T, SourceError> {
        loop {
            let error = match ask(self) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.first = None;
            self.connections.clear();
            self.turn += 1;
            match error {
                ConnectionError::Login(reason) => return Err(words::login_refused(self.settings, &reason)),
                ConnectionError::Tls(reason) => return Err(words::no_tls(self.settings, &reason)),
                ConnectionError::Protocol(error) => return Err(words::not_asked(self.settings, error)),
                ConnectionError::NotAllowed => return Err(words::not_allowed(&self.settings.topic)),
                ConnectionError::Refused(told) => return Err(words::not_asked(self.settings, told)),
                ConnectionError::Io(error) if Instant::now() + PAUSE >= self.until => {
                    return Err(words::unreachable(self.settings, &error.to_string()));
                }
                ConnectionError::Io(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Until when one try may take, so that each of the brokers that are named gets its turn.
    fn try_until(&self) -> Instant {
        let now = Instant::now();
        let brokers = u32::try_from(self.own.bootstrap.len()).unwrap_or(1).max(1);
        let share = (self.until.saturating_duration_since(now) / brokers).max(PAUSE);
        self.until.min(now + self.own.setup_wait.min(share))
    }

    fn metadata(&mut self) -> Result<Metadata, ConnectionError> {
        let until = self.try_until();
        let connection = match &mut self.first {
            Some(open) => open,
            None => {
                let address = &self.own.bootstrap[self.turn % self.own.bootstrap.len()];
                self.first.insert(Connection::open(address, self.own, until)?)
            }
        };
        directory::ask(connection, Some(&self.settings.topic), until)
    }

    /// The topic as it can be read; `None`: ask again.
    fn described(&mut self, seen: Option<&TopicSeen>, begun: Instant) -> Result<Option<TopicSeen>, SourceError> {
        let error = seen.and_then(|seen| ResponseError::try_from_code(seen.error));
        match (seen, error) {
            (Some(seen), None) if seen.partitions.iter().all(|led| led.leader >= 0) && !seen.partitions.is_empty() => {
                Ok(Some(seen.clone()))
            }
            (_, Some(ResponseError::TopicAuthorizationFailed)) => Err(words::not_allowed(&self.settings.topic)),
            (_, Some(ResponseError::InvalidTopicException)) => Err(words::no_name(&self.settings.topic)),
            (None, _) | (_, Some(ResponseError::UnknownTopicOrPartition)) if begun.elapsed() > MISSING_WAIT => {
                let names = self.again(|look| look.names())?;
                Err(words::missing(self.settings, &names))
            }
            _ => Ok(None),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, ConnectionError> {
        let until = self.try_until();
        if self.first.is_none() {
            self.metadata()?;
        }
        let Some(connection) = &mut self.first else { return Ok(Vec::new()) };
        let all = directory::ask(connection, None, until)?;
        Ok(all.topics.into_iter().map(|seen| seen.name).collect())
    }

    /// Where the partitions begin, end and are to be read from; `None`: leaders are moving, ask again.
    fn offsets(&mut self, metadata: &Metadata, seen: &TopicSeen) -> Result<Option<Vec<Found>>, ConnectionError> {
        let mut by_leader: BTreeMap<i32, Vec<Led>> = BTreeMap::new();
        seen.partitions.iter().for_each(|led| by_leader.entry(led.leader).or_default().push(*led));
        let mut found = Vec::with_capacity(seen.partitions.len());
        for (leader, led) in by_leader {
            let (settings, committed_only, until) = (self.settings, self.own.committed_only, self.try_until());
            let Some(connection) = self.leader(metadata, leader)? else { return Ok(None) };
            let mut ask = |at| asked(connection, &settings.topic, committed_only, &led, at, until);
            let (lows, highs) = (ask(EARLIEST)?, ask(LATEST)?);
            let starts = match settings.start {
                KafkaStart::Earliest => lows.clone(),
                KafkaStart::Latest => highs.clone(),
                KafkaStart::Timestamp(us) => ask(places::ceil_ms(us))?,
            };
            for led in &led {
                let of = |offsets: &Option<BTreeMap<i32, i64>>| offsets.as_ref()?.get(&led.id).copied();
                let (Some(low), Some(high), Some(start)) = (of(&lows), of(&highs), of(&starts)) else {
                    return Ok(None);
                };
                let start = if start < 0 { high } else { start.clamp(low, high) };
                found.push(Found { id: led.id, low, high, start });
            }
        }
        found.sort_unstable_by_key(|found| found.id);
        Ok(Some(found))
    }

    fn leader(&mut self, metadata: &Metadata, leader: i32) -> Result<Option<&mut Connection>, ConnectionError> {
        if !self.connections.contains_key(&leader) {
            let address = metadata.brokers.iter().find(|(id, _)| *id == leader).map(|(_, address)| address);
            let Some(address) = address else { return Ok(None) };
            let opened = Connection::open(address, self.own, self.try_until())?;
            self.connections.insert(leader, opened);
        }
        Ok(self.connections.get_mut(&leader))
    }
}

/// Asks one leader for an offset of each of its partitions; `None`: it leads one of them no more.
fn asked(
    connection: &mut Connection,
    topic: &str,
    committed_only: bool,
    led: &[Led],
    at: i64,
    until: Instant,
) -> Result<Option<BTreeMap<i32, i64>>, ConnectionError> {
    let wanted: Vec<(Led, i64)> = led.iter().map(|led| (*led, at)).collect();
    let offsets = offsets(connection, topic, committed_only, &wanted, until)?;
    match offsets.iter().map(|(_, error, _)| trouble::judge(*error)).find(|verdict| *verdict != Verdict::Fine) {
        None => Ok(Some(offsets.into_iter().map(|(id, _, offset)| (id, offset)).collect())),
        Some(Verdict::NotAllowed) => Err(ConnectionError::NotAllowed),
        Some(Verdict::Final(told)) => Err(ConnectionError::Refused(told)),
        Some(_) => Ok(None),
    }
}

/// Asks a leader for offsets: partition, error, offset.
pub(super) fn offsets(
    connection: &mut Connection,
    topic: &str,
    committed_only: bool,
    wanted: &[(Led, i64)],
    until: Instant,
) -> Result<Vec<(i32, i16, i64)>, ConnectionError> {
    let version = connection.versions.of::<ListOffsetsRequest>(4, 7)?;
    connection.ask(&asks::offsets_request(topic, wanted, committed_only), version, until, asks::offsets)
}
