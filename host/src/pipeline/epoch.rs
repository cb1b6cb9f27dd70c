//! Aligns an epoch: what workers send after their barrier waits until every worker has passed it.

use super::message::{Cut, Message};

/// Messages that wait for a barrier at the most.
const WAITING_MAX: usize = 4096;

/// An epoch that is being aligned.
#[derive(Debug)]
pub(super) struct Alignment {
    epoch: u64,
    cuts: Vec<Option<Cut>>,
    /// At most `WAITING_MAX`: alignment lasts about one batch, unless a worker is held up; then the epoch is given up.
    waiting: Vec<(usize, Message)>,
}

/// What to do with a message.
#[derive(Debug)]
pub(super) enum Aligned {
    /// It belongs before the cut.
    Take(Message),
    /// It belongs after the cut, and waits.
    Waits,
    /// Every worker has passed: the cut of each, and what waits.
    Complete { cuts: Vec<Cut>, waiting: Vec<(usize, Message)> },
    /// The epoch can't be completed: what waits, in order.
    Abandoned { waiting: Vec<(usize, Message)> },
}

impl Alignment {
    /// Begins an epoch over this many workers.
    pub fn new(epoch: u64, workers: usize) -> Self {
        Self { epoch, cuts: vec![None; workers], waiting: Vec::new() }
    }

    /// Sorts a message in.
    pub fn receive(&mut self, worker: usize, message: Message) -> Aligned {
        match message {
            Message::Barrier { epoch, cut } if epoch == self.epoch => {
                self.cuts[worker] = Some(cut);
                if self.cuts.iter().any(Option::is_none) {
                    return Aligned::Waits;
                }
                let cuts = self.cuts.drain(..).flatten().collect();
                Aligned::Complete { cuts, waiting: std::mem::take(&mut self.waiting) }
            }
            // Whether it waits or not, a worker that has finished ends the alignment: it will pass no more barriers.
            Message::Finished(_) => {
                self.waiting.push((worker, message));
                Aligned::Abandoned { waiting: std::mem::take(&mut self.waiting) }
            }
            message if self.cuts[worker].is_some() => {
                self.waiting.push((worker, message));
                if self.waiting.len() < WAITING_MAX {
                    return Aligned::Waits;
                }
                Aligned::Abandoned { waiting: std::mem::take(&mut self.waiting) }
            }
            message => Aligned::Take(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::ledger::Ledger;

    fn barrier(epoch: u64) -> Message {
        Message::Barrier { epoch, cut: Cut { positions: Vec::new(), ledger: Ledger::default() } }
    }

    fn flushed() -> Message {
        Message::Flushed { delta: None, acknowledged_us: 0 }
    }

    #[test]
    fn what_comes_after_a_barrier_waits_for_the_others() {
        let mut alignment = Alignment::new(3, 2);
        assert!(matches!(alignment.receive(0, flushed()), Aligned::Take(_)));
        assert!(matches!(alignment.receive(0, barrier(3)), Aligned::Waits));
        assert!(matches!(alignment.receive(0, flushed()), Aligned::Waits));
        assert!(matches!(alignment.receive(1, flushed()), Aligned::Take(_)));
        let Aligned::Complete { cuts, waiting } = alignment.receive(1, barrier(3)) else { panic!("not complete") };
        assert_eq!((cuts.len(), waiting.len()), (2, 1));
    }

    #[test]
    fn a_worker_that_finishes_first_ends_the_epoch_and_loses_nothing() {
        let mut alignment = Alignment::new(1, 2);
        assert!(matches!(alignment.receive(0, barrier(1)), Aligned::Waits));
        assert!(matches!(alignment.receive(0, flushed()), Aligned::Waits));
        let finished = Message::Finished(Err(super::super::run::RunError::KeeperGone));
        let Aligned::Abandoned { waiting } = alignment.receive(1, finished) else { panic!("not abandoned") };
        assert_eq!(waiting.iter().map(|(worker, _)| *worker).collect::<Vec<_>>(), [0, 1]);
    }
}
