//! Feeds records again that were set aside: into the topic that they came from, so that they take the normal way, or into a file.
//!
//! ```text
//! journals ─▶ what came of a call that broke off? ─▶ gather (filters, mended values, not what was fed) ─▶ fetch what letters hold in part
//!   ─▶ intent, durable ─▶ one transaction ─▶ journal
//! ```
//!
//! Nothing is fed twice: all records of a call become visible at once, each with a header that names it, and the intent tells where to
//! look for them. What can't be fed is refused by name; the rest goes.

mod feed;
mod gather;
mod lines;
mod whole;

pub use crate::sink::dead_letters::DeadLetterKind;
pub use crate::sink::dead_letters::read::{StoredLetter, StoredLetters, Unreadable};
pub use crate::sink::dead_letters::select::{OffsetRange, Selection};

use super::clock;
use super::translate::kafka_settings;
use crate::config::plan::{Plan, SourcePlan};
use crate::sink::dead_letters::journal::{Destination, Fed, Intent, Journal};
use crate::sink::kafka::{KafkaFailure, KafkaTopic};
use crate::sink::{SinkError, timestamp_text};
use crate::source::SourceError;
use crate::source::kafka::{
    CONNECT_WAIT, Isolation, KafkaClient, KafkaSettings, KafkaStart, LostOffsets, METADATA_INTERVAL,
};
use gather::Gathered;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// What to feed, and whither.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Files of letters.
    pub files: Vec<PathBuf>,
    /// Which of them.
    pub selection: Selection,
    /// So many at the most, of those that were not fed yet.
    pub limit: Option<usize>,
    /// Records to feed in place of the letters' own: only those that it names and that differ.
    pub mended: Option<PathBuf>,
    /// Also late records that some KPI or window has counted already.
    pub partly_counted: bool,
    /// Tell what would be done, and do nothing.
    pub dry_run: bool,
    /// Whither.
    pub target: Target,
}

/// Whither records go, and where whole ones are.
#[derive(Debug, Clone)]
pub struct Target {
    to: To,
    /// Where the whole of a record is that its letter holds in part.
    whole: Option<KafkaSettings>,
    /// Letters from elsewhere are refused.
    only_topic: Option<String>,
    /// The KPIs that will count what is fed, where they are known.
    kpis: Vec<String>,
    /// `allowed_lateness` there, microseconds, where it is known.
    allowed_lateness_us: Option<i64>,
}

#[derive(Debug, Clone)]
enum To {
    Topic(KafkaTopic),
    File(PathBuf),
}

impl Target {
    /// The topic that a pipeline reads.
    ///
    /// # Errors
    /// `Usage` where it reads none.
    pub fn pipeline(plan: &Plan) -> Result<Self, ReplayError> {
        let SourcePlan::Kafka(source) = &plan.source else {
            return Err(ReplayError::Usage(format!(
                "{} reads no topic, so there is nothing to feed records into; write them into a file with `--out more.jsonl`, and name \
                 that file in `files` of a run's [source]",
                plan.file.name
            )));
        };
        let KafkaSettings { brokers, topic, properties, .. } = kafka_settings(source, &plan.name, true);
        Ok(Self {
            only_topic: Some(topic.clone()),
            to: To::Topic(KafkaTopic { brokers, topic, properties }),
            whole: Some(kafka_settings(source, &plan.name, true)),
            kpis: plan.kpis.iter().map(|kpi| kpi.name.clone()).collect(),
            allowed_lateness_us: Some(plan.time.allowed_lateness_us),
        })
    }

    /// Any topic.
    pub fn topic(brokers: &str, topic: &str, properties: BTreeMap<String, String>) -> Self {
        let whole = Some(bare_settings(brokers, properties.clone()));
        let to = To::Topic(KafkaTopic { brokers: brokers.to_owned(), topic: topic.to_owned(), properties });
        Self { to, whole, only_topic: None, kpis: Vec::new(), allowed_lateness_us: None }
    }

    /// A file that is not there yet; `brokers` tells where records are that letters hold in part.
    pub fn file(path: PathBuf, brokers: Option<&str>, properties: BTreeMap<String, String>) -> Self {
        let whole = brokers.map(|brokers| bare_settings(brokers, properties));
        Self { to: To::File(path), whole, only_topic: None, kpis: Vec::new(), allowed_lateness_us: None }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match &self.to {
            To::Topic(topic) => topic.place(),
            To::File(path) => path.display().to_string(),
        }
    }

    /// `allowed_lateness` of the pipeline as people write it, where it is known.
    pub fn allowed_lateness(&self) -> Option<std::time::Duration> {
        self.allowed_lateness_us.and_then(|us| u64::try_from(us).ok()).map(std::time::Duration::from_micros)
    }
}

