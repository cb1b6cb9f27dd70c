//! The view where there is no terminal: one line a second on standard error, so that standard output stays for results.

use super::{Figures, PLAIN_EVERY, wait};
use crate::pipeline::Progress;
use std::sync::mpsc;

/// Prints until the run ends.
pub fn show(progress: &Progress, stopped: &mpsc::Receiver<()>) {
    let mut figures = Figures::start();
    let mut periods = 0;
    while wait(stopped) {
        periods += 1;
        if periods % PLAIN_EVERY == 0 {
            figures.renew(progress);
            eprintln!("{}", figures.line(progress));
        }
    }
    figures.renew(progress);
    eprintln!("{}", figures.line(progress));
}
