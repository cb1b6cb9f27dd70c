//! A job: a plan whose plugins are open and whose columns are connected. What every thread of a run shares stands in `Shared`.

use super::chain::Chain;
use super::identity::{Identity, KpiIdentity, PluginIdentity};
use super::progress::Total;
use super::run::RunError;
use crate::config::plan::{Plan, SourcePlan, StartPlan};
use crate::decode::{DecodeField, DecodeSchema};
use crate::plugin::{Plugin, Setting, UseError};
use crate::sink::{KpiSchema, Sink};
use crate::source::{Partition, Source};
use crate::storage::Storage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use weir_core::plan::FoldPlan;
use weir_core::plugin::{Kpi, KpiDescription, PreprocessorDescription};

/// Ready to run.
pub struct Job {
    pub(super) plan: Plan,
    pub(super) source: Arc<dyn Source>,
    pub(super) chain: Chain,
    pub(super) decode: DecodeSchema,
    pub(super) fold: Arc<FoldPlan>,
    /// For each grouping, its key columns' places in a batch.
    pub(super) grouping_keys: Vec<Vec<usize>>,
    pub(super) preprocessors: Vec<OpenPreprocessor>,
    pub(super) kpis: Vec<OpenKpi>,
    pub(super) sinks: Vec<OpenSink>,
    /// Not claimed yet.
    pub(super) checkpoint: Option<CheckpointFolder>,
}

/// Where the checkpoint is kept.
pub(super) struct CheckpointFolder {
    pub storage: Arc<dyn Storage>,
    pub path: PathBuf,
    /// Time between epochs.
    pub interval: Duration,
    /// The least generation of a claim: milliseconds since the epoch.
    pub floor: u64,
}

/// A preprocessing step.
pub(super) struct OpenPreprocessor {
    pub plugin: Arc<Plugin>,
    pub settings: Vec<(String, Setting)>,
    pub description: PreprocessorDescription,
}

/// A KPI.
pub(super) struct OpenKpi {
    pub name: String,
    /// Makes an instance, for a worker or the closer.
    pub instance: Instances,
    pub description: KpiDescription,
    pub schema: KpiSchema,
    /// What makes its state what it is.
    pub identity: KpiIdentity,
}

/// Makes instances of a KPI: a plugin with its options.
pub(super) type Instances = Box<dyn Fn() -> Result<Box<dyn Kpi>, UseError> + Send + Sync>;

/// A sink and the KPIs that it takes.
pub(super) struct OpenSink {
    /// What checkpoints know it by.
    pub name: String,
    pub sink: Box<dyn Sink>,
    /// For each KPI of the file, whether it takes its rows.
    pub takes: Vec<bool>,
}

/// Where a run's output is, for people.
#[derive(Debug, Clone)]
pub struct Places {
    /// One a sink.
    pub sinks: Vec<String>,
    /// The dead-letter file.
    pub dead_letters: PathBuf,
    /// The late-record file.
    pub late: PathBuf,
}

impl OpenSink {
    /// Its place, where that and not its name says which it is.
    pub fn known_place(&self) -> Option<String> {
        self.sink.known_by_place().then(|| self.sink.place())
    }
}

impl Job {
    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The KPIs' names, in file order.
    pub fn kpi_names(&self) -> Vec<String> {
        self.kpis.iter().map(|kpi| kpi.name.clone()).collect()
    }

    /// How many KPIs.
    pub fn kpi_count(&self) -> usize {
        self.kpis.len()
    }

    /// How many partitions the source has.
    pub fn partitions(&self) -> usize {
        self.source.partitions().len()
    }

    /// One name per plugin instance of a worker: preprocessors, then KPIs; as in the report.
    pub fn plugin_names(&self) -> Vec<String> {
        let steps = self
            .preprocessors
            .iter()
            .enumerate()
            .map(|(at, step)| format!("preprocess[{at}] {}", step.description.name));
        steps.chain(self.kpis.iter().map(|kpi| format!("kpi {}", kpi.name))).collect()
    }

    /// Where the output goes.
    pub fn places(&self) -> Places {
        Places {
            sinks: self.sinks.iter().map(|open| open.sink.place()).collect(),
            dead_letters: self.plan.dead_letters.clone(),
            late: self.plan.late.clone(),
        }
    }

    /// How much there is to read, where the source can say so.
    pub fn total(&self) -> Total {
        let partitions = self.source.partitions();
        let sum = |of: fn(&Partition) -> Option<u64>| partitions.iter().map(of).sum::<Option<u64>>();
        match (sum(|partition| partition.records), sum(|partition| partition.bytes)) {
            (Some(records), _) => Total::Records(records),
            (None, Some(bytes)) => Total::Bytes(bytes),
            (None, None) => Total::Unknown,
        }
    }

    /// The KPIs of a grouping, by place.
    pub(super) fn kpis_of(&self, grouping: usize) -> Vec<usize> {
        self.fold.kpis().iter().enumerate().filter(|(_, of)| **of == grouping).map(|(kpi, _)| kpi).collect()
    }

    /// Whether a run without a checkpoint to go on from is wanted.
    pub(super) fn may_begin(&self) -> Result<(), RunError> {
        let (SourcePlan::Kafka(topic), Some(checkpoint)) = (&self.plan.source, &self.plan.checkpoint) else {
            return Ok(());
        };
        if topic.start != StartPlan::Checkpoint {
            return Ok(());
        }
        Err(RunError::NoCheckpoint(format!(
            "{} holds none, and [source] start = \"checkpoint\" begins nowhere else; for a first start set `start` to \"earliest\", \
             \"latest\" or a timestamp, otherwise look whether the folder is the right one",
            checkpoint.folder
        )))
    }

    /// What shapes the numbers, for a checkpoint.
    pub(super) fn identity(&self) -> Identity {
        let step = |step: &OpenPreprocessor| PluginIdentity {
            name: step.description.name.clone(),
            digest: step.plugin.digest().to_string(),
            state_version: 0,
            options: format!("{:?}", step.settings),
        };
        let field = |field: &DecodeField| {
            let form = field.timestamp.as_ref().map(|form| format!(" {form:?}")).unwrap_or_default();
            (
                field.path.to_string(),
                format!("{}{form}{}", field.column_type, if field.required { ", required" } else { "" }),
            )
        };
        Identity {
            preprocessors: self.preprocessors.iter().map(step).collect(),
            fields: self.decode.fields.iter().map(field).collect(),
            time: format!("column {}, {:?}", self.plan.time.column, self.fold.rules()),
            kpis: self.kpis.iter().map(|kpi| kpi.identity.clone()).collect(),
        }
    }
}
