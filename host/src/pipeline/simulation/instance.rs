//! One run of the pipeline, taken apart into what its threads would do, each a step at a time: the parts are those of a real run.

use super::destination::{Kind, Lines, Way};
use super::log::LogSource;
use super::process::{Process, Reach};
use super::sums::{Sums, description};
use super::world::World;
use super::{letters, oracle};
use crate::checkpoint::Store;
use crate::config;
use crate::pipeline::build::{self, OpenedKpi};
use crate::pipeline::delivery::{Delivery, Ending, Parcel};
use crate::pipeline::identity::Discard;
use crate::pipeline::job::{CheckpointFolder, Job, OpenSink};
use crate::pipeline::keeper::{Keeper, Kept};
use crate::pipeline::message::Message;
use crate::pipeline::progress::Progress;
use crate::pipeline::run::{self, RunError, RunOptions};
use crate::pipeline::shared::Shared;
use crate::pipeline::shutdown::Shutdown;
use crate::pipeline::start;
use crate::pipeline::worker::{Stepped, Worker};
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::outbox::stepped::{self, Went};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_core::close::Closer;

pub const CHECKPOINTS: &str = "checkpoints";
pub const FILES: &str = "out";
pub const KPIS: [&str; 2] = ["all", "by-key"];

const PIPELINE: &str = r#"
[pipeline]
name = "simulated"

[source]
type = "generator"

[schema]
format = "json"
fields.id = { type = "int64", required = true }
fields.key = { type = "text", required = true }
fields.at = { type = "timestamp", format = "epoch_us" }

[time]
column = "at"
max_out_of_orderness = "30s"
allowed_lateness = "5m"
max_future_skew = "10h"
max_time_jump = "1h"

[[kpi]]
name = "all"
plugin = "sums"
window = "tumbling 1m"

[[kpi]]
name = "by-key"
plugin = "sums"
by = ["key"]
window = "hopping 3m every 1m"

[[sink]]
type = "json-files"
path = "out"
interval = "5m"

[checkpoint]
path = "checkpoints"
interval = "1s"
"#;

/// A run.
pub struct Instance {
    pub process: Arc<Process>,
    world: Arc<World>,
    shared: Arc<Shared>,
    workers: Vec<Option<Worker>>,
    to_keeper: Sender<(usize, Message)>,
    inbox: Receiver<(usize, Message)>,
    keeper: Option<Keeper>,
    parcels: Receiver<Parcel>,
    delivery: Delivery,
    couriers: Vec<stepped::Slot>,
    kept: Option<Kept>,
    ending: Option<Ending>,
    /// How it ended; `Some` with what it counted if it came to the log's end.
    pub over: Option<Result<Option<Kept>, RunError>>,
}

impl Instance {
    /// As `run::run` does it.
    pub fn start(world: &Arc<World>, process: &Arc<Process>) -> Result<Self, RunError> {
        let (mut job, couriers) = job(world, process)?;
        let (store, mut resumed) = run::resume(&mut job, &Discard::default(), &Shutdown::default())?;
        store.iter().for_each(|store| process.claims(store.generation()));
        world.trace(|| format!("process {} goes on from {:?}", process.serial, resumed.as_ref().map(|r| r.epoch)));
        let options = RunOptions { discard: Discard::default(), stop_after: None, started: Instant::now() };
        let progress = Arc::new(Progress::new(&job, false));
        let shared = Arc::new(run::share(&job, &options, &Shutdown::default(), &progress, resumed.as_ref()));
        let mut closer = Closer::new(Arc::clone(&job.fold), run::instances(&job)?);
        if let Some(resumed) = &mut resumed {
            resumed.restore(&mut closer)?;
        }
        let recovered = start::sinks(&mut job, store, resumed.as_ref())?;
        let lengths = resumed.as_ref().map_or([0; 2], |resumed| resumed.letters);
        let letters = letters::open(world, process, lengths, || recovered.check())?;
        let delivery = recovered.delivery(&shared, letters, resumed.as_ref());
        let ((to_keeper, inbox), (to_delivery, parcels)) = (unbounded(), unbounded());
        let mut keeper = start::keeper(&job, &shared, closer, resumed.as_ref(), to_delivery);
        // When an epoch is due, chance says, by ticking.
        keeper.interval = Some(Duration::ZERO);
        let count = keeper.workers.len();
        let worker = |index| start::worker(&job, &shared, index, count, resumed.as_ref(), to_keeper.clone()).map(Some);
        let workers = (0..count).map(worker).collect::<Result<_, _>>()?;
        Ok(Self {
            process: Arc::clone(process),
            world: Arc::clone(world),
            shared,
            workers,
            to_keeper,
            inbox,
            keeper: Some(keeper),
            parcels,
            delivery,
            couriers,
            kept: None,
            ending: None,
            over: None,
        })
    }

    /// One of its threads goes on a bit, if it can.
    pub fn step(&mut self) {
        let script = &self.world.script;
        let weights = [script.workers, script.keeper, script.ticks, script.delivery, script.couriers];
        let mut nth = self.world.chance().below(weights.iter().sum());
        let actor = weights.iter().position(|weight| {
            let here = nth < *weight;
            nth = nth.saturating_sub(*weight);
            here
        });
        let done = match actor {
            Some(0) => self.work(),
            Some(1) => self.keep(),
            Some(2) => self.keeper.as_mut().map_or(Ok(()), Keeper::tick),
            Some(3) => self.deliver(),
            _ => self.carry(),
        };
        if let Err(error) = done {
            self.over.get_or_insert(Err(error));
        }
    }

