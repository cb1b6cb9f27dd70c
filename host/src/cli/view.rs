//! What a person sees during and after a run: a live view on a terminal, plain lines elsewhere, a summary at the end.

mod figures;
mod plain;
mod terminal;

use super::args::View;
use crate::pipeline::{Job, Places, Progress, Report};
use figures::Figures;
pub use figures::{grouped, show_bytes};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

const PERIOD: Duration = Duration::from_millis(250);
const PLAIN_EVERY: u32 = 4;

/// A running view.
pub struct Shown {
    thread: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Shown {
    /// Draws the last state and gives the terminal back.
    pub fn stop(mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // A view that panicked is not worth a word after the run.
            let _ = thread.join();
        }
    }
}

/// What is fixed about a job.
#[derive(Clone)]
struct Names {
    pipeline: String,
    kpis: Vec<String>,
    plugins: Vec<String>,
}

/// Starts the view that the argument asks for, on a thread of its own.
pub fn start(view: View, job: &Job, progress: Arc<Progress>) -> Shown {
    let names = Names { pipeline: job.name().into(), kpis: job.kpi_names(), plugins: job.plugin_names() };
    let terminal = view == View::Auto && std::io::stdout().is_terminal();
    if view == View::Off {
        return Shown { thread: None };
    }
    let (stop, stopped) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        if terminal && terminal::show(&names, &progress, &stopped).is_ok() {
            return;
        }
        plain::show(&progress, &stopped);
    });
    Shown { thread: Some((stop, thread)) }
}

/// Whether to go on after one period: false once the run has ended.
fn wait(stopped: &mpsc::Receiver<()>) -> bool {
    matches!(stopped.recv_timeout(PERIOD), Err(RecvTimeoutError::Timeout))
}

/// The last lines of a run: where things are, and the balanced ledger.
pub fn summary(report: &Report, places: &Places) -> String {
    figures::summary(report, places)
}
