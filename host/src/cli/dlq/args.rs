//! What can be typed after `weir dlq`.

use crate::pipeline::replay::{DeadLetterKind, OffsetRange, Selection};
use clap::{ArgGroup, Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// `weir dlq …`
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// Show letters, count them, or print their records
    #[command(after_help = SHOW_HELP)]
    Show(ShowArgs),
    /// Feed records again, each once: into the pipeline's topic, another topic, or a file
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
}

const SHOW_HELP: &str = "Works on a file that is being written. A line that can't be read is told with its number.

Examples:
  weir dlq show out/dead.jsonl                                      a line a letter
  weir dlq show out/dead.jsonl --summary                            how many, by kind and reason
  weir dlq show out/dead.jsonl --kind undecodable --partition 3 --offset 100..200
  weir dlq show out/dead.jsonl --reason quantity --json > mend.jsonl  letters to mend by hand, for `replay --mended`
  weir dlq show out/dead.jsonl --values | head                      the records' bytes alone

Exit codes: 0 all well, 1 a file or line can't be read, 2 the command line is wrong.";

const REPLAY_HELP: &str = "All records of a call are fed in one transaction, each with the headers weir-replay-of, weir-replay-call and
weir-replay-sha256. FILE.replayed beside each file notes what was fed; another call leaves that out, also after a crash.

Examples:
  weir dlq replay out/dead.jsonl --pipeline retail.toml --dry-run           what would be fed
  weir dlq replay out/dead.jsonl --kind rejected --pipeline retail.toml     after a mend of the preprocessor
  weir dlq replay out/dead.jsonl --mended mend.jsonl --pipeline retail.toml
      only the records of mend.jsonl: lines {\"topic\":…,\"partition\":…,\"offset\":…,\"value\":…}, or letters with changed values
  weir dlq replay out/dead.jsonl --topic fixed --brokers kafka-1:9092 --property 'sasl.password=${KAFKA_PASSWORD}'
  weir dlq replay out/dead.jsonl --out in/again.jsonl                       for a pipeline that reads files

Late records are late again unless `allowed_lateness` is raised first.

Exit codes:
  0  all well
  1  a record or line was left out with a word why, or nothing could be fed
  2  the configuration or the command line is wrong";

/// Which letters are meant.
#[derive(Debug, ClapArgs)]
pub struct SelectArgs {
    /// Files of dead letters or late records
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// undecodable, future-dated, rejected or late; may be given several times
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<DeadLetterKind>,
    /// Those whose reason holds this text
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Those of this partition
    #[arg(long, value_name = "N")]
    pub partition: Option<u32>,
    /// Those of these offsets: 5..9 (without 9), 5.., ..9 or 5
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    pub offset: Option<OffsetRange>,
    /// Late records that this KPI refused
    #[arg(long, value_name = "NAME")]
    pub kpi: Option<String>,
    /// So many at the most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

impl SelectArgs {
    /// As filters, with the source that the letters have to come from.
    pub fn selection(&self, topic: Option<&String>) -> Selection {
        Selection {
            kinds: self.kind.clone(),
            reason: self.reason.clone(),
            topic: topic.cloned(),
            partition: self.partition,
            offsets: self.offset,
            kpi: self.kpi.clone(),
        }
    }
}

/// `weir dlq show`
#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("form").args(["summary", "values", "json"]))]
pub struct ShowArgs {
    /// Which letters
    #[command(flatten)]
    pub select: SelectArgs,
    /// Those from this topic, or from this file as the letters name it
    #[arg(long, visible_alias = "from-topic", value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Counts by kind and reason
    #[arg(long)]
    pub summary: bool,
    /// The records' bytes, one a line
    #[arg(long)]
    pub values: bool,
    /// The letters as they stand in the file
    #[arg(long)]
    pub json: bool,
}

/// `weir dlq replay`
#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("whither").args(["pipeline", "topic", "out"]).required(true))]
pub struct ReplayArgs {
    /// Which letters
    #[command(flatten)]
    pub select: SelectArgs,
    /// Those from this topic, or from this file as the letters name it
    #[arg(long, value_name = "TOPIC")]
    pub from_topic: Option<String>,
    /// Into the topic that this pipeline reads
    #[arg(long, value_name = "FILE")]
    pub pipeline: Option<PathBuf>,
    /// Into this topic
    #[arg(long, value_name = "TOPIC", requires = "brokers")]
    pub topic: Option<String>,
    /// Into this new file, one record a line
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the topic is; with `--out`, where records are that their letters hold in part
    #[arg(long, value_name = "HOST:PORT,…", conflicts_with = "pipeline")]
    pub brokers: Option<String>,
    /// A librdkafka property; `${NAME}` in it is taken from the environment. May be given several times
    #[arg(long = "property", value_name = "NAME=VALUE", requires = "brokers")]
    pub properties: Vec<String>,
    /// Feed these records in place of the letters', and no others
    #[arg(long, value_name = "FILE")]
    pub mended: Option<PathBuf>,
    /// Also late records that other KPIs or windows have counted: those may count them twice
    #[arg(long)]
    pub partly_counted: bool,
    /// Tell what would be fed, and feed nothing
    #[arg(long)]
    pub dry_run: bool,
}
