//! The peers by name, and the command that runs each on a topic. What they are and how they are tuned: `bench/peers/README.md`.

use super::{folder, tools};
use crate::command::{root, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that reads the topic and is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub name: &'static str,
    pub kind: Kind,
    /// For people.
    pub tells: &'static str,
}

/// How a peer is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Weir with a file of `bench/pipelines`.
    Weir(&'static str),
    Floor,
    /// The shape of the job.
    Flink(&'static str),
    /// The shape of the job.
    Streams(&'static str),
    Spark,
}

/// All, in the order in which they take turns. The first is the one whose rows the others are compared with; those of Weir always run.
pub const PEERS: [Peer; 9] = [
    Peer { name: "weir", kind: Kind::Weir("retail.toml"), tells: "Weir, its own Kafka client" },
    Peer { name: "weir-librdkafka", kind: Kind::Weir("retail-librdkafka.toml"), tells: "Weir through librdkafka" },
    Peer { name: "weir-ten", kind: Kind::Weir("ten-kpis.toml"), tells: "Weir, ten KPIs in place of two" },
    Peer { name: "floor", kind: Kind::Floor, tells: "librdkafka: poll and drop, nothing else" },
    Peer { name: "flink-local", kind: Kind::Flink("local"), tells: "Flink, sums on the heap before the shuffle" },
    Peer { name: "flink-plain", kind: Kind::Flink("plain"), tells: "Flink, every event through keyBy" },
    Peer { name: "kstreams-local", kind: Kind::Streams("local"), tells: "Kafka Streams, Processor API by hand" },
    Peer { name: "kstreams-dsl", kind: Kind::Streams("dsl"), tells: "Kafka Streams, DSL, as documented" },
    Peer { name: "spark-once", kind: Kind::Spark, tells: "Spark Structured Streaming, native SQL, one query" },
];

impl Peer {
    /// Those that `--peers` names (`all`, or names with commas), and Weir's.
    pub fn chosen(names: &str) -> Result<Vec<Peer>, String> {
        let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(unknown) =
            names.iter().find(|name| **name != "all" && !PEERS.iter().any(|peer| peer.name == **name))
        {
            let known: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
            return Err(format!("there is no peer `{unknown}`; there are {}", known.join(", ")));
        }
        let is_chosen =
            |peer: &&Peer| matches!(peer.kind, Kind::Weir(_)) || names.contains(&"all") || names.contains(&peer.name);
        Ok(PEERS.iter().filter(is_chosen).copied().collect())
    }

    /// The folders of its rows over all and by country.
    pub fn rows(&self, out: &Path) -> Option<[PathBuf; 2]> {
        match self.kind {
            Kind::Weir(_) => Some([out.join("sales"), out.join("sales-by-country")]),
            Kind::Floor => None,
            Kind::Flink(_) | Kind::Streams(_) | Kind::Spark => Some([out.join("global"), out.join("country")]),
        }
    }
}

/// Where a run reads from and writes to.
pub struct Site<'a> {
    pub brokers: &'a str,
    pub topic: &'a str,
    pub out: &'a Path,
    /// What nobody was called before: Kafka Streams goes on where a program of the same name stopped.
    pub app: &'a str,
    /// Memory of a Java process.
    pub heap: &'a str,
}

impl Site<'_> {
    /// The peer under `measure.py`.
    pub fn measured(&self, peer: Peer) -> Command {
        let mut command = Command::new("python3");
        command.arg(root().join("bench/peers/measure.py")).arg(self.out.join("log")).current_dir(root());
        match peer.kind {
            Kind::Weir(file) => self.weir(&mut command, file),
            Kind::Floor => {
                command.arg(target().join("release/examples/poll_and_drop")).args([self.brokers, self.topic]);
            }
            Kind::Flink(shape) => self.flink(&mut command, shape),
            Kind::Streams(shape) => self.streams(&mut command, shape),
            Kind::Spark => self.spark(&mut command),
        }
        command
    }

    fn weir(&self, command: &mut Command, file: &str) {
        command.arg(target().join("release/weir"));
        command.args(["--log", "warn", "run", &format!("bench/pipelines/{file}"), "--until-end", "--view", "off"]);
        command.args(["--plugin-path", "pipelines/plugins", "--report"]).arg(self.report());
        command.env("KAFKA_BROKERS", self.brokers).env("KAFKA_TOPIC", self.topic).env("WEIR_BENCH_OUT", self.out);
        command.env("WEIR_CACHE_DIR", folder().join("cache"));
    }

    /// Where Weir's report goes.
    pub fn report(&self) -> PathBuf {
        self.out.join("report.json")
    }

    fn flink(&self, command: &mut Command, shape: &str) {
        self.java(command, "flink");
        command.args(["peers.FlinkJob", self.brokers, self.topic]).arg(self.out).arg(shape);
    }

    fn streams(&self, command: &mut Command, shape: &str) {
        self.java(command, "kstreams");
        command.args(["peers.StreamsJob", self.brokers, self.topic, self.app]).arg(self.out.join("state")).arg(shape);
    }

    /// Kafka Streams writes its rows to topics: copies them to files and deletes the topics, unmeasured.
    pub fn take_rows(&self) -> Command {
        let mut java = Command::new("java");
        java.arg("-cp").arg(tools::class_path("kstreams")).arg("peers.TakeRows");
        java.args([self.brokers, self.app]).arg(self.out).current_dir(root());
        java
    }

    fn java(&self, command: &mut Command, module: &str) {
        command.args(["java", &format!("-Xms{}", self.heap), &format!("-Xmx{}", self.heap), "-XX:+UseParallelGC"]);
        // Flink's POJO serializers look into these.
        command.args(["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"]);
        command.arg("-cp").arg(tools::class_path(module));
    }

    fn spark(&self, command: &mut Command) {
        command.arg(tools::python()).arg(root().join("bench/peers/spark/spark_job.py"));
        command.args([self.brokers, self.topic]).arg(self.out).arg(root().join("bench/peers/spark/target/lib"));
        command.arg(self.heap);
    }
}
