//! A published file read back: its rows as the windows that they are of. Knows nothing of disks.

use super::head;
use super::kept::Window;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// By start and end.
    pub(super) windows: Vec<Window>,
    /// Lines that this sink did not write.
    pub(super) foreign: usize,
}

/// Reads the file of an interval.
pub(super) fn read(content: &[u8], interval: Range<i64>) -> Read {
    let mut windows: BTreeMap<(i64, i64), (u64, Vec<u8>)> = BTreeMap::new();
    let mut foreign = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let head = line.strip_suffix(b"\n").and_then(head::parse).filter(|head| interval.contains(&head.start_us));
        let Some(head) = head else {
            foreign += 1;
            continue;
        };
        let (revision, text) = windows.entry((head.start_us, head.end_us)).or_insert((head.revision, vec![]));
        // All rows of a window have one revision; where somebody put two files together, the later one.
        if head.revision > *revision {
            (*revision, *text) = (head.revision, vec![]);
        }
        match head.revision == *revision {
            true => text.extend_from_slice(line),
            false => foreign += 1,
        }
    }
    let window = |((start_us, end_us), (revision, text)): (_, (_, Vec<u8>))| Window {
        start_us,
        end_us,
        revision,
        text: text.into(),
    };
    Read { windows: windows.into_iter().map(window).collect(), foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    fn row(minute: i64, revision: u64, rest: &str) -> String {
        let mut line = Vec::new();
        crate::sink::row::push_head(&mut line, minute * MINUTE_US, (minute + 1) * MINUTE_US, revision);
        format!("{},{rest}}}\n", String::from_utf8(line).unwrap())
    }

    fn window(minute: i64, revision: u64, text: &str) -> Window {
        let (start_us, end_us) = (minute * MINUTE_US, (minute + 1) * MINUTE_US);
        Window { start_us, end_us, revision, text: text.as_bytes().into() }
    }

    #[test]
    fn rows_are_of_their_windows() {
        let (france, germany, later) = (row(0, 0, "\"c\":\"F\""), row(0, 0, "\"c\":\"G\""), row(3, 2, "\"c\":\"G\""));
        let read = read(format!("{france}{germany}{later}").as_bytes(), 0..10 * MINUTE_US);
        assert_eq!(
            read,
            Read { windows: vec![window(0, 0, &format!("{france}{germany}")), window(3, 2, &later)], foreign: 0 }
        );
    }

    #[test]
    fn lines_of_somebody_else_are_left_out_and_counted() {
        let (ours, outside, cut) = (row(0, 0, "\"c\":1"), row(10, 0, "\"c\":1"), row(1, 0, "\"c\":1"));
        let read = read(format!("{ours}hello\n\n{outside}{}", cut.trim_end()).as_bytes(), 0..10 * MINUTE_US);
        assert_eq!(read, Read { windows: vec![window(0, 0, &ours)], foreign: 4 });
    }

    #[test]
    fn of_two_revisions_the_higher_one_stays() {
        let (old, new) = (row(0, 1, "\"c\":1"), row(0, 2, "\"c\":2"));
        for content in [format!("{old}{new}"), format!("{new}{old}")] {
            assert_eq!(read(content.as_bytes(), 0..10 * MINUTE_US).windows, [window(0, 2, &new)]);
        }
    }
}
