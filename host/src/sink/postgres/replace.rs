//! Replaces the windows of an epoch in their table, whole, in the transaction that is open.
//!
//! Rows go straight into the table. A temporary table between would have every row written twice, needs a right more, and leaves dead rows in
//! the system's catalogues with each session; which windows are newer in the table, the server can say from their bounds alone.

use super::connection::Connection;
use super::render::{HEAD_COLUMNS, Part, Window};
use super::sql::{identifiers, qualified};
use super::table::OWN_COLUMNS;
use super::text::push_instant;
use crate::sink::cells::push_int;
use crate::sink::outbox::Trouble;
use bytes::Bytes;
use std::collections::HashSet;

/// Bytes that travel as one.
const CHUNK_BYTES: usize = 64 * 1024;

/// Windows asked for in one statement.
const WINDOWS_MAX: usize = 10_000;

type Entry<'p> = ((i64, i64), Window<'p>);

/// Puts the part's windows into its table, but for those of which the table has a higher revision.
pub(super) fn replace(connection: &mut Connection, schema: &str, part: &Part<'_>) -> Result<(), Trouble> {
    let table = qualified(schema, part.table);
    let windows: Vec<Entry<'_>> = part.windows.iter().map(|(bounds, window)| (*bounds, *window)).collect();
    let mut newer = HashSet::new();
    for (number, some) in windows.chunks(WINDOWS_MAX).enumerate() {
        let places = make_room(connection, &table, some)?;
        newer.extend(places.into_iter().map(|place| number * WINDOWS_MAX + place));
    }
    let taken =
        windows.iter().enumerate().filter(|(place, (_, window))| !newer.contains(place) && !window.lines.is_empty());
    let mut taken = taken.map(|(_, entry)| entry).peekable();
    if taken.peek().is_none() {
        return Ok(());
    }
    let names = OWN_COLUMNS[..HEAD_COLUMNS].iter().chain(&part.columns).copied();
    let sql = format!("copy {table} ({}) from stdin", identifiers(names));
    // As long as rows flow, it may take what it takes: each piece has its own limit.
    connection.run("set local statement_timeout = 0")?;
    connection.copy(&sql, Chunks::new(taken))?;
    Ok(())
}

/// Rows of another lineage count as of revision 0, because a pipeline that begins anew counts from there: what it computes replaces them.
pub(super) fn make_replaceable(connection: &mut Connection, schema: &str, table: &str) -> Result<(), Trouble> {
    let table = qualified(schema, table);
    connection.run_over_table(&format!("update {table} set revision = 0 where revision > 0"))
}

/// Deletes the rows of these windows unless they are of a higher revision; the places of windows that have such rows.
fn make_room(connection: &mut Connection, table: &str, windows: &[Entry<'_>]) -> Result<Vec<usize>, Trouble> {
    let list = list(windows);
    let same = "t.window_start = w.window_start and t.window_end = w.window_end";
    let rows = connection.rows(&format!(
        "delete from {table} t using {list} where {same} and t.revision <= w.revision;\n\
         select w.place - 1 from {list} where exists (select from {table} t where {same})"
    ))?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()?.parse().ok()).collect())
}

/// Windows as a table `w`.
fn list(windows: &[Entry<'_>]) -> String {
    let instants = |of: fn(&Entry<'_>) -> i64| {
        array(windows, |out, entry| {
            out.push(b'"');
            push_instant(out, of(entry));
            out.push(b'"');
        })
    };
    let revisions = array(windows, |out, (_, window)| push_int(out, window.revision));
    format!(
        "unnest('{}'::timestamptz[], '{}'::timestamptz[], '{revisions}'::bigint[]) \
         with ordinality as w (window_start, window_end, revision, place)",
        instants(|((start_us, _), _)| *start_us),
        instants(|((_, end_us), _)| *end_us),
    )
}

fn array(windows: &[Entry<'_>], push: impl Fn(&mut Vec<u8>, &Entry<'_>)) -> String {
    let mut out = vec![b'{'];
    for (place, entry) in windows.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push(&mut out, entry);
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// The lines of windows with their heads before them, in pieces.
struct Chunks<'p, I: Iterator<Item = &'p Entry<'p>>> {
    windows: I,
    /// Of the window at hand: what its rows begin with, the rows that are left, the next one's ordinal.
    head: Vec<u8>,
    lines: &'p [u8],
    ordinal: usize,
}

impl<'p, I: Iterator<Item = &'p Entry<'p>>> Chunks<'p, I> {
    fn new(windows: I) -> Self {
        Self { windows, head: Vec::new(), lines: &[], ordinal: 0 }
    }

    /// Appends a line; false where there is none left.
    fn push_line(&mut self, out: &mut Vec<u8>) -> bool {
        while self.lines.is_empty() {
            let Some(((start_us, end_us), window)) = self.windows.next() else { return false };
            self.head.clear();
            push_instant(&mut self.head, *start_us);
            self.head.push(b'\t');
            push_instant(&mut self.head, *end_us);
            self.head.push(b'\t');
            push_int(&mut self.head, window.revision);
            self.head.push(b'\t');
            (self.lines, self.ordinal) = (window.lines, 0);
        }
        let end = memchr::memchr(b'\n', self.lines).map_or(self.lines.len(), |at| at + 1);
        let (line, rest) = self.lines.split_at(end);
        out.extend_from_slice(&self.head);
        push_int(out, self.ordinal);
        out.push(b'\t');
        out.extend_from_slice(line);
        (self.lines, self.ordinal) = (rest, self.ordinal + 1);
        true
    }
}

impl<'p, I: Iterator<Item = &'p Entry<'p>>> Iterator for Chunks<'p, I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::with_capacity(CHUNK_BYTES + 1024);
        while out.len() < CHUNK_BYTES && self.push_line(&mut out) {}
        (!out.is_empty()).then(|| Bytes::from(out))
    }
}
