//! Who leads which partition: the cluster's picture of the topic, renewed by a thread of its own, so that reading never waits for it.
//!
//! Readers look at the picture between two steps and ask for a new one when a leader has sent them away. It knows the topic's
//! partitions and the brokers; not what was read.

use super::asks::{self, Address, Led, Metadata, TopicSeen};
use super::connection::{Connection, ConnectionError};
use super::settings::Settings;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::MetadataRequest;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Two tries are at least this far apart, however often they are asked for.
const PAUSE: Duration = Duration::from_millis(100);

/// A topic that the cluster does not know for so long is gone; shorter, and the brokers may not have heard of it yet.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// The topic as the cluster last described it.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    /// Rises with each description.
    pub(super) version: u64,
    pub(super) brokers: BTreeMap<i32, Address>,
    /// By partition id.
    pub(super) partitions: BTreeMap<i32, Led>,
    pub(super) topic_id: [u8; 16],
    /// What a reader must stop for.
    pub(super) trouble: Option<Trouble>,
}

/// What the topic has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The cluster has not known it for a while.
    Gone,
    /// Another topic has its name: that one's id.
    Recreated([u8; 16]),
    /// The user may not read it any more.
    NotAllowed,
}

/// The picture, and the wish for a new one.
pub(super) struct Directory {
    topic: String,
    settings: Settings,
    state: Mutex<State>,
    wished: Condvar,
}

struct State {
    picture: Arc<Picture>,
    /// The version that somebody is not content with.
    outdated: Option<u64>,
    missing_since: Option<Instant>,
}

impl Directory {
    /// Begins with a description; the thread renews it every `interval` and ends when nobody holds the directory.
    pub(super) fn start(
        topic: &str,
        settings: &Settings,
        first: &Metadata,
        interval: Duration,
        connection: Option<Connection>,
    ) -> Arc<Self> {
        let state = State { picture: Arc::new(Picture::default()), outdated: None, missing_since: None };
        let directory = Arc::new(Self {
            topic: topic.to_owned(),
            settings: settings.clone(),
            state: Mutex::new(state),
            wished: Condvar::new(),
        });
        directory.take_in(first);
        let weak = Arc::downgrade(&directory);
        let renewing = thread::Builder::new().name("kafka-metadata".to_owned());
        if let Err(error) = renewing.spawn(move || renew(&weak, interval, connection)) {
            tracing::error!("no thread to follow the leaders of topic {topic}: {error}");
        }
        directory
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The picture as it is.
    pub(super) fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.state().picture)
    }

    /// The picture of this version has proved wrong.
    pub(super) fn is_outdated(&self, version: u64) {
        let mut state = self.state();
        if state.picture.version == version {
            state.outdated = Some(version);
            self.wished.notify_all();
        }
    }

    /// Waits until a new picture is wanted or due; false when nobody wants any more.
    fn wait(weak: &Weak<Self>, interval: Duration) -> Option<Arc<Self>> {
        let due = Instant::now() + interval;
        loop {
            let directory = weak.upgrade()?;
            let state = directory.state();
            if state.outdated == Some(state.picture.version) || Instant::now() >= due {
                drop(state);
                return Some(directory);
            }
            let left = due.saturating_duration_since(Instant::now()).min(Duration::from_millis(200));
            drop(directory.wished.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Takes over a description; true where it does not know the topic.
    fn take_in(&self, metadata: &Metadata) -> bool {
        let (mut state, mut is_missing) = (self.state(), false);
        let mut picture = Picture::clone(&state.picture);
        picture.version += 1;
        if !metadata.brokers.is_empty() {
            picture.brokers = metadata.brokers.iter().cloned().collect();
        }
        let seen = metadata.topics.iter().find(|seen| seen.name == self.topic);
        match seen.map(|seen| (seen, ResponseError::try_from_code(seen.error))) {
            Some((seen, None)) => {
                state.missing_since = None;
                picture.describe(seen);
            }
            Some((_, Some(ResponseError::TopicAuthorizationFailed))) => picture.trouble = Some(Trouble::NotAllowed),
            Some((_, Some(ResponseError::UnknownTopicOrPartition))) | None => {
                // One broker may know less than the others: the next one is asked, until all have had the time.
                is_missing = true;
                let since = *state.missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= GONE_AFTER {
                    picture.trouble = Some(Trouble::Gone);
                }
            }
            Some(_) => {} // a leader is being elected, or the like
        }
        state.outdated = is_missing.then_some(picture.version);
        state.picture = Arc::new(picture);
        is_missing
    }
}

impl Picture {
    fn describe(&mut self, seen: &TopicSeen) {
        let is_known = self.topic_id != [0; 16] && seen.id != [0; 16];
        if is_known && self.topic_id != seen.id {
            self.trouble = Some(Trouble::Recreated(seen.id));
            return;
        }
        self.topic_id = seen.id;
        for led in &seen.partitions {
            let known = self.partitions.entry(led.id).or_insert(*led);
            // A broker that was away may describe the past.
            if led.epoch >= known.epoch {
                *known = *led;
            }
        }
    }
}

fn renew(weak: &Weak<Directory>, interval: Duration, mut connection: Option<Connection>) {
    let mut turn = 0;
    while let Some(directory) = Directory::wait(weak, interval) {
        let addresses = directory.addresses();
        // One broker a try, the next one after a failure.
        let address = &addresses[turn % addresses.len()];
        match describe(&directory, address, &mut connection) {
            Ok(metadata) => {
                if directory.take_in(&metadata) {
                    connection = None;
                    turn += 1;
                }
            }
            Err(error) => {
                connection = None;
                turn += 1;
                tracing::debug!(
                    "the leaders of topic {} can't be asked of {}:{}: {error}",
                    directory.topic,
                    address.host,
                    address.port
                );
            }
        }
        drop(directory);
        thread::sleep(PAUSE);
    }
}

fn describe(
    directory: &Directory,
    address: &Address,
    connection: &mut Option<Connection>,
) -> Result<Metadata, ConnectionError> {
    let until = Instant::now() + directory.settings.setup_wait;
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(address, &directory.settings, until)?),
    };
    ask(open, Some(&directory.topic), until)
}

/// Asks for the brokers, and for a topic or all.
pub(super) fn ask(
    connection: &mut Connection,
    topic: Option<&str>,
    until: Instant,
) -> Result<Metadata, ConnectionError> {
    let version = connection.versions.of::<MetadataRequest>(9, 12)?;
    connection.ask(&asks::metadata_request(topic), version, until, asks::metadata)
}

impl Directory {
    /// Where to ask: the brokers that were described, then those that were configured.
    pub(super) fn addresses(&self) -> Vec<Address> {
        let picture = self.picture();
        picture.brokers.values().chain(&self.settings.bootstrap).cloned().collect()
    }
}
