//! Which letters are meant: filters that all have to fit.

use super::DeadLetterKind;
use super::read::StoredLetter;
use std::ops::Bound;
use std::str::FromStr;

/// Filters; what is empty or `None` fits every letter.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Any of these kinds.
    pub kinds: Vec<DeadLetterKind>,
    /// The reason holds this text.
    pub reason: Option<String>,
    /// The topic, or the file's name.
    pub topic: Option<String>,
    /// The partition.
    pub partition: Option<u32>,
    /// Offsets.
    pub offsets: Option<OffsetRange>,
    /// A KPI that refused it; late records only.
    pub kpi: Option<String>,
}

impl Selection {
    /// Whether the letter is meant.
    pub fn takes(&self, letter: &StoredLetter) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&letter.kind))
            && self.reason.as_ref().is_none_or(|text| letter.reason.contains(text))
            && self.topic.as_ref().is_none_or(|topic| letter.topic == *topic)
            && self.partition.is_none_or(|partition| letter.partition == partition)
            && self.offsets.is_none_or(|offsets| offsets.holds(letter.offset))
            && self.kpi.as_ref().is_none_or(|kpi| letter.refused_by.iter().any(|refused| refused.kpi == *kpi))
    }
}

/// `5`, `5..9` (without 9, as Kafka tells ends), `5..` or `..9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    from: i64,
    to: Bound<i64>,
}

impl OffsetRange {
    fn holds(&self, offset: i64) -> bool {
        (self.from..).contains(&offset)
            && match self.to {
                Bound::Included(to) => offset <= to,
                Bound::Excluded(to) => offset < to,
                Bound::Unbounded => true,
            }
    }
}

impl FromStr for OffsetRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = || format!("`{text}` is no range of offsets: write 5..9 (5 to 8), 5.., ..9 or 5");
        let number = |part: &str| part.parse::<i64>().map_err(|_| help());
        let Some((from, to)) = text.split_once("..") else {
            let only = number(text)?;
            return Ok(Self { from: only, to: Bound::Included(only) });
        };
        let from = if from.is_empty() { i64::MIN } else { number(from)? };
        let to = if to.is_empty() { Bound::Unbounded } else { Bound::Excluded(number(to)?) };
        match to {
            Bound::Excluded(to) if to <= from => Err(format!("`{text}` holds no offset: the second is left out")),
            to => Ok(Self { from, to }),
        }
    }
}

impl FromStr for DeadLetterKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = [Self::Undecodable, Self::FutureDated, Self::Rejected, Self::Late];
        let known = kinds.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| format!("there is no kind `{text}`: undecodable, future-dated, rejected or late"))
    }
}
