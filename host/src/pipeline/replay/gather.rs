//! Reads letters and decides which of them are fed: what is not meant, was fed, or must not be fed, stays.

use super::{ReplayError, ReplayOptions, ReplayReport, Target};
use crate::sink::dead_letters::DeadLetterKind;
use crate::sink::dead_letters::journal::{Fed, Journal};
use crate::sink::dead_letters::read::{self, Mended, StoredLetter, StoredLetters};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Letters of a call at the most: they stand in one transaction, which has a minute.
const LETTERS_MAX: usize = 100_000;
/// Bytes of a call at the most; they are held in memory.
const BYTES_MAX: u64 = 256 << 20;

/// A record to feed.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Which letter it is.
    pub fed: Fed,
    /// The letter's file, by place.
    pub file: usize,
    pub topic: String,
    pub partition: u32,
    pub offset: i64,
    pub is_late: bool,
    /// The record's length where `value` is only its beginning.
    pub cut: Option<u64>,
    pub value: Vec<u8>,
}

/// What a call feeds, and what it does not.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub records: Vec<Record>,
    /// What is told of the others.
    pub report: ReplayReport,
}

impl Gathered {
    /// The letters, by file.
    pub fn fed(&self, files: usize) -> Vec<BTreeSet<Fed>> {
        let of = |file| self.records.iter().filter(move |record| record.file == file).map(|record| record.fed.clone());
        (0..files).map(|file| of(file).collect()).collect()
    }

    pub fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        self.report.refused.push((name.to_owned(), reason.into()));
    }
}

/// Goes through all files.
pub(super) fn gather(options: &ReplayOptions, journals: &[Journal]) -> Result<Gathered, ReplayError> {
    let mut gathering = Gathering {
        options,
        mended: options.mended.as_deref().map(mended).transpose()?,
        met: BTreeSet::new(),
        bytes: 0,
        gathered: Gathered::default(),
    };
    for (file, (path, journal)) in options.files.iter().zip(journals).enumerate() {
        let failed = |source| ReplayError::Read { path: path.display().to_string(), source };
        let mut letters = StoredLetters::open(path).map_err(failed)?;
        while !gathering.is_full() {
            match letters.next_letter().map_err(failed)? {
                None => break,
                Some(Ok((letter, _))) => gathering.take(file, letter, journal)?,
                Some(Err(unreadable)) => gathering.gathered.report.unreadable.push((path.clone(), unreadable)),
            }
        }
    }
    Ok(gathering.finish())
}

/// Mended records by name.
fn mended(path: &Path) -> Result<BTreeMap<String, Mended>, ReplayError> {
    let records =
        read::mended(path).map_err(|source| ReplayError::Read { path: path.display().to_string(), source })?;
    let records = records.map_err(|wrong| {
        let lines: Vec<String> =
            wrong.iter().map(|wrong| format!("{}:{}: {}", path.display(), wrong.line, wrong.reason)).collect();
        ReplayError::Usage(format!("mended records can't be read, and nothing was fed:\n{}", lines.join("\n")))
    })?;
    let mut by_name = BTreeMap::new();
    for record in records {
        let (name, line) = (record.name.clone(), record.line);
        if let Some(first) = by_name.insert(name.clone(), record) {
            let (path, first) = (path.display(), first.line);
            return Err(ReplayError::Usage(format!("{path} has {name} on lines {first} and {line}: keep one")));
        }
    }
    Ok(by_name)
}

struct Gathering<'a> {
    options: &'a ReplayOptions,
    /// Those whose letter was not met yet.
    mended: Option<BTreeMap<String, Mended>>,
    met: BTreeSet<Fed>,
    bytes: u64,
    gathered: Gathered,
}

