//! A reader over some partitions: asks their leaders, hands over what came, and follows the leaders when they move.
//!
//! ```text
//! follow the picture ─▶ step the links ─▶ take answers in ─▶ ask for more ─▶ hand over, partition by partition in turn
//! ```
//!
//! An answer is worked off before the next one of that broker is received; that one is on its way meanwhile, in the kernel's
//! buffers. So memory is bounded by two answers a broker.

use super::asks;
use super::connection::{Connection, ConnectionError};
use super::directory::{Directory, Picture, Trouble};
use super::fetch::{self, Topic};
use super::link::{Link, Step};
use super::part::Part;
use super::settings::Settings;
use super::{trouble, waiting};
use crate::source::kafka::places::Place;
use crate::source::kafka::words;
use crate::source::{Clock, ReadEvent, Reader, SourceError};
use crate::telemetry::stages::{Stage, lap};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a question may take for which records of other partitions wait.
pub(super) const CONFIRM_WAIT: Duration = Duration::from_secs(1);
/// How long a broker that did not answer such a question is not asked again.
const UNANSWERED: Duration = Duration::from_secs(5);
/// How often a new picture is asked for while an answer is overdue.
const OVERDUE_LOOK: Duration = Duration::from_secs(1);

/// What a reader is made of.
pub(super) struct Parts<'a> {
    pub(super) topic: Topic,
    pub(super) settings: Settings,
    pub(super) directory: Arc<Directory>,
    pub(super) places: &'a [Place],
    /// Connections by broker, to begin with.
    pub(super) connections: BTreeMap<i32, Connection>,
    /// How many partitions the topic had, where this reader is to stop when it gets more.
    pub(super) grown_from: Option<usize>,
    pub(super) clock: Clock,
}

/// Reads some partitions of a topic.
pub(super) struct NativeReader {
    pub(super) topic: Topic,
    pub(super) settings: Settings,
    pub(super) directory: Arc<Directory>,
    pub(super) picture: Arc<Picture>,
    pub(super) parts: Vec<Part>,
    pub(super) links: BTreeMap<i32, Link>,
    /// The order in which each broker is asked: what brought something goes to the end.
    pub(super) order: VecDeque<usize>,
    /// Answers whose records are being handed over, by broker, and the partitions that they brought.
    pub(super) frames: BTreeMap<i32, (Arc<Vec<u8>>, Vec<usize>)>,
    /// Connections to ask leaders on, beside fetching.
    pub(super) asking: BTreeMap<i32, Connection>,
    /// Brokers that are not to be asked beside fetching before a time: they did not answer.
    pub(super) unanswered: BTreeMap<i32, Instant>,
    /// When a new picture was last asked for because of an answer that is overdue.
    pub(super) renewed: Instant,
    pub(super) events: VecDeque<ReadEvent>,
    pub(super) turn: usize,
    pub(super) grown_from: Option<usize>,
    pub(super) clock: Clock,
}

impl NativeReader {
    pub(super) fn new(mut parts: Parts<'_>) -> Self {
        let mut reader = Self {
            picture: Arc::new(Picture::default()),
            parts: parts.places.iter().map(|place| Part::new(*place)).collect(),
            links: BTreeMap::new(),
            order: (0..parts.places.len()).collect(),
            frames: BTreeMap::new(),
            asking: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            renewed: Instant::now(),
            events: VecDeque::new(),
            turn: 0,
            grown_from: parts.grown_from,
            clock: parts.clock,
            topic: parts.topic,
            settings: parts.settings,
            directory: parts.directory,
        };
        let lost = parts.places.iter().filter_map(|place| Some(place.lost?.event(place.partition)));
        reader.events.extend(lost);
        (0..reader.parts.len()).for_each(|index| reader.settle(index));
        reader.describe(&mut parts.connections);
        reader
    }