    /// As a signal asks.
    pub fn stop(&self) {
        self.shared.shutdown.request();
    }

    fn work(&mut self) -> Result<(), RunError> {
        let index = self.world.chance().below(self.workers.len());
        if self.inbox.len() >= self.world.script.waiting_max {
            return Ok(());
        }
        let Some(worker) = &mut self.workers[index] else { return Ok(()) };
        let finished = match worker.step() {
            Ok(Stepped::On | Stepped::Idle) => return Ok(()),
            Ok(Stepped::Ended(ended)) => Ok(ended),
            Err(error) => Err(error),
        };
        self.workers[index] = None;
        _ = self.to_keeper.send((index, Message::Finished(finished)));
        Ok(())
    }

    fn keep(&mut self) -> Result<(), RunError> {
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        if self.parcels.len() >= self.world.script.waiting_max {
            return Ok(());
        }
        if let Ok((worker, message)) = self.inbox.try_recv() {
            return keeper.receive(worker, message);
        }
        if keeper.workers.iter().all(|worker| worker.finished) {
            self.kept = self.keeper.take().map(Keeper::finish).transpose()?;
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), RunError> {
        if let Some(ending) = self.ending {
            return self.end(ending);
        }
        if self.delivery.is_full() {
            return self.delivery.look();
        }
        match self.parcels.try_recv() {
            Ok(Parcel::End(ending)) => self.ending = Some(ending),
            Ok(parcel) => {
                let (cut, commit) = (matches!(parcel, Parcel::Cut { .. }), matches!(parcel, Parcel::Commit));
                self.delivery.take(parcel)?;
                self.world.counts().epochs += u64::from(cut);
                if commit {
                    self.process.commits_unrecorded(self.delivery.epoch);
                }
            }
            Err(_) => self.delivery.look()?,
        }
        Ok(())
    }

    /// The sinks are given time; after a signal not for ever.
    fn end(&mut self, ending: Ending) -> Result<(), RunError> {
        let behind = self.delivery.behind(ending, Duration::ZERO)?;
        let patient = ending == Ending::AtEnd || !self.world.chance().one_in(50);
        if behind.is_none() || !patient {
            self.over = Some(Ok(self.kept.take().filter(|kept| kept.at_end)));
        }
        Ok(())
    }

    fn carry(&mut self) -> Result<(), RunError> {
        let place = self.world.chance().below(self.couriers.len());
        let mut slot = self.couriers[place].lock().unwrap();
        let Some(courier) = slot.as_mut() else { return Ok(()) };
        match courier.step() {
            Some(Went::Over) => *slot = None,
            Some(Went::On | Went::Away(_)) | None => {}
        }
        Ok(())
    }
}

fn job(world: &Arc<World>, process: &Arc<Process>) -> Result<(Job, Vec<stepped::Slot>), RunError> {
    let mut plan = config::parse("simulated.toml", PIPELINE, Path::new(""), &|_| None).unwrap();
    plan.workers = world.script.threads;
    let opened = |_| OpenedKpi {
        instance: Box::new(|| Ok(Box::<Sums>::default())),
        digest: "a".into(),
        description: description(),
    };
    let kpis: Vec<OpenedKpi> = KPIS.iter().map(opened).collect();
    let descriptions = vec![Some(description()); kpis.len()];
    let checked = build::connect(plan, Vec::new(), kpis, (&[], &descriptions), Vec::new()).unwrap();
    let storage = Arc::new(Reach(Arc::clone(process)));
    let schemas = checked.kpis.iter().map(|kpi| kpi.schema.clone()).collect();
    let checkpoint =
        CheckpointFolder { storage: storage.clone(), path: CHECKPOINTS.into(), interval: Duration::ZERO, floor: 0 };
    let files = JsonFilesSettings { storage, path: FILES.into(), interval_us: 300_000_000, locks: None };
    let takes = vec![true; KPIS.len()];
    let mut couriers = Vec::new();
    let mut sinks = vec![OpenSink { name: "files".into(), sink: Box::new(JsonFiles::new(files, schemas)?), takes }];
    for kind in [Kind::Store, Kind::Topic] {
        let (process, world, system) = (Arc::clone(process), Arc::clone(world), world.system(kind));
        let clock = world.clock();
        let way = Way { kind, process, world, system, connection: None };
        let (outbox, slot) = stepped::outbox(Box::new(Lines), Box::new(way), 2_000, clock);
        couriers.push(slot);
        let takes = vec![true; KPIS.len()];
        sinks.push(OpenSink { name: format!("{kind:?}"), sink: Box::new(outbox), takes });
    }
    let source = Arc::new(LogSource::new(Arc::clone(world), Arc::clone(process)));
    let job = checked.job(source, sinks, Some(checkpoint));
    assert_eq!(*job.fold.rules(), oracle::rules());
    Ok((job, couriers))
}
