//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The child that compiles components: before anything else, so that it stays small.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == "__compile")
    {
        return weir::plugin::compile_child_main();
    }
    ExitCode::SUCCESS
}
