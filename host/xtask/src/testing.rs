//! `cargo xtask test`: what CI runs. Everything that is needed is built or named with the command that installs it.

use crate::command::{Done, cargo, run};
use crate::{plugins, services};
use clap::Args;

/// `cargo xtask test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Leave out the format check, lints and docs
    #[arg(long)]
    quick: bool,
    /// Passed on to `cargo test`, such as the name of a test
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    filter: Vec<String>,
}

/// Runs the tests.
pub fn test(args: &TestArgs) -> Done {
    services::prepare()?;
    if !args.quick {
        run(&mut cargo(&["fmt", "--all", "--check"]))?;
    }
    plugins::build_all("dev")?;
    let mut tests = cargo(&["test", "--workspace"]);
    tests.args(&args.filter);
    run(&mut tests)?;
    if !args.quick {
        run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
        let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
        run(docs.env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private_intra_doc_links"))?;
    }
    Ok(())
}
