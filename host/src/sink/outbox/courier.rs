//! The courier: the thread that hands epochs to a destination, in order, and tries again for as long as it takes.

use super::desk::{Desk, Errand};
use super::{Destination, Opening, Trouble};
use crate::telemetry;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The first `open` of a run: a system that is away is given some time.
pub(super) fn open_at_start(
    destination: &mut dyn Destination,
    opening: &Opening,
    until: Instant,
) -> Result<Option<u64>, Trouble> {
    let mut pause = PAUSE_MIN;
    loop {
        match destination.open(opening) {
            Err(Trouble::Passing(reason)) => {
                destination.close();
                if Instant::now() >= until {
                    return Err(Trouble::Passing(format!("it can't be reached: {reason}")));
                }
                telemetry::sink_away(&destination.place(), &reason);
                thread::sleep(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
            answer => return answer,
        }
    }
}

/// Starts the thread; it ends when the desk is stopped or fails.
pub(super) fn start(destination: Box<dyn Destination>, opening: Opening, desk: Arc<Desk>) {
    thread::spawn(move || Courier { destination, opening, desk, open: true, pause: PAUSE_MIN }.run());
}

struct Courier {
    destination: Box<dyn Destination>,
    opening: Opening,
    desk: Arc<Desk>,
    open: bool,
    /// Before the next try.
    pause: Duration,
}

impl Courier {
    fn run(mut self) {
        loop {
            let outcome = match self.desk.next() {
                Errand::Stop => break,
                _ if !self.open => self.reopen(),
                Errand::Apply { epoch, rows } => self.apply(epoch, &rows),
                Errand::Confirm => self.destination.confirm().map(|held| self.desk.opened(held)),
            };
            match outcome {
                Ok(()) => {}
                Err(Trouble::Passing(reason)) => {
                    self.destination.close();
                    if self.pause == PAUSE_MIN {
                        telemetry::sink_away(&self.destination.place(), &reason);
                    }
                    self.open = false;
                    if !self.desk.pause(reason, self.pause) {
                        break;
                    }
                    self.pause = (self.pause * 2).min(PAUSE_MAX);
                }
                Err(trouble) => {
                    self.desk.fail(trouble);
                    break;
                }
            }
        }
        self.destination.close();
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
