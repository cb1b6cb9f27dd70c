//! `weir dlq show` and `weir dlq replay`: records that were set aside, for people, and back into the flow.

mod args;
mod replay;
mod show;

pub use args::DlqCommand;

use super::Failure;
use std::path::Path;

/// Runs the command.
pub fn run(command: &DlqCommand) -> Result<u8, Failure> {
    match command {
        DlqCommand::Show(args) => show::show(args),
        DlqCommand::Replay(args) => replay::replay(args),
    }
}

/// Text of a record or a file's name for a terminal: what could steer it is escaped.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

fn not_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure { text: format!("error: {}: {error}", path.display()), code: 1 }
}

/// To standard error: what was left out.
fn tell(text: &str) {
    use std::io::Write;
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(shown("a\u{1b}[31mé\n"), "a\\u{1b}[31mé\\n");
        assert_eq!((count(1, "letter"), count(2, "letter")), ("1 letter".to_owned(), "2 letters".to_owned()));
    }
}
