//! Makes the parts of a run: what they go on from, and the threads that they run on.

use super::batch::{Step, Steps};
use super::delivery::{Delivery, Parcel};
use super::gap::Gap;
use super::job::{Job, OpenSink};
use super::keeper::{Chain, Keeper, WorkerState};
use super::letters::LetterFiles;
use super::message::Message;
use super::partitions::Partitions;
use super::resume::Resumed;
use super::run::{RunError, instances};
use super::shared::Shared;
use super::tally::Tally;
use super::watch::Watch;
use super::worker::Worker;
use crate::checkpoint::Store;
use crate::checkpoint::folder::FolderStore;
use crate::decode::Decoder;
use crate::sink::{Claim, Resume, SinkError};
use crate::source::{Assignment, OLDEST};
use crate::storage::random_name;
use crate::telemetry::failpoint;
use crossbeam_channel::{Receiver, Sender};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use weir_core::close::Closer;
use weir_core::fold::Folder;
use weir_core::ledger::Ledger;
use weir_core::time::PartitionClock;

/// How long a newer run waits, beyond an epoch, until an older one has noticed that it is fenced and let go of its files.
pub(super) const LET_GO_WAIT: Duration = Duration::from_secs(15);

/// Each partition's clock to begin with. After a checkpoint none is behind the closer: a partition that had stepped aside, or that
/// is new, may find windows gone that its own front would still name.
pub(super) fn clocks(job: &Job, resumed: Option<&Resumed>) -> Vec<PartitionClock> {
    let begin = |place: usize| {
        let Some(resumed) = resumed else { return PartitionClock::new() };
        let saved = resumed.partitions.get(place);
        let mut clock = saved.map_or_else(PartitionClock::new, |saved| PartitionClock::restore(saved.clock));
        clock.raise_floor(resumed.watermark_us);
        clock
    };
    (0..job.source.partitions().len()).map(begin).collect()
}

/// Delivery over sinks that are recovered.
pub(super) fn delivery(
    job: &mut Job,
    shared: &Arc<Shared>,
    store: Option<FolderStore>,
    resumed: Option<&Resumed>,
) -> Result<Delivery, RunError> {
    let recovered = sinks(job, store, resumed)?;
    let letters = letters(job, resumed, &|| recovered.check())?;
    failpoint!("letters-open");
    Ok(recovered.delivery(shared, letters, resumed))
}

/// Sinks that may be fed.
pub(super) struct Recovered {
    sinks: Vec<OpenSink>,
    store: Option<Box<dyn Store>>,
    /// The highest epoch that anybody knows.
    epoch: u64,
}

impl Recovered {
    /// Fails once a newer run has claimed the checkpoints.
    pub fn check(&self) -> Result<(), RunError> {
        self.store.as_ref().map_or(Ok(()), |store| Ok(store.check()?))
    }

    pub fn delivery(self, shared: &Arc<Shared>, letters: LetterFiles, resumed: Option<&Resumed>) -> Delivery {
        let Self { sinks, store, epoch } = self;
        let last_record = resumed.map(|resumed| resumed.epoch);
        Delivery { letters, shared: Arc::clone(shared), sinks, store, epoch, last_record, shown: Instant::now() }
    }
}

/// Recovers the sinks: older runs are shut out, and what the checkpoint had prepared is visible or on its way.
pub(super) fn sinks(
    job: &mut Job,
    store: Option<FolderStore>,
    resumed: Option<&Resumed>,
) -> Result<Recovered, RunError> {
    let store = store.map(|store| Box::new(store) as Box<dyn Store>);
    let claim = claim(&job.plan.name, store.as_deref())?;
    let resumed_epoch = resumed.map_or(0, |resumed| resumed.epoch);
    let mut epoch = resumed_epoch.max(store.as_ref().map_or(0, |store| store.highest()));
    let open_from_us = open_from(job, resumed);
    let mut sinks = std::mem::take(&mut job.sinks);
    failpoint!("sinks-before-recover");
    for open in &mut sinks {
        let saved = resumed.and_then(|resumed| resumed.sinks.iter().find(|saved| saved.name == open.name));
        let prepared = saved.map(|saved| open.sink.join(&saved.parts)).transpose()?;
        let resume = Resume { claim: claim.clone(), epoch: resumed_epoch, prepared: prepared.as_deref(), open_from_us };
        epoch = epoch.max(open.sink.recover(&resume)?.unwrap_or(0));
        failpoint!("sinks-recovered-one");
    }
    Ok(Recovered { sinks, store, epoch })
}

/// Where windows start that may still come, or come again.
fn open_from(job: &Job, resumed: Option<&Resumed>) -> i64 {
    let longest_us = job.fold.groupings().iter().map(|grouping| grouping.windowing.size_us()).max().unwrap_or(0);
    let settled_us = resumed.map(|resumed| job.fold.rules().settled_before(resumed.watermark_us));
    settled_us.map_or(i64::MIN, |settled_us| settled_us.saturating_sub(longest_us))
}

/// Without a checkpoint each run is a life of its own.
fn claim(pipeline: &str, store: Option<&dyn Store>) -> Result<Claim, RunError> {
    let pipeline = pipeline.to_owned();
    match store {
        Some(store) => Ok(Claim { pipeline, lineage: store.lineage().to_owned(), generation: store.generation() }),
        None => Ok(Claim { pipeline, lineage: random_name().map_err(RunError::Random)?, generation: 1 }),
    }
}

