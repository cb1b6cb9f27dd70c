//! The `kafka` sink: rows of an epoch and the epoch's marker in one transaction.
//!
//! ```text
//! open    read the marker ─ ours to take? ─▶ producer of our name: older ones are fenced, their transactions end
//!         ─▶ read the marker again ─ still? ─▶ write the marker of this run
//! apply   rows that are not there yet, and the marker with the epoch ─▶ commit
//!         unclear, or fenced: close; `open` finds out, from the marker
//! ```
//!
//! The transactional id is made of the pipeline's and the sink's name. Fencing alone does not say who is the newer run, since whoever comes
//! last wins, an old run that reconnects too: so the marker decides, and is read before the name is taken and after.

use super::look::Look;
use super::marker::{Marker, Markers};
use super::producer::{Outgoing, Producer};
use super::rows::{HEADERS, Message, messages};
use super::there::There;
use super::{KafkaFailure, KafkaTopic};
use crate::sink::outbox::{Destination, Opening, Trouble};
use crate::telemetry::failpoint;

/// Where rows go.
#[derive(Debug, Clone)]
pub struct KafkaSinkSettings {
    /// The topic of the rows; it must exist.
    pub topic: KafkaTopic,
    /// The topic of the markers, in the same cluster; it must exist, and be compacted.
    pub epochs_topic: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The sink's name; unique in the pipeline.
    pub sink: String,
}

/// Writes epochs to a topic.
pub struct KafkaDestination {
    settings: KafkaSinkSettings,
    /// `pipeline/sink`: the marker's key.
    name: String,
    /// This run's own id; made at the first `open`.
    run: Option<String>,
    markers: Markers,
    /// What is there from epochs after the checkpoint; looked for at the start.
    there: Option<There>,
    /// `reach` has found its topic: the first `open` need not.
    reached: bool,
    live: Option<Live>,
}

/// What an open destination has.
struct Live {
    producer: Producer,
    marker: Marker,
}

impl KafkaDestination {
    /// Touches nothing (`open` does).
    pub fn new(settings: KafkaSinkSettings) -> Self {
        let name = format!("{}/{}", settings.pipeline, settings.sink);
        let epochs = KafkaTopic { topic: settings.epochs_topic.clone(), ..settings.topic.clone() };
        Self {
            markers: Markers::new(epochs, name.clone()),
            name,
            settings,
            run: None,
            there: None,
            reached: false,
            live: None,
        }
    }

    fn transactional_id(&self) -> String {
        // Names hold no dots, so no two pairs give the same id.
        format!("weir.{}.{}", self.settings.pipeline, self.settings.sink)
    }

    fn take_over(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        let run = self.run_id()?;
        // What was right at the start has not become wrong: a broker that is coming back knows no topics yet and cuts off handshakes.
        let failed = |failure: KafkaFailure| match failure.trouble() {
            Trouble::Final(reason) if opening.again => Trouble::Passing(reason),
            trouble => trouble,
        };
        if !std::mem::take(&mut self.reached) {
            self.find_topic().map_err(failed)?;
        }
        self.markers.look(false).map_err(failed)?;
        self.refuse(opening, &run)?;
        let producer = Producer::open(&self.settings.topic, &self.transactional_id()).map_err(failed)?;
        self.markers.look(true).map_err(failed)?;
        self.refuse(opening, &run)?;
        let (lineage, generation) = (opening.claim.lineage.clone(), opening.claim.generation);
        let held = self.markers.held(&lineage);
        let again_after = self.look_for_what_is_there(opening).map_err(failed)?;
        let marker = Marker { lineage, generation, run, epoch: held, again_after };
        if self.markers.last.as_ref() != Some(&marker) {
            self.write(&producer, &[], &marker).map_err(failed)?;
        }
        self.live = Some(Live { producer, marker });
        Ok(held)
    }

    fn find_topic(&self) -> Result<(), KafkaFailure> {
        Look::open(&self.settings.topic).and_then(|look| look.partitions()).map(drop)
    }

