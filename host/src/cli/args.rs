//! What can be typed.

use super::dlq::DlqCommand;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes:
  0  all well
  1  could not run, or stopped by an error
  2  the configuration or the command line is wrong
  3  ran, but a KPI was quarantined (its windows say `unavailable`)";

/// Weir runs KPIs as plugins over streams: Kafka or files in, per-window rows out.
#[derive(Debug, Parser)]
#[command(name = "weir", version, after_help = EXIT_CODES)]
pub struct Args {
    /// What to log to standard error: a level (error, warn, info, debug) or directives such as `weir=debug`
    #[arg(long, global = true, env = "WEIR_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// Log as JSON lines
    #[arg(long, global = true, env = "WEIR_LOG_JSON")]
    pub log_json: bool,
    /// The command
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline until its input ends or it is stopped
    #[command(after_help = RUN_HELP)]
    Run(RunArgs),
    /// Check a pipeline file and its plugins, and tell every problem at once
    #[command(
        after_help = "Exit codes: 0 nothing to mend, 2 problems were told.\n\nExample:\n  weir check pipelines/retail.toml"
    )]
    Check(CheckArgs),
    /// Look at records that were set aside, and feed them again
    #[command(subcommand)]
    Dlq(Box<DlqCommand>),
    /// Look at checkpoints
    #[command(subcommand)]
    State(StateCommand),
    /// Build and look at plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
}

const RUN_HELP: &str =
    "SIGINT or SIGTERM stops after the batch at hand: what is written stays, open windows go into the checkpoint
if the file has [checkpoint]. A second signal ends the process at once.

Examples:
  weir run pipelines/retail.toml                                 until stopped
  weir run pipelines/retail.toml --until-end --report run.json   a backfill: to today's ends, every window closed

Exit codes:
  0  all well
  1  could not run, or stopped by an error
  2  the configuration is wrong
  3  ran, but a KPI was quarantined (its windows say `unavailable`)";

/// Where plugins are.
#[derive(Debug, ClapArgs)]
pub struct PluginPathArgs {
    /// Folder to look plugins up in, before WEIR_PLUGIN_PATH and `plugins/` beside the file; may be given several times
    #[arg(long = "plugin-path", value_name = "DIR")]
    pub plugin_path: Vec<PathBuf>,
}

/// `weir run`
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The pipeline file
    pub file: PathBuf,
    /// Stop at the offsets that are the ends now, and close every window
    #[arg(long)]
    pub until_end: bool,
    /// Write the ledger and the figures of the run as JSON, to FILE or `-`
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where plugins are
    #[command(flatten)]
    pub plugins: PluginPathArgs,
    /// Worker threads, in place of the file's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Rows of a batch at the most, in place of the file's; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_rows: Option<u32>,
    /// Also measure the processor time of each stage, for the report
    #[arg(long)]
    pub stages: bool,
    /// Let the saved state of a KPI go: it begins anew at the checkpoint's offsets, and its windows that have begun before are
    /// published as unavailable; may be given several times, '*' for all KPIs
    #[arg(long, value_name = "KPI")]
    pub discard_state: Vec<String>,
    /// Let go of rows that only the checkpoint holds, of a sink that the file no longer has: that sink never gets them; may be given
    /// several times
    #[arg(long, value_name = "SINK")]
    pub discard_rows: Vec<String>,
    /// Stop, as a signal would, once this many records were read
    #[arg(long, value_name = "RECORDS")]
    pub stop_after: Option<u64>,
    /// What to show meanwhile
    #[arg(long, value_enum, default_value_t = View::Auto)]
    pub view: View,
}

/// What to show during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// A live view on a terminal, plain lines elsewhere
    Auto,
    /// One line a second
    Plain,
    /// Nothing but the end
    Off,
}

/// `weir check`
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// The pipeline file
    pub file: PathBuf,
    /// Where plugins are
    #[command(flatten)]
    pub plugins: PluginPathArgs,
}

/// `weir state …`
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Show what a checkpoint holds: epoch, offsets, open windows, state of each KPI, sinks, ledger
    #[command(after_help = STATE_SHOW_HELP)]
    Show(StateShowArgs),
}

const STATE_SHOW_HELP: &str = "Changes nothing, and a pipeline may be running meanwhile.

Examples:
  weir state show checkpoint/retail                      a folder
  weir state show hdfs://namenode:9000/weir/retail       a folder in HDFS
  weir state show pipelines/retail.toml --lag            the pipeline's, and how far behind its topic it is
  weir state show checkpoint/retail --json | jq .kpis    for scripts";

/// `weir state show`
#[derive(Debug, ClapArgs)]
pub struct StateShowArgs {
    /// The checkpoint's folder, its address (hdfs://host:port/path), or a pipeline file
    #[arg(value_name = "DIR|URI|FILE")]
    pub place: String,
    /// Ask the pipeline's source for its ends, and show how far behind each partition is
    #[arg(long)]
    pub lag: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `weir plugin …`
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Build a guest crate into a component
    #[command(after_help = "Example:\n  weir plugin build plugins/sales --out pipelines/plugins")]
    Build(BuildArgs),
    /// Show what a component is, asks for, gives and costs
    #[command(after_help = "Example:\n  weir plugin inspect pipelines/plugins/sales.wasm")]
    Inspect(InspectArgs),
}

/// `weir plugin build`
#[derive(Debug, ClapArgs)]
pub struct BuildArgs {
    /// The crate's folder
    pub dir: PathBuf,
    /// Where the component goes, named after the crate; default: the current folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `weir plugin inspect`
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// The component
    pub file: PathBuf,
    /// An option as in the pipeline file, such as `scale=2` or `name="x"`; may be given several times
    #[arg(long = "option", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
}