/// Opens the files of dead and late records; an older run that is fenced is given the time to let go of them.
fn letters(
    job: &Job,
    resumed: Option<&Resumed>,
    check: &dyn Fn() -> Result<(), RunError>,
) -> Result<LetterFiles, RunError> {
    let until = job.checkpoint.as_ref().map(|checkpoint| Instant::now() + checkpoint.interval + LET_GO_WAIT);
    loop {
        let lengths = resumed.map(|resumed| resumed.letters);
        match LetterFiles::open(&job.plan.dead_letters, &job.plan.late, lengths, check) {
            Err(RunError::Sink(SinkError::Io { source, .. }))
                if source.kind() == ErrorKind::ResourceBusy && until.is_some_and(|until| Instant::now() < until) =>
            {
                thread::sleep(Duration::from_millis(100));
            }
            opened => return opened,
        }
    }
}

/// The keeper, with a closer that has been brought to where the checkpoint was.
pub(super) fn keeper(
    job: &Job,
    shared: &Arc<Shared>,
    closer: Closer,
    resumed: Option<&Resumed>,
    delivery: Sender<Parcel>,
) -> Keeper {
    let watermark_us = closer.watermark_us();
    let workers = job.plan.workers.min(shared.partitions.len()).max(1);
    let kpis = job.kpis.len();
    Keeper {
        closer,
        delivery,
        interval: job.checkpoint.as_ref().map(|checkpoint| checkpoint.interval),
        identity: job.identity(),
        groupings: job.fold.kpis().to_vec(),
        begins_us: resumed.map_or_else(|| vec![None; kpis], |resumed| resumed.begins_us.clone()),
        base: resumed.map_or_else(|| Ledger::new(kpis), |resumed| resumed.ledger.clone()),
        tally: resumed.map_or_else(|| Tally::new(kpis), |resumed| resumed.tally.clone()),
        watch: Watch::new(job.kpis.iter().map(|kpi| &kpi.schema)),
        workers: (0..workers)
            .map(|_| WorkerState { acknowledged_us: watermark_us, ended: None, finished: false })
            .collect(),
        alignment: None,
        failure: None,
        cuts: 0,
        chain: Chain::default(),
        last_offsets: resumed.map_or_else(Vec::new, Resumed::settled_offsets),
        settled_us: i64::MIN,
        uncommitted: false,
        last_commit: Instant::now(),
        shown: Instant::now(),
        shared: Arc::clone(shared),
    }
}

/// A worker with its partitions and its own plugin instances.
pub(super) fn worker(
    job: &Job,
    shared: &Arc<Shared>,
    index: usize,
    workers: usize,
    resumed: Option<&Resumed>,
    keeper: Sender<(usize, Message)>,
) -> Result<Worker, RunError> {
    let mut partitions = Partitions::default();
    let mut assigned = Vec::new();
    for (place, clock) in clocks(job, resumed).into_iter().enumerate() {
        if place % workers == index {
            // What a checkpoint does not know was added since, and all of it is new.
            let (offset, epoch) = resumed.map_or((None, None), |resumed| match resumed.partitions.get(place) {
                Some(saved) => (saved.next_offset, saved.epoch),
                None => (Some(OLDEST), None),
            });
            assigned.push(Assignment { partition: place as u32, offset, epoch });
            partitions.add(place as u32, offset.or(shared.partitions[place].begin), clock);
        }
    }
    let mut folder = Folder::new(Arc::clone(&job.fold), instances(job)?);
    for (kpi, error) in resumed.iter().flat_map(|resumed| &resumed.quarantined) {
        folder.quarantine(*kpi, error.clone());
    }
    let mut steps = Vec::new();
    for (step, inputs) in job.preprocessors.iter().zip(&job.chain.preprocess) {
        let plugin = step.plugin.preprocessor(&step.settings)?;
        steps.push(Step { name: step.description.name.clone(), plugin, inputs: inputs.clone() });
    }
    Ok(Worker {
        index,
        shared: Arc::clone(shared),
        reader: job.source.open(&assigned)?,
        decoder: Decoder::new(&job.decode)?,
        steps: Steps { steps },
        folder,
        partitions,
        keeper,
        ledger: Ledger::new(job.kpis.len()),
        acknowledged_us: resumed.map_or(i64::MIN, |resumed| resumed.watermark_us),
        shown: Instant::now(),
        epoch: 0,
        parts_left: None,
        gap: Gap::new(),
    })
}

/// Delivery's thread; a failure of it stops the run.
pub(super) fn delivery_thread(
    delivery: Delivery,
    parcels: Receiver<Parcel>,
    shared: Arc<Shared>,
) -> JoinHandle<Result<Option<u64>, RunError>> {
    thread::spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| delivery.run(&parcels)));
        let ended = ended.unwrap_or_else(|_| Err(RunError::Panicked("delivery".to_owned())));
        if ended.is_err() {
            shared.shutdown.request();
        }
        ended
    })
}

/// A worker's thread; its last message is always sent, also after a panic.
pub(super) fn thread(worker: Worker, keeper: Sender<(usize, Message)>, index: usize) -> JoinHandle<()> {
    thread::spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| worker.run())).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(RunError::Panicked(words.unwrap_or_else(|| "no message".into())))
        });
        // An error says that the keeper is gone; it tells why itself.
        let _ = keeper.send((index, Message::Finished(ended)));
    })
}
