//! The outbox over a destination in memory (a double: it is away, loses answers and loses what it took when it is told to).

use super::*;
use crate::sink::test_rows::{Row, closed};
use std::sync::Mutex;
use std::time::Instant;

const GERMANY: Row = (Some("Germany"), 1, 614_600, 0.0);

/// What the double holds, and how it misbehaves next.
#[derive(Debug, Default)]
struct Holds {
    epochs: Vec<(u64, Vec<u8>)>,
    owner: Option<(String, u64)>,
    away: bool,
    refuses: bool,
    lose_answers: usize,
}

struct Double {
    holds: Arc<Mutex<Holds>>,
    claim: Option<Claim>,
    keep_for: Duration,
}

impl Destination for Double {
    fn reach(&mut self) -> Result<(), Trouble> {
        let holds = self.holds.lock().unwrap();
        match (holds.away, holds.refuses) {
            (true, _) => Err(Trouble::Passing("connection refused".into())),
            (_, true) => Err(Trouble::Final("wrong password".into())),
            _ => Ok(()),
        }
    }

    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        let mut holds = self.holds.lock().unwrap();
        if holds.away {
            return Err(Trouble::Passing("connection refused".into()));
        }
        let Claim { lineage, generation, .. } = &opening.claim;
        if let Some((owner, newest)) = &holds.owner {
            let newer = owner == lineage && newest > generation;
            if newer || (opening.again && owner != lineage) {
                return Err(Trouble::Fenced(format!("generation {newest}")));
            }
        }
        holds.owner = Some((lineage.clone(), *generation));
        self.claim = Some(opening.claim.clone());
        Ok(holds.epochs.last().map(|(epoch, _)| *epoch))
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let mut holds = self.holds.lock().unwrap();
        if holds.away {
            return Err(Trouble::Passing("connection reset".into()));
        }
        let claim = self.claim.as_ref().unwrap();
        if holds.owner != Some((claim.lineage.clone(), claim.generation)) {
            return Err(Trouble::Fenced("another".into()));
        }
        if holds.epochs.last().is_none_or(|(last, _)| *last < epoch) {
            holds.epochs.push((epoch, rows.to_vec()));
        }
        if holds.lose_answers > 0 {
            holds.lose_answers -= 1;
            return Err(Trouble::Passing("answer lost".into()));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.claim = None;
    }

    fn keep_for(&self) -> Duration {
        self.keep_for
    }

    fn confirm(&mut self) -> Result<Option<u64>, Trouble> {
        Ok(self.holds.lock().unwrap().epochs.last().map(|(epoch, _)| *epoch))
    }

    fn place(&self) -> String {
        "double".into()
    }
}

struct Starts;

impl Render for Starts {
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError> {
        closed.windows.iter().for_each(|window| out.extend_from_slice(&window.start_us.to_le_bytes()));
        Ok(())
    }
}

fn outbox(holds: &Arc<Mutex<Holds>>, keep_for: Duration) -> Outbox {
    let double = Double { holds: Arc::clone(holds), claim: None, keep_for };
    Outbox::new(Box::new(Starts), Box::new(double), 20)
}

fn resume(generation: u64, epoch: u64, prepared: Option<&[u8]>) -> Resume<'_> {
    let claim = Claim { pipeline: "retail".into(), lineage: "a".into(), generation };
    Resume { claim, epoch, prepared, open_from_us: i64::MIN }
}

/// Windows of an epoch, prepared and, if asked, committed.
fn epoch(sink: &mut Outbox, epoch: u64, commit: bool) -> Vec<u8> {
    sink.accept(&closed(0, epoch as i64, 0, &[GERMANY])).unwrap();
    let prepared = sink.prepare(epoch).unwrap();
    if commit {
        sink.commit(epoch, &prepared.bytes).unwrap();
    }
    prepared.bytes
}

