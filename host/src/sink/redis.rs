//! Rows in Redis: the newest row of each group key, and a history of whole windows with a limit.
//!
//! ```text
//! {weir:retail}:sales:windows          sorted set   starts of the windows that are kept, by start (milliseconds)
//! {weir:retail}:sales:window:<start>   hash         start, end, revision, rows; unavailable
//! {weir:retail}:sales:rows:<start>     hash         group key → its rows in the window, JSON lines
//! {weir:retail}:sales:newest:<key>     hash         the newest of these rows: window_start, window_end, revision, a field for each
//!                                                   key column and output, row
//! {weir:retail}:sales:staged           hash         a window that is too large for one call, while it comes
//! {weir:retail}:weir:epoch:<sink>      hash         the marker: lineage, generation, session, epoch; applying and part meanwhile
//! ```
//!
//! What is kept is a function of the windows that came, not of the order and the pieces in which they came: a window counts in its
//! highest revision, the history holds the last ones by start, and a newest hash shows the last of them that has a row of its key.
//! So whatever is applied twice changes nothing, and an epoch may go over in parts. Each call of the script checks the marker first: an
//! older run, or an older connection of the same run whose bytes still lie in a buffer somewhere, changes nothing.
//!
//! All keys begin alike, in braces, and so share a slot; a cluster is not supported all the same (redirections are not followed).

mod destination;
mod render;
mod server;
mod steps;
#[cfg(test)]
mod tests;
mod trouble;
mod windows;

use super::outbox::Outbox;
use super::{KpiSchema, SinkError};
use destination::RedisDestination;
use render::RedisRender;
use server::Server;
use std::fmt;

/// Where rows go, and how many.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://[user][:password@]host[:port][/database]`; `rediss://` for TLS. Never shown.
    pub url: String,
    /// What all keys begin with.
    pub prefix: String,
    /// The sink's name: its marker's.
    pub sink: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Windows that a KPI's history keeps.
    pub history_windows_max: u64,
    /// Undelivered rows that may wait.
    pub backlog_bytes_max: u64,
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("prefix", &self.prefix).field("sink", &self.sink).finish_non_exhaustive()
    }
}

/// A sink of these KPIs; touches nothing outside. Fails where the address is none.
pub fn open(settings: &RedisSettings, kpis: &[KpiSchema]) -> Result<Outbox, SinkError> {
    let refused = |reason: String| SinkError::Refused { place: format!("the sink `{}`", settings.sink), reason };
    let server = Server::new(&settings.url).map_err(|reason| refused(format!("its `url` can't be used: {reason}")))?;
    let destination = RedisDestination::new(server, settings).map_err(refused)?;
    let render = RedisRender::new(kpis);
    Ok(Outbox::new(Box::new(render), Box::new(destination), settings.backlog_bytes_max))
}
