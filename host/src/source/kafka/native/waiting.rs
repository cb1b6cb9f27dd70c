//! Waiting for brokers: for what comes on the sockets, or for a connection that is being opened.

use super::link::Link;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::Duration;

/// A connection that is being opened tells nobody: it is looked at this often.
const OPENING: Duration = Duration::from_millis(1);
/// Links that are down, and partitions that are left alone, come back by the clock.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until something may have happened, at most `left`.
pub(super) fn wait<'a>(links: impl Iterator<Item = &'a Link>, left: Duration) {
    let (mut sockets, mut limit) = (Vec::new(), left);
    for link in links {
        if link.is_opening() {
            limit = limit.min(OPENING);
        }
        match link.socket() {
            Some((socket, is_sending)) => {
                let flags = if is_sending { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
                sockets.push(PollFd::from_borrowed_fd(socket, flags));
            }
            None => limit = limit.min(LOOK),
        }
    }
    // A link that is free has no partition to ask for now: its socket says nothing, and time goes on.
    let time = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    // Interrupted or refused: the caller looks around and waits again.
    if poll(&mut sockets, Some(&time)).is_err() {
        std::thread::sleep(limit.min(OPENING));
    }
}
