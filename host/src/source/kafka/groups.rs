//! The offsets of a consumer group, for tools that show lag: written behind the pipeline's back after an epoch is complete, and never read.
//!
//! ```text
//! confirm ─▶ the newest offsets (one a partition) ─▶ a thread of its own ─▶ a client's Writer ─▶ the group's coordinator
//! ```
//!
//! Nobody waits for it but, for a moment, the end of the run. What fails is told once until it changes. It knows offsets, no client.

use kafka_protocol::error::ResponseError as Code;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// People look at lag every few seconds; epochs may come every millisecond.
const BETWEEN: Duration = Duration::from_millis(500);
/// After a failure: at first, and at the most.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long one try may take.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// How long what passes may last before it is told: a coordinator that moves or loads takes seconds.
const TOLD_AFTER: Duration = Duration::from_secs(20);
/// How long the end of a run waits for the last offsets.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// Writes offsets by partition id, through one of the clients. May block until `until`.
pub(super) trait Writer: Send {
    fn write(&mut self, offsets: &BTreeMap<i32, i64>, until: Instant) -> Written;
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// Is tried again soon.
    Passes(String),
    /// Somebody has to do something about it; tried again with the next epoch.
    Refused(String),
}

/// What a coordinator's error code comes to.
pub(super) fn judge(group: &str, code: i16) -> Written {
    let Some(error) = Code::try_from_code(code) else { return Written::Done };
    match error {
        Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotLeaderOrFollower
        | Code::UnknownTopicOrPartition
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::NotEnoughReplicas
        | Code::UnknownServerError => Written::Passes(error.to_string()),
        Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress | Code::StaleMemberEpoch => {
            Written::Refused(
                "consumers are members of it; give the pipeline a group of its own: [source] group".to_owned(),
            )
        }
        Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed => Written::Refused(format!(
            "this user may not; allow it READ on group {group} and on the topic, or set [source] group = \"off\""
        )),
        error => Written::Refused(error.to_string()),
    }
}

/// The newest confirmed offsets, on their way. Dropped, it waits a moment for the last ones.
pub(super) struct Confirmed(Arc<Mail>);

struct Mail {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    newest: BTreeMap<i32, i64>,
    /// `newest` holds what was not written.
    is_due: bool,
    is_writing: bool,
    /// The run ends: what is due is written until then.
    closes: Option<Instant>,
    not_before: Instant,
}

