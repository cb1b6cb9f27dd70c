//! The `weir` binary: hands its arguments to the library's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir::cli::main()
}
