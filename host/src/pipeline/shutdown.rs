//! Stops a run: a signal, a limit of records, or a failed part sets one flag that every loop looks at between batches.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The flag. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: Arc<AtomicBool>,
    signalled: Arc<AtomicBool>,
}

impl Shutdown {
    /// A flag that SIGINT and SIGTERM set. A second signal ends the process at once with status 130, as a person who presses
    /// Ctrl-C twice expects.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // Order matters: the conditional exit looks at the flag before the second hook sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&shutdown.signalled))?;
            signal_hook::flag::register(signal, Arc::clone(&shutdown.signalled))?;
        }
        Ok(shutdown)
    }

    /// Asks every loop to stop after its batch.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Whether a signal has come; the run may also stop by itself.
    pub fn signalled(&self) -> bool {
        self.signalled.load(Ordering::SeqCst)
    }

    /// Whether to stop.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst) || self.signalled.load(Ordering::SeqCst)
    }
}
