//! Everything outside of a run, and the one thread that all runs of a seed go on by turns.

use super::chance::Chance;
use super::destination::{Kind, System};
use super::instance::{CHECKPOINTS, Instance};
use super::letters::File;
use super::log::Log;
use super::oracle::Oracle;
use super::process::Process;
use super::script::{AllOdds, Script};
use super::{check, damage};
use crate::sink::outbox::stepped::Clock;
use crate::storage::forgetful::Forgetful;
use std::collections::VecDeque;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Lines of a trace.
const TRACE_MAX: usize = 60;

/// Runs at once.
const LIVES_MAX: usize = 4;

/// Takeovers amid a takeover.
const DEPTH_MAX: usize = 2;

pub struct World {
    pub script: Script,
    pub log: Log,
    /// By the log's stage.
    pub oracles: Vec<Oracle>,
    pub letters: [Arc<Mutex<File>>; 2],
    /// By partition, what was told of offsets.
    pub confirmed: Mutex<Vec<i64>>,
    chance: Mutex<Chance>,
    disk: Mutex<Forgetful>,
    clock: Arc<SetClock>,
    store: Arc<Mutex<System>>,
    topic: Arc<Mutex<System>>,
    counts: Mutex<Counts>,
    trace: Mutex<VecDeque<String>>,
    calm: AtomicBool,
    serials: AtomicU64,
    /// How far the log has grown.
    stage: AtomicUsize,
    depth: AtomicUsize,
    newcomers: Mutex<Vec<Instance>>,
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub epochs: u64,
    pub starts: u64,
    pub crashes: u64,
    pub power_cuts: u64,
    pub takeovers: u64,
    pub stops: u64,
    pub damaged: u64,
    pub losses: u64,
    pub errors: u64,
    pub lost_answers: u64,
    pub grown: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.epochs += other.epochs;
        self.starts += other.starts;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.takeovers += other.takeovers;
        self.stops += other.stops;
        self.damaged += other.damaged;
        self.losses += other.losses;
        self.errors += other.errors;
        self.lost_answers += other.lost_answers;
        self.grown += other.grown;
    }
}

/// A clock that goes on when it is told to.
#[derive(Debug)]
struct SetClock {
    began: Instant,
    us: AtomicU64,
}

impl Clock for SetClock {
    fn now(&self) -> Instant {
        self.began + Duration::from_micros(self.us.load(Ordering::SeqCst))
    }

    fn sleep(&self, pause: Duration) {
        self.us.fetch_add(pause.as_micros() as u64, Ordering::SeqCst);
    }
}

impl World {
    pub fn new(seed: u64) -> Arc<Self> {
        let mut chance = Chance::new(seed);
        let script = Script::new(&mut chance);
        let log = Log::new(&mut chance, script.grows);
        Arc::new(Self {
            oracles: log.stages.iter().map(|lengths| Oracle::new(&log, lengths)).collect(),
            stage: AtomicUsize::new(0),
            confirmed: Mutex::new(vec![0; log.partitions.len()]),
            script,
            log,
            letters: Default::default(),
            chance: Mutex::new(chance),
            disk: Mutex::new(Forgetful::new()),
            clock: Arc::new(SetClock { began: Instant::now(), us: AtomicU64::new(0) }),
            store: Arc::default(),
            topic: Arc::default(),
            counts: Mutex::default(),
            trace: Mutex::default(),
            calm: AtomicBool::new(false),
            serials: AtomicU64::new(0),
            depth: AtomicUsize::new(0),
            newcomers: Mutex::default(),
        })
    }

    /// Runs until the log is counted, whatever happens.
    pub fn live(world: &Arc<Self>) {
        let (mut lives, mut finished) = (Vec::new(), false);
        for step in 0.. {
            assert!(step < 1_000_000, "no progress");
            if step == world.script.calm_after {
                world.calm.store(true, Ordering::SeqCst);
            }
            world.clock.sleep(Duration::from_millis(world.chance().below(40) as u64));
            lives.append(&mut world.newcomers.lock().unwrap());
            if lives.is_empty() {
                check::checkpoint(world);
                if finished && !world.chance().one_in(4) {
                    break;
                }
                finished = false;
                damage::newest_record(world);
                lives.extend(Self::begin(world));
                continue;
            }
            world.happens(&mut lives);
            finished |= world.step(&mut lives);
        }
        check::end(world);
    }

    /// One of the lives goes on; whether the newest came to the end of all of the log.
    fn step(&self, lives: &mut Vec<Instance>) -> bool {
        let Some(last) = lives.len().checked_sub(1) else { return false };
        let place = if self.chance().one_in(3) { self.chance().below(last + 1) } else { last };
        lives[place].step();
        let mut finished = false;
        for place in (0..lives.len()).rev() {
            if lives[place].over.is_some() || lives[place].process.is_dead() {
                let life = lives.remove(place);
                finished |= self.ended(life);
            }
        }
        finished
    }