    /// The next event that needs no waiting.
    fn ready(&mut self, records_max: usize) -> Result<Option<ReadEvent>, SourceError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        for step in 0..self.parts.len() {
            let index = (self.turn + step) % self.parts.len();
            if !self.parts[index].has_fetched() {
                continue;
            }
            let taken = self.parts[index].take(records_max);
            self.settle(index);
            match taken {
                Ok(Some(block)) => {
                    self.turn = index + 1;
                    return Ok(Some(ReadEvent::Block(block)));
                }
                Ok(None) => {}
                Err(error) => self.broken(index, error)?,
            }
        }
        Ok(self.events.pop_front())
    }

    /// Tells what a partition has come to.
    pub(super) fn settle(&mut self, index: usize) {
        let part = &mut self.parts[index];
        let partition = part.place.partition;
        if part.ends() {
            self.events.push_back(ReadEvent::Ended { partition });
        } else if part.catches_up() {
            self.events.push_back(ReadEvent::CaughtUp { partition });
        }
    }

    /// Takes over a new picture: leaders, and what the topic has come to.
    fn follow(&mut self) -> Result<(), SourceError> {
        if self.picture.version == self.directory.picture().version {
            return Ok(());
        }
        self.describe(&mut BTreeMap::new());
        let topic = &self.topic.name;
        match self.picture.trouble {
            Some(Trouble::Gone) => return Err(words::gone(topic, "the cluster does not know it any more")),
            Some(Trouble::Recreated(now)) => return Err(words::recreated(topic, self.picture.topic_id, now)),
            Some(Trouble::NotAllowed) => return Err(words::not_allowed(topic)),
            None => {}
        }
        match self.grown_from {
            Some(from) if self.picture.partitions.len() > from => {
                Err(words::grown(topic, from, self.picture.partitions.len()))
            }
            _ => Ok(()),
        }
    }

    fn describe(&mut self, connections: &mut BTreeMap<i32, Connection>) {
        self.picture = self.directory.picture();
        for part in &mut self.parts {
            let Some(led) = self.picture.partitions.get(&part.place.id) else { continue };
            if led.epoch > part.leader_epoch {
                part.leader_epoch = led.epoch;
            }
            if led.leader < 0 {
                self.directory.is_outdated(self.picture.version);
                trouble::still_held(&self.topic.name, part, "it has no leader");
            } else if !part.ended {
                self.links
                    .entry(led.leader)
                    .or_insert_with(|| Link::new(connections.remove(&led.leader), &self.settings));
            }
        }
    }

    /// Lets go of brokers that lead nothing of ours any more: they would be met again for ever, and they may be gone for good.
    fn part_from_others(&mut self) {
        let led: BTreeSet<i32> =
            self.parts.iter().filter(|part| !part.ended).filter_map(|part| self.leader(part)).collect();
        let is_known = |broker: &i32| self.picture.brokers.contains_key(broker);
        // A request to a broker that has left the cluster is not waited for.
        for part in &mut self.parts {
            if part.asked_of.is_some_and(|broker| !led.contains(&broker) && !is_known(&broker)) {
                part.asked_of = None;
            }
        }
        let is_asked = |broker: &i32| self.parts.iter().any(|part| part.asked_of == Some(*broker));
        self.links.retain(|broker, _| led.contains(broker) || is_asked(broker));
        self.asking.retain(|broker, _| led.contains(broker));
        self.frames.retain(|broker, _| self.links.contains_key(broker));
    }

    fn leader(&self, part: &Part) -> Option<i32> {
        self.picture.partitions.get(&part.place.id).map(|led| led.leader)
    }

    /// Goes on with every link, and asks those that are free.
    fn step(&mut self) -> Result<(), SourceError> {
        let now = Instant::now();
        self.part_from_others();
        let brokers: Vec<i32> = self.links.keys().copied().collect();
        for broker in brokers {
            if self.is_working_off(broker) {
                continue;
            }
            let address = self.picture.brokers.get(&broker);
            let Some(link) = self.links.get_mut(&broker) else { continue };
            match link.step(address, &self.settings, now) {
                Step::Idle if link.is_overdue(now, self.settings.overdue()) && self.renewed + OVERDUE_LOOK <= now => {
                    self.renewed = now;
                    self.directory.is_outdated(self.picture.version);
                }
                Step::Idle => {}
                Step::Answer(frame) => self.take_in(broker, frame, now)?,
                Step::Failed(error) => self.failed(broker, &error)?,
            }
            self.ask(broker, now)?;
        }
        Ok(())
    }

    /// Whether records of the broker's last answer wait to be handed over; when they don't any more, its buffer is used again.
    fn is_working_off(&mut self, broker: i32) -> bool {
        let Some((frame, brought)) = self.frames.get(&broker) else { return false };
        if Arc::strong_count(frame) > 1 && brought.iter().any(|index| self.parts[*index].has_fetched()) {
            return true;
        }
        if let (Some((frame, _)), Some(link)) = (self.frames.remove(&broker), self.links.get_mut(&broker)) {
            link.reuse(frame, self.settings.sizes.bytes_max as usize);
        }
        false
    }

    pub(super) fn failed(&mut self, broker: i32, error: &ConnectionError) -> Result<(), SourceError> {
        self.parts.iter_mut().filter(|part| part.asked_of == Some(broker)).for_each(|part| part.asked_of = None);
        if let ConnectionError::Protocol(error) = error
            && self.links.get(&broker).is_some_and(Link::is_too_large)
        {
            return Err(SourceError::Setting(format!("topic {} can't be read: {error}", self.topic.name)));
        }
        trouble::log(&self.topic.name, broker, error);
        self.directory.is_outdated(self.picture.version);
        Ok(())
    }

    /// Asks a free broker for all that it leads and that is wanted.
    fn ask(&mut self, broker: i32, now: Instant) -> Result<(), SourceError> {
        let Some(link) = self.links.get(&broker).filter(|link| link.is_free(now)) else { return Ok(()) };
        let Some(version) = link.version() else { return Ok(()) };
        // A topic without an id, as of clusters under way from an older version, can only be asked for by name.
        let version = if self.topic.id == [0; 16] { version.min(fetch::NAMES_UNTIL) } else { version };
        let is_wanted = |index: &usize| {
            let part = &self.parts[*index];
            part.is_open(now) && self.leader(part) == Some(broker)
        };
        let asked: Vec<usize> = self.order.iter().copied().filter(is_wanted).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> = asked.iter().map(|index| self.parts[*index].wanted()).collect();
        let request = fetch::request(version, &self.topic, &wanted, self.settings.sizes, self.settings.committed_only);
        let Some(link) = self.links.get_mut(&broker) else { return Ok(()) };
        match link.ask(&request, version, now) {
            Ok(()) => asked.iter().for_each(|index| self.parts[*index].ask(broker)),
            Err(error) => {
                link.fail(io_error(&error), &self.settings);
                self.failed(broker, &error)?;
            }
        }
        Ok(())
    }

    fn all_ended(&self) -> bool {
        self.parts.iter().all(|part| part.ended)
    }
}