/// The topic is that of each letter.
fn bare_settings(brokers: &str, properties: BTreeMap<String, String>) -> KafkaSettings {
    KafkaSettings {
        // Takes every property, which is worth more here than speed.
        client: KafkaClient::Librdkafka,
        brokers: brokers.to_owned(),
        topic: String::new(),
        start: KafkaStart::Earliest,
        isolation: Isolation::ReadUncommitted,
        bounded: true,
        group: None,
        on_lost_offsets: LostOffsets::Stop,
        properties,
        connect_wait: CONNECT_WAIT,
        metadata_interval: METADATA_INTERVAL,
        clock: clock::now_us,
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Records fed; in a dry run, that would be.
    pub fed: usize,
    /// Late ones among them.
    pub late: usize,
    /// Letters that an earlier call has fed.
    pub fed_before: usize,
    /// Letters that an earlier call had fed without getting to say so: found in the target now.
    pub found_out: usize,
    /// Mended records that are as they were; left out.
    pub unchanged: usize,
    /// Letters that stand there more than once; fed once.
    pub repeated: usize,
    /// Letters that are not fed, and why.
    pub refused: Vec<(String, String)>,
    /// Lines that can't be read.
    pub unreadable: Vec<(PathBuf, Unreadable)>,
    /// Where it is noted.
    pub journals: Vec<String>,
}

/// Why nothing was fed, or nobody knows.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The command can't be done as it is typed.
    #[error("{0}")]
    Usage(String),
    /// A file of letters or of mended records can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The journal, or the file that is written.
    #[error(transparent)]
    File(#[from] SinkError),
    /// The target; nothing was fed.
    #[error("nothing was fed: {0}")]
    Kafka(#[from] KafkaFailure),
    /// The topic that whole records are fetched from; nothing was fed.
    #[error("nothing was fed: a whole record can't be fetched: {0}")]
    Source(#[from] SourceError),
    /// The call broke off, and the next one finds out.
    #[error(
        "it is not known yet whether the records were fed: {0}; call again with the same target, which finds out first"
    )]
    Unclear(String),
}

/// Feeds letters again.
///
/// # Errors
/// Nothing was fed, but for `Unclear`, after which the same call finds out.
pub fn replay(options: &ReplayOptions) -> Result<ReplayReport, ReplayError> {
    let mut journals = open_journals(options)?;
    let found_out = find_out(&mut journals, options)?;
    let mut gathered = gather::gather(options, &journals)?;
    if !options.dry_run {
        whole::fetch(&mut gathered, &options.target)?;
    }
    if let To::File(_) = &options.target.to {
        lines::make_lines(&mut gathered);
    }
    if !options.dry_run && !gathered.records.is_empty() {
        feed(&mut journals, &gathered, &options.target)?;
    }
    Ok(report(gathered, found_out, &journals))
}

fn open_journals(options: &ReplayOptions) -> Result<Vec<Journal>, ReplayError> {
    let open = if options.dry_run { Journal::look } else { Journal::open };
    for path in &options.files {
        // Before there is a journal of a file that is not there.
        std::fs::metadata(path).map_err(|source| ReplayError::Read { path: path.display().to_string(), source })?;
    }
    options.files.iter().map(|path| open(path).map_err(ReplayError::from)).collect()
}

/// Finds out what came of calls that broke off; how many letters they had fed.
fn find_out(journals: &mut [Journal], options: &ReplayOptions) -> Result<usize, ReplayError> {
    let mut count = 0;
    for journal in journals {
        let Some(intent) = journal.open_intent().cloned() else { continue };
        if options.dry_run {
            return Err(ReplayError::Usage(format!(
                "an earlier call into {} broke off (see {}): call without `--dry-run`, which finds out first what came of it",
                intent.to.place(),
                journal.place()
            )));
        }
        let fed = outcome_of(&intent, &options.target, &journal.place())?;
        count += fed.len();
        journal.end(&fed)?;
    }
    Ok(count)
}

fn outcome_of(intent: &Intent, target: &Target, journal: &str) -> Result<BTreeSet<Fed>, ReplayError> {
    match (&intent.to, &target.to) {
        (Destination::File { aside, letters, .. }, _) => lines::find_out(aside, letters),
        (Destination::Topic { topic, .. }, To::Topic(target)) if *topic == target.topic => {
            feed::find_out(target, intent, journal)
        }
        _ => Err(ReplayError::Usage(format!(
            "an earlier call into {} broke off (see {journal}): call with that target first, to find out what came of it",
            intent.to.place()
        ))),
    }
}

fn feed(journals: &mut [Journal], gathered: &Gathered, target: &Target) -> Result<(), ReplayError> {
    let call = call_id()?;
    let fed = gathered.fed(journals.len());
    match &target.to {
        To::Topic(topic) => {
            let feeding = feed::Feeding::open(topic, &call)?;
            begin(journals, &intent(call, gathered, feeding.destination()))?;
            match feeding.run(gathered) {
                Ok(()) => end(journals, &fed),
                Err(feed::Broken::Nothing(failure)) => {
                    end(journals, &vec![BTreeSet::new(); journals.len()])?;
                    Err(failure.into())
                }
                Err(feed::Broken::Unknown(failure)) => Err(ReplayError::Unclear(failure.to_string())),
            }
        }
        To::File(path) => {
            let aside = lines::write(path, &call, gathered)?;
            let letters = gathered.records.iter().map(|record| record.fed.clone()).collect();
            let to = Destination::File { path: path.clone(), aside: aside.clone(), letters };
            begin(journals, &intent(call, gathered, to))?;
            lines::publish(&aside, path)?;
            end(journals, &fed)
        }
    }
}

fn intent(call: String, gathered: &Gathered, to: Destination) -> Intent {
    Intent { call, at: timestamp_text(clock::now_us()), letters: gathered.records.len() as u64, to }
}

fn begin(journals: &mut [Journal], intent: &Intent) -> Result<(), ReplayError> {
    Ok(journals.iter_mut().try_for_each(|journal| journal.begin(intent))?)
}

fn end(journals: &mut [Journal], fed: &[BTreeSet<Fed>]) -> Result<(), ReplayError> {
    Ok(journals.iter_mut().zip(fed).try_for_each(|(journal, fed)| journal.end(fed))?)
}

fn report(gathered: Gathered, found_out: usize, journals: &[Journal]) -> ReplayReport {
    ReplayReport {
        fed: gathered.records.len(),
        late: gathered.records.iter().filter(|record| record.is_late).count(),
        journals: journals.iter().map(Journal::place).collect(),
        found_out,
        ..gathered.report
    }
}

fn call_id() -> Result<String, ReplayError> {
    let mut bytes = [0_u8; 8];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| ReplayError::Usage(format!("the system has no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