    fn refuse(&self, opening: &Opening, run: &str) -> Result<(), Trouble> {
        self.markers.refusal(opening, run).map_or(Ok(()), |reason| Err(Trouble::Fenced(reason)))
    }

    /// Once a run: later on, what is after the checkpoint is this run's own. Gives after which epoch the next run has to look, if it has to.
    fn look_for_what_is_there(&mut self, opening: &Opening) -> Result<Option<u64>, KafkaFailure> {
        if self.there.is_none() {
            let there = match self.markers.again_after(opening) {
                Some(after) => self.look_after(after, opening)?,
                None => There::default(),
            };
            self.there = Some(there);
        }
        Ok(self.there.as_ref().and_then(There::again_after))
    }

    fn look_after(&self, epoch: u64, opening: &Opening) -> Result<There, KafkaFailure> {
        let topic = &self.settings.topic;
        let there = There::look(topic, &self.name, &opening.claim.lineage, epoch, opening.open_from_us)?;
        let (place, windows) = (topic.place(), there.len());
        tracing::info!(place, windows, "the topic is ahead of the checkpoint: windows that are there are left out");
        Ok(there)
    }

    fn run_id(&mut self) -> Result<String, Trouble> {
        if let Some(run) = &self.run {
            return Ok(run.clone());
        }
        let mut bytes = [0_u8; 8];
        let filled = getrandom::fill(&mut bytes);
        filled.map_err(|error| Trouble::Final(format!("the system has no random numbers: {error}")))?;
        let run: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.run = Some(run.clone());
        Ok(run)
    }

    /// Rows and marker, in one transaction.
    fn write(&self, producer: &Producer, messages: &[Message<'_>], marker: &Marker) -> Result<(), KafkaFailure> {
        let value = serde_json::to_vec(marker).map_err(|error| KafkaFailure::Setting(error.to_string()))?;
        let epoch = marker.epoch.unwrap_or(0).to_string();
        producer.begin()?;
        for message in messages {
            let revision = message.revision.to_string();
            let texts: [&str; 6] = [&self.name, &marker.lineage, &epoch, message.kpi, &message.window_start, &revision];
            let headers: [(&str, &[u8]); 6] = std::array::from_fn(|at| (HEADERS[at], texts[at].as_bytes()));
            let (key, value) = (Some(message.key), message.value);
            producer.send_all([Outgoing { topic: None, partition: None, key, value, headers: &headers }])?;
        }
        let (topic, key) = (Some(self.settings.epochs_topic.as_str()), Some(self.name.as_bytes()));
        producer.send_all([Outgoing { topic, partition: Some(0), key, value: &value, headers: &[] }])?;
        failpoint!("kafka-in-transaction");
        producer.commit()
    }
}

impl Destination for KafkaDestination {
    fn reach(&mut self) -> Result<(), Trouble> {
        let found = self.find_topic().and_then(|()| self.markers.look(false));
        self.reached = found.is_ok();
        found.map_err(KafkaFailure::trouble)
    }

    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        self.live = None;
        self.take_over(opening)
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let Some(live) = &self.live else { return Err(Trouble::Passing("there is no connection".to_owned())) };
        if live.marker.epoch.is_some_and(|held| epoch <= held) {
            return Ok(());
        }
        let mut messages =
            messages(rows).map_err(|reason| Trouble::Final(format!("its rows can't be read: {reason}")))?;
        messages.retain(|message| self.there.as_ref().is_none_or(|there| !there.has(message)));
        let marker = Marker { epoch: Some(epoch), ..live.marker.clone() };
        self.write(&live.producer, &messages, &marker).map_err(KafkaFailure::trouble)?;
        if let Some(live) = &mut self.live {
            live.marker = marker;
        }
        Ok(())
    }

    fn close(&mut self) {
        self.live = None;
    }

    fn place(&self) -> String {
        self.settings.topic.place()
    }
}