impl Mail {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to write; `None` at the end.
    fn next(&self) -> Option<BTreeMap<i32, i64>> {
        let mut state = self.state();
        loop {
            let left = state.not_before.saturating_duration_since(Instant::now());
            if state.closes.is_some_and(|closes| !state.is_due || closes <= Instant::now()) {
                return None;
            }
            if state.is_due && left.is_zero() {
                (state.is_due, state.is_writing) = (false, true);
                return Some(state.newest.clone());
            }
            let wait = if state.is_due { left } else { Duration::from_secs(3600) };
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn written(&self, is_due: bool, pause: Duration) {
        let mut state = self.state();
        state.is_writing = false;
        state.is_due |= is_due;
        state.not_before = Instant::now() + if state.closes.is_some() { pause.min(PAUSE) } else { pause };
        self.changed.notify_all();
    }
}

impl Confirmed {
    /// Nothing is written before something is confirmed.
    pub(super) fn start(group: &str, writer: Box<dyn Writer>) -> Self {
        let state = State {
            newest: BTreeMap::new(),
            is_due: false,
            is_writing: false,
            closes: None,
            not_before: Instant::now(),
        };
        let mail = Arc::new(Mail { state: Mutex::new(state), changed: Condvar::new() });
        let (mine, name) = (Arc::clone(&mail), group.to_owned());
        let writing = thread::Builder::new().name("kafka-group".to_owned());
        if let Err(error) = writing.spawn(move || work(&mine, &name, writer)) {
            tracing::warn!("no thread to write the offsets of group {group}: {error}");
        }
        Self(mail)
    }

    /// These offsets are confirmed, and stand in place of older ones that are not written yet.
    pub(super) fn confirm(&self, offsets: BTreeMap<i32, i64>) {
        let mut state = self.0.state();
        state.is_due |= !offsets.is_empty();
        state.newest.extend(offsets);
        self.0.changed.notify_all();
    }
}

impl Drop for Confirmed {
    fn drop(&mut self) {
        let until = Instant::now() + CLOSE_WAIT;
        let mut state = self.0.state();
        (state.closes, state.not_before) = (Some(until), Instant::now());
        self.0.changed.notify_all();
        while state.is_due || state.is_writing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn work(mail: &Mail, group: &str, mut writer: Box<dyn Writer>) {
    let (mut pause, mut teller) = (PAUSE, Teller::default());
    while let Some(offsets) = mail.next() {
        let written = writer.write(&offsets, Instant::now() + WRITE_WAIT);
        if let Some(told) = teller.hear(&written, Instant::now()) {
            match told {
                Some(reason) => tracing::warn!(
                    "the offsets of group {group} can't be written, so tools show a lag that is not there; the pipeline goes on: {reason}"
                ),
                None => tracing::info!("the offsets of group {group} are written again"),
            }
        }
        pause = if written == Written::Done { PAUSE } else { (pause * 2).min(PAUSE_MAX) };
        let wait = if written == Written::Done { BETWEEN } else { pause };
        mail.written(matches!(written, Written::Passes(_)), wait);
    }
}

/// Tells of a change, once.
#[derive(Default)]
struct Teller {
    told: Option<String>,
    since: Option<Instant>,
}

impl Teller {
    /// What is to be said: a trouble, or (`Some(None)`) that it is over.
    fn hear(&mut self, written: &Written, now: Instant) -> Option<Option<String>> {
        let reason = match written {
            Written::Done => {
                self.since = None;
                return self.told.take().map(|_| None);
            }
            Written::Passes(reason) => {
                let since = *self.since.get_or_insert(now);
                // Whatever passes is one state, whichever broker says it in which words.
                if self.told.is_some() || now.duration_since(since) < TOLD_AFTER {
                    return None;
                }
                reason
            }
            Written::Refused(reason) => reason,
        };
        let is_new = self.told.as_ref() != Some(reason);
        self.told = Some(reason.clone());
        is_new.then(|| Some(reason.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    struct Double(Sender<BTreeMap<i32, i64>>, Vec<Written>);

    impl Writer for Double {
        fn write(&mut self, offsets: &BTreeMap<i32, i64>, _: Instant) -> Written {
            let _ = self.0.send(offsets.clone());
            self.1.pop().unwrap_or(Written::Done)
        }
    }

    #[test]
    fn the_newest_wins_and_the_last_is_written_before_the_end() {
        let (sender, written) = channel();
        let confirmed = Confirmed::start("g", Box::new(Double(sender, vec![Written::Passes("later".into())])));
        (1..=1000).for_each(|next| confirmed.confirm([(0, next)].into()));
        confirmed.confirm([(3, 7)].into());
        drop(confirmed);
        let all: Vec<_> = written.iter().collect();
        assert!(all.len() < 10, "{} writes", all.len());
        assert_eq!(all.last(), Some(&[(0, 1000), (3, 7)].into()));
    }

    #[test]
    fn a_trouble_is_told_once_and_its_end_too() {
        let (mut teller, now) = (Teller::default(), Instant::now());
        let refused = Written::Refused("no".to_owned());
        assert_eq!(teller.hear(&Written::Done, now), None);
        assert_eq!(teller.hear(&refused, now), Some(Some("no".to_owned())));
        assert_eq!(teller.hear(&refused, now), None);
        assert_eq!(teller.hear(&Written::Done, now), Some(None));
        let passes = |text: &str| Written::Passes(text.to_owned());
        assert_eq!(teller.hear(&passes("a"), now), None);
        let later = now + TOLD_AFTER;
        assert_eq!(teller.hear(&passes("b"), later), Some(Some("b".to_owned())));
        assert_eq!(teller.hear(&passes("c"), later + TOLD_AFTER), None);
    }

    #[test]
    fn codes_say_who_must_act() {
        assert_eq!(judge("g", 0), Written::Done);
        assert!(matches!(judge("g", 16), Written::Passes(_)));
        assert!(matches!(judge("g", 25), Written::Refused(told) if told.contains("members")));
        assert!(matches!(judge("g", 30), Written::Refused(told) if told.contains("group = \"off\"")));
    }
}
