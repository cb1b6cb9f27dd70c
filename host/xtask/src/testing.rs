//! `cargo xtask test`: what CI runs. Everything that is needed is built or named with the command that installs it.

use crate::command::{Done, cargo, exists, run};
use crate::plugins;
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

/// What the real services need, and the Debian packages that bring it.
const NEEDED: [(&str, &str); 2] = [("java", "openjdk-17-jre-headless"), ("mvn", "maven")];

/// Runs the tests.
pub fn test(args: &TestArgs) -> Done {
    needed()?;
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

fn needed() -> Done {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| !exists(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the tests start a real Kafka broker, which needs {}; install with `apt-get install --no-install-recommends {}`",
        missing.join(" and "),
        missing.join(" ")
    ))
}