/// The link fails for a reason that is told elsewhere.
pub(super) fn io_error(error: &ConnectionError) -> ConnectionError {
    ConnectionError::Io(std::io::Error::other(error.to_string()))
}

impl Reader for NativeReader {
    fn next(&mut self, max_records: usize, wait: Duration) -> Result<ReadEvent, SourceError> {
        let until = Instant::now() + wait;
        let mut has_looked = false;
        loop {
            let ready = self.ready(max_records.max(1))?;
            lap(Stage::Frame);
            if let Some(event) = ready {
                return Ok(event);
            }
            // Answers without a record for us may come without a pause: then only the time ends it.
            if self.all_ended() || (has_looked && Instant::now() >= until) {
                return Ok(ReadEvent::Nothing);
            }
            has_looked = true;
            self.follow()?;
            self.step()?;
            lap(Stage::Fetch);
            if !self.events.is_empty() || self.parts.iter().any(Part::has_fetched) {
                continue;
            }
            waiting::wait(self.links.values(), until.saturating_duration_since(Instant::now()));
        }
    }

    fn epoch(&self, partition: u32) -> Option<i32> {
        self.parts.iter().find(|part| part.place.partition == partition)?.epoch.filter(|epoch| *epoch >= 0)
    }

    fn confirm_caught_up(&mut self, partition: u32) -> bool {
        let Some(part) = self.parts.iter().find(|part| part.place.partition == partition) else { return false };
        if part.ended {
            return true;
        }
        if part.has_fetched() || !part.told_caught_up {
            return false;
        }
        let (id, next) = (part.place.id, part.next);
        let Some(leader) = self.leader(part) else { return false };
        // A broker that is away, or did not answer lately, is not waited for: others have records.
        let is_patient = self.unanswered.get(&leader).is_none_or(|until| *until <= Instant::now());
        if !is_patient || !self.links.get(&leader).is_some_and(Link::is_up) {
            return false;
        }
        let end = self.ask_offset(id, asks::LATEST, Instant::now() + CONFIRM_WAIT);
        if end.is_none() {
            self.unanswered.insert(leader, Instant::now() + UNANSWERED);
        }
        end.is_some_and(|end| next >= end)
    }
}
