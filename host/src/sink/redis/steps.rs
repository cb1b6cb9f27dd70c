//! An epoch as steps of the script, and how many of them go into one call. Knows the script's arguments and no connection.

use super::windows::Window;
use crate::sink::instant;
use std::collections::VecDeque;

/// Rows of a call at the most: it takes some 10 ms of the server, which serves nobody else meanwhile.
pub(super) const CALL_ROWS_MAX: usize = 1_000;

/// Bytes of a call's rows at the most, but for a row that is larger alone.
pub(super) const CALL_BYTES_MAX: usize = 1 << 20;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Lays rows of a window aside.
    Stage { window: usize, first: bool, rows: &'a [(&'a str, &'a str)] },
    /// Puts them in the window's place; where an earlier call stopped at, its phase and cursor.
    Settle { window: usize, phase: Vec<u8>, cursor: Vec<u8> },
}

/// The texts of a window that its steps share.
pub(super) struct Head {
    kpi: String,
    start: String,
    end: String,
    revision: String,
    /// Milliseconds.
    score: String,
    lines: String,
    unavailable: String,
}

/// Steps of an epoch that are not done yet.
pub(super) struct Steps<'a> {
    heads: Vec<Head>,
    left: VecDeque<Step<'a>>,
}

impl<'a> Steps<'a> {
    /// All steps of an epoch's windows.
    pub fn of(windows: &'a [Window<'a>]) -> Self {
        let mut left = VecDeque::new();
        for (window, Window { rows, .. }) in windows.iter().enumerate() {
            let mut rest = rows.as_slice();
            let mut first = true;
            // Also where it has no rows: what lies aside since a call that came to nothing has to go.
            while first || !rest.is_empty() {
                let (rows, after) = rest.split_at(fitting(rest));
                left.push_back(Step::Stage { window, first, rows });
                (rest, first) = (after, false);
            }
            left.push_back(Step::Settle { window, phase: b"retire".to_vec(), cursor: b"0".to_vec() });
        }
        Self { heads: windows.iter().map(Head::of).collect(), left }
    }

    /// How many steps the next call takes; whether they are the last ones.
    pub fn next_call(&self) -> (usize, bool) {
        let (mut count, mut rows, mut bytes) = (0, 0, 0);
        for step in &self.left {
            let (more_rows, more_bytes) = step.size();
            (rows, bytes) = (rows + more_rows, bytes + more_bytes);
            if count > 0 && (rows > CALL_ROWS_MAX || bytes > CALL_BYTES_MAX) {
                break;
            }
            count += 1;
        }
        (count, count == self.left.len())
    }

    /// Gives the arguments of the next `count` steps to `word`, in order.
    pub fn words(&self, count: usize, mut word: impl FnMut(&[u8])) {
        for step in self.left.iter().take(count) {
            match step {
                Step::Stage { window, first, rows } => {
                    self.heads[*window].words(b"stage", &mut word);
                    word(if *first { b"1" } else { b"0" });
                    word(itoa::Buffer::new().format(rows.len()).as_bytes());
                    for (key, row) in *rows {
                        word(key.as_bytes());
                        word(row.as_bytes());
                    }
                }
                Step::Settle { window, phase, cursor } => {
                    let head = &self.heads[*window];
                    head.words(b"settle", &mut word);
                    word(head.lines.as_bytes());
                    word(head.unavailable.as_bytes());
                    word(phase);
                    word(cursor);
                }
            }
        }
    }

    /// These are done.
    pub fn done(&mut self, count: usize) {
        self.left.drain(..count.min(self.left.len()));
    }

    /// The next one stopped on its way, to go on from here.
    pub fn go_on_from(&mut self, at_phase: &[u8], at_cursor: &[u8]) {
        if let Some(Step::Settle { phase, cursor, .. }) = self.left.front_mut().filter(|_| !at_phase.is_empty()) {
            (*phase, *cursor) = (at_phase.to_vec(), at_cursor.to_vec());
        }
    }
}

/// How many rows go into a step, one at the least if there are any.
fn fitting(rows: &[(&str, &str)]) -> usize {
    let mut bytes = 0;
    let within = rows.iter().take(CALL_ROWS_MAX).take_while(|(key, row)| {
        bytes += key.len() + row.len();
        bytes <= CALL_BYTES_MAX
    });
    within.count().max(1).min(rows.len())
}

impl Step<'_> {
    /// Rows and bytes; what a window has around its rows counts as one row.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Stage { rows, .. } => (rows.len(), rows.iter().map(|(key, row)| key.len() + row.len()).sum()),
            Self::Settle { .. } => (1, 0),
        }
    }
}

impl Head {
    fn of(window: &Window<'_>) -> Self {
        Self {
            kpi: window.kpi.to_owned(),
            start: instant_text(window.start_us),
            end: instant_text(window.end_us),
            revision: window.revision.to_string(),
            score: millis_text(window.start_us),
            lines: window.lines.to_string(),
            unavailable: window.unavailable.to_owned(),
        }
    }

    fn words(&self, step: &[u8], word: &mut impl FnMut(&[u8])) {
        word(step);
        for text in [&self.kpi, &self.start, &self.end, &self.revision, &self.score] {
            word(text.as_bytes());
        }
    }
}

fn instant_text(us: i64) -> String {
    let mut text = Vec::new();
    instant::push_micros(&mut text, us);
    String::from_utf8_lossy(&text).into_owned()
}

/// Milliseconds with the microseconds behind the point.
pub(super) fn millis_text(us: i64) -> String {
    let (sign, us) = (if us < 0 { "-" } else { "" }, us.unsigned_abs());
    match us % 1_000 {
        0 => format!("{sign}{}", us / 1_000),
        rest => format!("{sign}{}.{rest:03}", us / 1_000),
    }
}
