//! An outbox whose courier goes no further than it is told, on a clock that is set: for simulations.

use super::{Destination, Outbox, Render};

pub(crate) use super::clock::Clock;
pub(crate) use super::courier::{Courier, Went};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the courier waits, once `recover` has made it.
pub(crate) type Slot = Arc<Mutex<Option<Courier>>>;

/// An outbox, and its courier's slot.
pub(crate) fn outbox(
    render: Box<dyn Render>,
    destination: Box<dyn Destination>,
    backlog_bytes_max: u64,
    clock: Arc<dyn Clock>,
) -> (Outbox, Slot) {
    let slot = Slot::default();
    let waits = Arc::clone(&slot);
    let hire = move |courier| *waits.lock().unwrap_or_else(PoisonError::into_inner) = Some(courier);
    (Outbox::with(render, destination, backlog_bytes_max, clock, Box::new(hire)), slot)
}
