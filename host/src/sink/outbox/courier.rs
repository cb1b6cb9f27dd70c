//! The courier: the thread that hands epochs to a destination, in order, and tries again for as long as it takes.

use super::clock::Clock;
use super::desk::{Desk, Errand};
use super::{Destination, Opening, Trouble};
use crate::telemetry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The first calls of a run: a system that is away is given some time.
pub(super) fn at_start<T>(
    destination: &mut dyn Destination,
    over: &dyn Fn() -> bool,
    clock: &dyn Clock,
    mut call: impl FnMut(&mut dyn Destination) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut pause = PAUSE_MIN;
    loop {
        match call(destination) {
            Err(Trouble::Passing(reason)) => {
                destination.close();
                if over() {
                    return Err(Trouble::Passing(format!("it can't be reached: {reason}")));
                }
                telemetry::sink_away(&destination.place(), &reason);
                sleep(pause, over, clock);
                pause = (pause * 2).min(PAUSE_MAX);
            }
            answer => return answer,
        }
    }
}

/// In pieces, so that a signal is heard.
fn sleep(pause: Duration, over: &dyn Fn() -> bool, clock: &dyn Clock) {
    let until = clock.now() + pause;
    while clock.now() < until && !over() {
        clock.sleep(PAUSE_MIN);
    }
}

/// Hands epochs over; `run` is a thread of its own.
pub struct Courier {
    destination: Box<dyn Destination>,
    opening: Opening,
    desk: Arc<Desk>,
    open: bool,
    /// Before the next try.
    pause: Duration,
}

/// What came of an errand.
pub enum Went {
    On,
    /// The system is away; so long before the next try.
    Away(Duration),
    /// Stopped, or failed for good.
    Over,
}

impl Courier {
    pub(super) fn new(destination: Box<dyn Destination>, opening: Opening, desk: Arc<Desk>) -> Self {
        Self { destination, opening, desk, open: true, pause: PAUSE_MIN }
    }

    /// Starts the thread; it ends when the desk is stopped or fails.
    pub(super) fn start(self) {
        let desk = Arc::clone(&self.desk);
        thread::spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
                desk.fail(Trouble::Final("its thread stopped unexpectedly; please report this".to_owned()));
            }
        });
    }

    fn run(mut self) {
        loop {
            let errand = self.desk.next();
            match self.go(errand) {
                Went::On => {}
                Went::Away(pause) if self.desk.pause(pause) => {}
                Went::Away(_) | Went::Over => break,
            }
        }
        self.destination.close();
    }

    /// Does what there is to do now; `None`: nothing.
    #[cfg(test)]
    pub fn step(&mut self) -> Option<Went> {
        self.desk.peek().map(|errand| self.go(errand))
    }

    fn go(&mut self, errand: Errand) -> Went {
        let outcome = match errand {
            Errand::Stop => return Went::Over,
            _ if !self.open => self.reopen(),
            Errand::Apply { epoch, rows } => self.apply(epoch, &rows),
            Errand::Confirm => self.destination.confirm().map(|held| self.desk.opened(held)),
        };
        match outcome {
            Ok(()) => Went::On,
            Err(Trouble::Passing(reason)) => {
                self.destination.close();
                if self.pause == PAUSE_MIN {
                    telemetry::sink_away(&self.destination.place(), &reason);
                }
                self.open = false;
                self.desk.away(reason);
                let pause = self.pause;
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Went::Away(pause)
            }
            Err(trouble) => {
                self.desk.fail(trouble);
                Went::Over
            }
        }
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        telemetry::failpoint!("outbox-before-apply");
        self.destination.apply(epoch, rows)?;
        telemetry::failpoint!("outbox-after-apply");
        self.desk.applied(epoch);
        if self.pause > PAUSE_MIN {
            telemetry::sink_back(&self.destination.place(), epoch);
            self.pause = PAUSE_MIN;
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), Trouble> {
        let held = self.destination.open(&self.opening)?;
        self.open = true;
        self.desk.opened(held);
        Ok(())
    }
}