fn held(holds: &Mutex<Holds>) -> Vec<u64> {
    holds.lock().unwrap().epochs.iter().map(|(epoch, _)| *epoch).collect()
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn rows_are_visible_after_the_commit_and_once() {
    let holds = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    assert_eq!(sink.recover(&resume(1, 0, None)).unwrap(), None);
    let first = epoch(&mut sink, 1, false);
    assert!(held(&holds).is_empty());
    sink.commit(1, &first).unwrap();
    sink.commit(1, &first).unwrap();
    assert!(sink.finish(LONG).unwrap());
    epoch(&mut sink, 2, true);
    assert!(sink.finish(LONG).unwrap());
    assert_eq!(held(&holds), [1, 2]);
    assert_eq!(sink.state().undelivered_bytes, 0);
}

#[test]
fn a_crash_between_checkpoint_and_commit_delivers_from_the_checkpoint() {
    let holds = Arc::default();
    let mut first = outbox(&holds, Duration::ZERO);
    first.recover(&resume(1, 0, None)).unwrap();
    let prepared = epoch(&mut first, 1, false);
    drop(first);
    for generation in [2, 3] {
        let mut next = outbox(&holds, Duration::ZERO);
        next.recover(&resume(generation, 1, Some(&prepared))).unwrap();
        assert!(next.finish(LONG).unwrap());
        assert_eq!(held(&holds), [1]);
    }
}

#[test]
fn a_lost_answer_is_found_out_by_asking() {
    let holds: Arc<Mutex<Holds>> = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    sink.recover(&resume(1, 0, None)).unwrap();
    holds.lock().unwrap().lose_answers = 1;
    epoch(&mut sink, 1, true);
    epoch(&mut sink, 2, true);
    assert!(sink.finish(LONG).unwrap());
    assert_eq!(held(&holds), [1, 2]);
}

#[test]
fn rows_wait_for_a_system_that_is_away_and_in_every_checkpoint() {
    let holds: Arc<Mutex<Holds>> = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    sink.recover(&resume(1, 0, None)).unwrap();
    holds.lock().unwrap().away = true;
    epoch(&mut sink, 1, true);
    assert!(!sink.finish(Duration::from_millis(100)).unwrap());
    epoch(&mut sink, 2, true);
    let prepared = epoch(&mut sink, 3, true);
    let state = sink.state();
    assert!(state.full && state.undelivered_bytes == 24 && state.waiting.is_some(), "{state:?}");
    drop(sink);
    holds.lock().unwrap().away = false;
    let mut next = outbox(&holds, Duration::ZERO);
    next.recover(&resume(2, 3, Some(&prepared))).unwrap();
    assert!(next.finish(LONG).unwrap());
    assert_eq!(held(&holds), [1, 2, 3]);
}

#[test]
fn what_would_refuse_is_asked_before_anybody_is_shut_out() {
    let holds = Arc::default();
    let mut older = outbox(&holds, Duration::ZERO);
    older.recover(&resume(1, 0, None)).unwrap();
    holds.lock().unwrap().refuses = true;
    let said = outbox(&holds, Duration::ZERO).reach(&|| false).unwrap_err().to_string();
    assert!(said.contains("wrong password"), "{said}");
    epoch(&mut older, 1, true);
    assert!(older.finish(LONG).unwrap());
    holds.lock().unwrap().away = true;
    // For as long as a start waits, unless it is stopped: else this test would take half a minute.
    let said = outbox(&holds, Duration::ZERO).reach(&|| true).unwrap_err().to_string();
    assert!(said.contains("can't be reached"), "{said}");
    holds.lock().unwrap().away = false;
    holds.lock().unwrap().refuses = false;
    let mut newer = outbox(&holds, Duration::ZERO);
    newer.reach(&|| false).unwrap();
    newer.recover(&resume(2, 1, None)).unwrap();
    assert_eq!(held(&holds), [1]);
}

#[test]
fn a_newer_run_fences_the_older() {
    let holds = Arc::default();
    let mut older = outbox(&holds, Duration::ZERO);
    older.recover(&resume(1, 0, None)).unwrap();
    let prepared = epoch(&mut older, 1, true);
    assert!(older.finish(LONG).unwrap());
    let mut newer = outbox(&holds, Duration::ZERO);
    assert_eq!(newer.recover(&resume(2, 1, Some(&prepared))).unwrap(), Some(1));
    let late = epoch(&mut older, 2, false);
    older.commit(2, &late).unwrap();
    let error = older.finish(LONG).unwrap_err();
    assert!(matches!(error, SinkError::Fenced { .. }), "{error}");
    epoch(&mut newer, 2, true);
    assert!(newer.finish(LONG).unwrap());
    assert_eq!(held(&holds), [1, 2]);
}

#[test]
fn what_the_system_lost_after_its_answer_is_handed_over_again() {
    let holds: Arc<Mutex<Holds>> = Arc::default();
    let mut sink = outbox(&holds, Duration::from_secs(2));
    sink.recover(&resume(1, 0, None)).unwrap();
    epoch(&mut sink, 1, true);
    epoch(&mut sink, 2, true);
    assert!(sink.finish(LONG).unwrap());
    holds.lock().unwrap().epochs.truncate(1);
    // Nobody tells: the outbox asks before it lets go of the rows.
    let until = Instant::now() + LONG;
    while held(&holds) != [1, 2] && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(held(&holds), [1, 2]);
}

#[test]
fn a_system_that_was_emptied_is_refused_and_not_passed_over() {
    let holds: Arc<Mutex<Holds>> = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    sink.recover(&resume(1, 0, None)).unwrap();
    epoch(&mut sink, 1, true);
    assert!(sink.finish(LONG).unwrap());
    let prepared = sink.prepare(2).unwrap();
    drop(sink);
    holds.lock().unwrap().epochs.clear();
    let error = outbox(&holds, Duration::ZERO).recover(&resume(2, 2, Some(&prepared.bytes))).unwrap_err().to_string();
    assert!(error.contains("holds no epoch") && error.contains("up to epoch 1"), "{error}");
}

#[test]
fn bytes_of_a_checkpoint_that_are_not_ours_are_refused() {
    let holds = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    sink.recover(&resume(1, 0, None)).unwrap();
    let prepared = epoch(&mut sink, 1, true);
    for len in 0..prepared.len() {
        let error = outbox(&holds, Duration::ZERO).recover(&resume(2, 1, Some(&prepared[..len]))).unwrap_err();
        assert!(matches!(error, SinkError::Recover { .. }), "{error}");
    }
}

#[test]
fn records_of_a_chain_tell_what_is_new_and_the_desk_together() {
    let holds: Arc<Mutex<Holds>> = Arc::default();
    let mut sink = outbox(&holds, Duration::ZERO);
    sink.recover(&resume(1, 0, None)).unwrap();
    holds.lock().unwrap().away = true;
    let mut parts = Vec::new();
    for number in 1..=4 {
        sink.begin_chain(number == 1);
        parts.push(epoch(&mut sink, number, true));
    }
    assert_eq!(parts[1].len(), parts[3].len(), "a part costs what came new");
    for kept in 1..=parts.len() {
        let joined = sink.join(&parts[..kept]).unwrap();
        let restored = outbox(&Arc::default(), Duration::ZERO);
        restored.desk.restore(&joined, kept as u64).unwrap();
        assert_eq!(restored.state().undelivered_bytes, 8 * kept as u64);
    }
    holds.lock().unwrap().away = false;
    assert!(sink.finish(LONG).unwrap());
    sink.begin_chain(false);
    parts.push(epoch(&mut sink, 5, false));
    drop(sink);
    let mut next = outbox(&holds, Duration::ZERO);
    let joined = next.join(&parts).unwrap();
    next.recover(&resume(2, 5, Some(&joined))).unwrap();
    assert!(next.finish(LONG).unwrap());
    assert_eq!(held(&holds), [1, 2, 3, 4, 5]);
}
