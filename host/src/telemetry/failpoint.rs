//! Places at which a test kills the process, as kill -9 does, or holds it up. Nothing is left of them without the feature `failpoints`.
//!
//! `FAILPOINTS="name=action;…"` in the environment says what happens where (crate `fail`): `return(kill)` ends the process at the first
//! pass, `2*off->1*return(kill)` at the third, `sleep(100)` holds it up for 100 ms.

/// A named place: `failpoint!("checkpoint-before-write")`.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |action: Option<String>| $crate::telemetry::failpoint::act($name, action))
    };
}
pub(crate) use failpoint;

/// What `return(…)` asks for.
#[cfg(feature = "failpoints")]
pub(crate) fn act<R>(name: &str, action: Option<String>) -> R {
    if action.as_deref() == Some("kill") {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
    unreachable!("failpoint {name}: there is no action {action:?}; write return(kill)")
}
