//! Options of a plugin, as the pipeline file gives them, and how a plugin's own words are made fit to print.

/// A value of `options = { … }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// true, false
    Boolean(bool),
    /// 1
    Int64(i64),
    /// 1.5
    Float64(f64),
    /// "x"
    Text(String),
    /// [1, 2]
    Int64s(Vec<i64>),
    /// [1.5, 2.5]
    Float64s(Vec<f64>),
    /// ["x", "y"]; also the empty list
    Texts(Vec<String>),
}

/// The options of one use of a plugin, in the file's order.
pub type Settings = [(String, Setting)];

/// Characters that are kept of a sentence that a plugin wrote.
const WORDS_CHARS_MAX: usize = 1_000;

/// A plugin's own words, cut to a length and without control characters: they go to terminals, logs and dead letters, and
/// whoever wrote the plugin need not be trusted.
pub(super) fn tame(words: &str) -> String {
    let mut tame: String = words
        .chars()
        .take(WORDS_CHARS_MAX)
        .map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c })
        .collect();
    if words.chars().nth(WORDS_CHARS_MAX).is_some() {
        tame.push('…');
    }
    tame
}

/// Characters that turn the direction of what is printed after them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tamed() {
        assert_eq!(tame("für £1"), "für £1");
        assert_eq!(tame("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(tame(&"x".repeat(WORDS_CHARS_MAX)).chars().count(), WORDS_CHARS_MAX);
        assert_eq!(tame(&"x".repeat(WORDS_CHARS_MAX + 1)).chars().count(), WORDS_CHARS_MAX + 1);
        assert!(tame(&"x".repeat(WORDS_CHARS_MAX + 1)).ends_with('…'));
    }
}
