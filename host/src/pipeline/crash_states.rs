//! Checkpoints and files against a disk that forgets: random runs die at random operations, the disk is taken as a crash may have left
//! it, and the next run goes on from there.
//!
//! ```text
//! history (windows, revisions, rows that go) ─▶ run: accept, prepare, write, commit ─▶ dies ─▶ crash states ─▶ each: check, run on ─▶ …
//! ```
//! What holds in each state is in `facts`; at the end the files are those of a run that nothing happened to. `WEIR_CRASH_STATES` sets how
//! many states are checked in all, `WEIR_CRASH_SEED` runs one seed again: a case is a function of its seed, also in its threads, of which
//! one runs at a time.

mod chance;
mod crashes;
mod facts;
mod history;
mod run;
mod store;
mod tests;
mod zombie;
