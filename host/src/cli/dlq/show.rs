//! `weir dlq show`: a table, counts, records' bytes, or the letters as they are. Reads line by line; nothing is kept but counts.

use super::args::ShowArgs;
use super::{count, not_read, shown, tell};
use crate::cli::Failure;
use crate::pipeline::replay::{StoredLetter, StoredLetters};
use std::collections::BTreeMap;
use std::io::{BufWriter, ErrorKind, Write};

/// Reasons that a summary tells apart at the most: they may quote what records hold.
const REASONS_MAX: usize = 1_000;

/// Shows the letters that are meant.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let mut shower = Shower::new(args);
    let mut unreadable = 0;
    for path in &args.select.files {
        let failed = |error| not_read(path, &error);
        let mut letters = StoredLetters::open(path).map_err(failed)?;
        while shower.wants_more() {
            match letters.next_letter().map_err(failed)? {
                None => break,
                Some(Ok((letter, line))) if shower.selection.takes(&letter) => shower.take(&letter, line),
                Some(Ok(_)) => {}
                Some(Err(wrong)) => {
                    unreadable += 1;
                    tell(&format!("{}:{}: not a letter: {}", path.display(), wrong.line, wrong.reason));
                }
            }
        }
    }
    shower.end();
    Ok(u8::from(unreadable > 0))
}

struct Shower<'a> {
    args: &'a ShowArgs,
    selection: crate::pipeline::replay::Selection,
    out: BufWriter<std::io::Stdout>,
    letters: usize,
    cut: usize,
    counts: BTreeMap<(&'static str, String), usize>,
    /// Nobody reads any more.
    closed: bool,
}

impl<'a> Shower<'a> {
    fn new(args: &'a ShowArgs) -> Self {
        let selection = args.select.selection(args.topic.as_ref());
        let out = BufWriter::new(std::io::stdout());
        Self { args, selection, out, letters: 0, cut: 0, counts: BTreeMap::new(), closed: false }
    }

    fn wants_more(&self) -> bool {
        !self.closed && self.args.select.limit.is_none_or(|limit| self.letters < limit as usize)
    }

    fn take(&mut self, letter: &StoredLetter, line: &[u8]) {
        self.letters += 1;
        self.cut += usize::from(letter.is_cut());
        if self.args.summary {
            self.tally(letter);
        } else if self.args.values {
            self.put(&[&letter.value, b"\n"]);
        } else if self.args.json {
            self.put(&[line, b"\n"]);
        } else {
            if self.letters == 1 {
                self.put(&[row(["KIND", "RECORD", "BYTES", "EVENT TIME"], "REASON").as_bytes()]);
            }
            self.put(&[table_row(letter).as_bytes()]);
        }
    }

    fn tally(&mut self, letter: &StoredLetter) {
        let mut key = (letter.kind.as_str(), letter.reason.clone());
        if self.counts.len() >= REASONS_MAX && !self.counts.contains_key(&key) {
            key.1 = "(other reasons)".to_owned();
        }
        *self.counts.entry(key).or_default() += 1;
    }

    /// Nobody may be left to read it, as with `| head`, which is no reason to fail.
    fn put(&mut self, parts: &[&[u8]]) {
        let written = parts.iter().try_for_each(|part| self.out.write_all(part));
        self.closed |= written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
    }

    fn end(mut self) {
        let mut counts: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        counts.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        for ((kind, reason), count) in counts {
            self.put(&[format!("{count:>8}  {kind:<12}  {}\n", shown(&reason)).as_bytes()]);
        }
        if !self.args.values && !self.args.json {
            self.put(&[format!("{}\n", count(self.letters, "letter")).as_bytes()]);
        } else if self.cut > 0 {
            tell(&format!(
                "{} of these are only the first 64 KiB of their records; `weir dlq replay` fetches them whole",
                self.cut
            ));
        }
        // A closed standard output leaves nobody to tell.
        let _ = self.out.flush();
    }
}

fn table_row(letter: &StoredLetter) -> String {
    let mut reason = shown(&letter.reason);
    if !letter.refused_by.is_empty() {
        let kpis: Vec<&str> = letter.refused_by.iter().map(|refused| refused.kpi.as_str()).collect();
        reason.push_str(&format!(" ({})", shown(&kpis.join(", "))));
    }
    let time = letter.event_time.as_ref().map_or("", String::as_str);
    let record = shown(&letter.name());
    row([letter.kind.as_str(), &record, &letter.length.to_string(), &shown(time)], &reason)
}

fn row([kind, record, bytes, time]: [&str; 4], reason: &str) -> String {
    format!("{kind:<12}  {record:<28}  {bytes:>8}  {time:<24}  {reason}\n")
}