impl Gathering<'_> {
    fn is_full(&self) -> bool {
        self.options.limit.is_some_and(|limit| self.gathered.records.len() >= limit)
    }

    fn take(&mut self, file: usize, letter: StoredLetter, journal: &Journal) -> Result<(), ReplayError> {
        let name = letter.name();
        let mended = self.mended.as_mut().map(|mended| mended.remove(&name));
        if !self.options.selection.takes(&letter) || matches!(mended, Some(None)) {
            return Ok(());
        }
        let fed = Fed { letter: name.clone(), sha256: letter.sha256.clone() };
        let report = &mut self.gathered.report;
        if journal.has(&fed) {
            report.fed_before += 1;
        } else if !self.met.insert(fed.clone()) {
            report.repeated += 1;
        } else {
            match judge(&letter, mended.flatten(), self.options) {
                Verdict::Unchanged => report.unchanged += 1,
                Verdict::Refused(reason) => self.gathered.refuse(&name, reason),
                Verdict::Feed { value, cut } => {
                    self.bytes += cut.unwrap_or(value.len() as u64);
                    let StoredLetter { topic, partition, offset, kind, .. } = letter;
                    let is_late = kind == DeadLetterKind::Late;
                    self.gathered.records.push(Record { fed, file, topic, partition, offset, is_late, cut, value });
                }
            }
        }
        if self.gathered.records.len() > LETTERS_MAX || self.bytes > BYTES_MAX {
            return Err(ReplayError::Usage(format!(
                "these are more than {LETTERS_MAX} letters or {} MiB, too many for one transaction; feed them in several calls with \
                 `--limit`: each goes on where the one before ended",
                BYTES_MAX >> 20
            )));
        }
        Ok(())
    }

    /// Mended records that no letter has asked for are told, unless the search ended early.
    fn finish(mut self) -> Gathered {
        let left = if self.is_full() { None } else { self.mended.take() };
        for name in left.into_iter().flatten().map(|(name, _)| name) {
            self.gathered.refuse(&name, "it is mended, but no letter has its topic, partition and offset");
        }
        self.gathered
    }
}

enum Verdict {
    Feed { value: Vec<u8>, cut: Option<u64> },
    Unchanged,
    Refused(String),
}

fn judge(letter: &StoredLetter, mended: Option<Mended>, options: &ReplayOptions) -> Verdict {
    let target = &options.target;
    if let Some(topic) = target.only_topic.as_ref().filter(|topic| **topic != letter.topic) {
        let from = &letter.topic;
        return Verdict::Refused(format!(
            "it came from {from}, and the pipeline reads {topic}; name the topic with `--topic` and `--brokers` to feed it there"
        ));
    }
    if let Some(reason) = counted(letter, target).filter(|_| !options.partly_counted) {
        return Verdict::Refused(reason);
    }
    match mended {
        Some(mended) if mended.value == letter.value => Verdict::Unchanged,
        Some(mended) if mended.is_cut => Verdict::Refused(
            "the mended line holds only the beginning of the record, as its `length` tells; give the whole record, without `length`"
                .to_owned(),
        ),
        Some(mended) => Verdict::Feed { value: mended.value, cut: None },
        None if letter.is_cut() && target.whole.is_none() => Verdict::Refused(format!(
            "the letter holds the first {} of {} bytes; tell with `--brokers` (or `--pipeline`) where the whole record is",
            letter.value.len(),
            letter.length
        )),
        None => Verdict::Feed { value: letter.value.clone(), cut: letter.is_cut().then_some(letter.length) },
    }
}

/// Who has counted a late record already, and would count it again.
fn counted(letter: &StoredLetter, target: &Target) -> Option<String> {
    if letter.kind != DeadLetterKind::Late {
        return None;
    }
    let in_part = letter.refused_by.iter().filter(|refused| refused.windows_taken > 0).map(|refused| &refused.kpi);
    let refused = |kpi: &&String| letter.refused_by.iter().all(|refused| refused.kpi != **kpi);
    let names: Vec<String> = in_part.chain(target.kpis.iter().filter(refused)).map(|kpi| format!("`{kpi}`")).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("it counts in windows of {names} already, which could count it twice; `--partly-counted` feeds it all the same")
    })
}