    fn ended(&self, mut life: Instance) -> bool {
        let process = Arc::clone(&life.process);
        self.trace(|| format!("process {} ended: {:?}", process.serial, life.over.as_ref().map(|over| over.is_ok())));
        let kept = match life.over.take() {
            Some(Err(error)) => {
                assert!(process.may_fail(), "process {} failed: {error}", process.serial);
                None
            }
            Some(Ok(kept)) => kept,
            None => None,
        };
        process.end();
        for file in self.letters.iter().map(|file| file.lock()) {
            let mut file = file.unwrap();
            if file.holder == process.generation() {
                let keep = self.chance().below(file.entries.len() + 1);
                file.crash(keep);
            }
        }
        kept.is_some_and(|kept| {
            let stage = process.stage();
            check::books(self, stage, &kept);
            if process.is_outdated() {
                return false;
            }
            check::systems(self, stage);
            stage + 1 == self.oracles.len()
        })
    }

    /// What goes wrong between two steps.
    fn happens(self: &Arc<Self>, lives: &mut Vec<Instance>) {
        if self.is_calm() {
            return;
        }
        let script = &self.script;
        let any = self.chance().below(lives.len());
        if self.chance().one_in(script.power_cut) {
            self.counts().power_cuts += 1;
            self.trace(|| "power cut".to_owned());
            lives.iter().for_each(|life| life.process.kill());
            let seed = self.chance().next();
            let after = self.disk().crash(seed);
            *self.disk.lock().unwrap() = after;
        } else if self.chance().one_in(script.kill) {
            lives[any].process.kill();
        } else if self.chance().one_in(script.stop) {
            self.counts().stops += 1;
            lives[any].stop();
        } else if self.chance().one_in(script.takeover) {
            Self::take_over(self, lives[any].process.serial);
        }
        if self.chance().one_in(script.loss) {
            self.counts().losses += 1;
            self.trace(|| "the store loses its last second".to_owned());
            let nth = self.chance().below(6);
            self.store.lock().unwrap().lose(self.now(), nth);
        }
        while lives.len() > LIVES_MAX {
            let oldest = lives.remove(0);
            oldest.process.kill();
            self.ended(oldest);
        }
    }

    /// A new instance, unless it failed as it may.
    fn begin(world: &Arc<Self>) -> Option<Instance> {
        let serial = world.serials.fetch_add(1, Ordering::SeqCst) + 1;
        world.counts().starts += 1;
        if world.chance().one_in(3) && world.stage() + 1 < world.oracles.len() {
            world.stage.fetch_add(1, Ordering::SeqCst);
            world.counts().grown += 1;
        }
        let process = Process::new(world, serial);
        match Instance::start(world, &process) {
            Ok(instance) => Some(instance),
            Err(error) => {
                assert!(process.may_fail(), "process {serial} can't start: {error}");
                process.end();
                None
            }
        }
    }

    /// Another instance is started while this one is in the middle of something, and comes some way before it goes on.
    pub fn take_over(world: &Arc<Self>, from: u64) {
        if world.is_calm() || world.depth.fetch_add(1, Ordering::SeqCst) >= DEPTH_MAX {
            world.depth.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        world.counts().takeovers += 1;
        world.trace(|| format!("a takeover from process {from}"));
        if let Some(mut newer) = Self::begin(world) {
            let steps = world.chance().pick(&[0, 20, 300]);
            for _ in 0..steps {
                if newer.over.is_none() && !newer.process.is_dead() {
                    newer.step();
                }
            }
            world.newcomers.lock().unwrap().push(newer);
        }
        world.depth.fetch_sub(1, Ordering::SeqCst);
    }

    /// Offsets are told as counted for good.
    pub fn confirmed(&self, offsets: &[(u32, i64)]) {
        let mut confirmed = self.confirmed.lock().unwrap();
        for (partition, offset) in offsets {
            confirmed[*partition as usize] = *offset;
        }
    }

    pub fn odds(&self) -> AllOdds {
        if self.is_calm() { AllOdds::default() } else { self.script.odds }
    }

    /// The highest claim of the checkpoints; its process may not have lived to hear of it.
    pub fn claimed(&self) -> u64 {
        let number = |path: &str| path.split_once("generation-")?.1.split_once('/')?.0.parse().ok();
        let folder = |path: String| path.starts_with(CHECKPOINTS).then(|| number(&path)).flatten();
        self.disk().tree().into_iter().filter_map(|(path, _)| folder(path)).max().unwrap_or(0)
    }

    /// How far the log has grown.
    pub fn stage(&self) -> usize {
        self.stage.load(Ordering::SeqCst)
    }

    /// Of all of the log.
    pub fn oracle(&self) -> &Oracle {
        &self.oracles[self.oracles.len() - 1]
    }

    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    pub fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap()
    }

    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    pub fn disk(&self) -> Forgetful {
        self.disk.lock().unwrap().clone()
    }

    pub fn system(&self, kind: Kind) -> Arc<Mutex<System>> {
        Arc::clone(if kind == Kind::Store { &self.store } else { &self.topic })
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    pub fn trace(&self, line: impl FnOnce() -> String) {
        let mut trace = self.trace.lock().unwrap();
        if trace.len() == TRACE_MAX {
            trace.pop_front();
        }
        trace.push_back(line());
    }

    /// The last that happened.
    pub fn traced(&self) -> Vec<String> {
        // A panic may have come while somebody wrote a line.
        self.trace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }
}
