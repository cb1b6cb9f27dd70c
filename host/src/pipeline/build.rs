//! From a plan to a job: opens the plugins and the source, connects the columns, makes the sinks. Every problem that lies in the
//! pipeline file is told with its place in it, all at once.

use super::chain::{self, Chain};
use super::clock;
use super::identity::{KpiIdentity, PluginIdentity};
use super::job::{CheckpointFolder, Instances, Job, OpenKpi, OpenPreprocessor, OpenSink};
use super::resolve::PluginFolders;
use super::sinks;
use super::start::LET_GO_WAIT;
use super::storage;
use super::translate::{generator_settings, kafka_settings, limits, settings, timestamp_form};
use crate::checkpoint::CheckpointError;
use crate::config::plan::{ClientPlan, KpiPlan, Plan, PluginPlan, SourcePlan, WindowPlan};
use crate::config::{Problem, Problems};
use crate::decode::{DecodeField, DecodeSchema, Decoder};
use crate::plugin::{Cache, CompileLimits, CompileMode, Host, Plugin, Setting};
use crate::sink::{KpiSchema, SinkError};
use crate::source::file::{FileSettings, FileSource};
use crate::source::generator::GeneratorSource;
use crate::source::kafka;
use crate::source::{Source, SourceError};
use crate::telemetry::failpoint;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use weir_core::plan::{FoldPlan, Grouping, PlanError};
use weir_core::plugin::{KpiDescription, PreprocessorDescription};
use weir_core::time::TimeRules;
use weir_core::window::{Windowing, WindowingError};

/// What the command line adds to a plan.
#[derive(Debug, Clone, Default)]
pub struct PrepareOptions {
    /// Folders to look plugins up in, first of all.
    pub plugin_path: Vec<PathBuf>,
    /// Worker threads, in place of the file's.
    pub workers: Option<usize>,
    /// Rows of a batch at the most, in place of the file's.
    pub batch_rows_max: Option<usize>,
}

/// Why a plan can't become a job.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The pipeline file is wrong, told with places.
    #[error("{0}")]
    Problems(Problems),
    /// The source can't be opened.
    #[error("source: {0}")]
    Source(#[from] SourceError),
    /// A sink can't be made.
    #[error("sink: {0}")]
    Sink(#[from] SinkError),
    /// The checkpoint folder can't be used.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The program can't find itself, which compiles plugins in a child process.
    #[error("this program can't be started again to compile plugins: {0}")]
    Executable(#[from] std::io::Error),
    /// The plan of windows and groups does not hold together.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// A plan whose plugins are open and whose columns are connected; nothing outside was touched but the plugins' files.
pub struct Checked {
    plan: Plan,
    chain: Chain,
    fold: FoldPlan,
    grouping_keys: Vec<Vec<usize>>,
    preprocessors: Vec<OpenPreprocessor>,
    pub(super) kpis: Vec<OpenKpi>,
}

/// Opens the plugins and connects the columns.
pub fn check(mut plan: Plan, options: &PrepareOptions) -> Result<Checked, PrepareError> {
    plan.workers = options.workers.unwrap_or(plan.workers);
    plan.batch_rows_max = options.batch_rows_max.unwrap_or(plan.batch_rows_max);
    let mut opener = Opener::new(&plan, options)?;
    let steps: Vec<_> = plan.preprocess.iter().map(|step| opener.preprocessor(step)).collect();
    let kpis: Vec<_> = plan.kpis.iter().map(|kpi| opener.kpi(&kpi.plugin)).collect();
    let step_descriptions: Vec<_> =
        steps.iter().map(|step| step.as_ref().map(|open| open.description.clone())).collect();
    let kpi_descriptions: Vec<_> =
        kpis.iter().map(|kpi| kpi.as_ref().map(|opened| opened.description.clone())).collect();
    let mut problems = opener.problems;
    problems.extend(schema_problems(&plan));
    problems.extend(property_problems(&plan));
    problems.extend(plan.sinks.iter().flat_map(sinks::property_problems));
    let kpis = kpis.into_iter().flatten().collect();
    connect(plan, steps.into_iter().flatten().collect(), kpis, (&step_descriptions, &kpi_descriptions), problems)
}

/// Descriptions of preprocessors and KPIs, `None` where one could not be opened.
type Descriptions<'a> = (&'a [Option<PreprocessorDescription>], &'a [Option<KpiDescription>]);

/// Connects the columns of what was opened; the problems that there are already are told with what does not fit.
pub(super) fn connect(
    plan: Plan,
    preprocessors: Vec<OpenPreprocessor>,
    kpis: Vec<OpenedKpi>,
    descriptions: Descriptions<'_>,
    mut problems: Vec<Problem>,
) -> Result<Checked, PrepareError> {
    let chain = match chain::connect(&plan, descriptions.0, descriptions.1) {
        Ok(chain) if problems.is_empty() => chain,
        Ok(_) => return Err(PrepareError::Problems(Problems::new(plan.file, problems))),
        Err(more) => {
            problems.extend(more);
            return Err(PrepareError::Problems(Problems::new(plan.file, problems)));
        }
    };
    let open_kpis = plan.kpis.iter().zip(kpis).enumerate();
    let kpis = open_kpis.map(|(place, (kpi, open))| open_kpi(kpi, place, open, &chain)).collect();
    let (fold, grouping_keys) = fold_plan(&plan, &chain)?;
    Ok(Checked { fold, grouping_keys, chain, preprocessors, kpis, plan })
}

/// Opens the plugins, connects the columns, then opens the source, the sinks and the checkpoint folder.
pub fn prepare(plan: Plan, options: &PrepareOptions, until_end: bool) -> Result<Job, PrepareError> {
    check(plan, options)?.open(until_end)
}

impl Checked {
    /// What the pipeline will do, in short.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!("{}: no problems", self.plan.file.name)];
        for step in &self.preprocessors {
            let about = &step.description;
            lines.push(format!("  preprocess  {} {} sha256:{}", about.name, about.version, step.plugin.digest()));
        }
        for kpi in &self.kpis {
            let about = &kpi.description;
            lines.push(format!(
                "  kpi         {}: {} {} sha256:{}",
                kpi.name, about.name, about.version, kpi.identity.plugin.digest
            ));
        }
        lines.join("\n")
    }

    fn open(self, until_end: bool) -> Result<Job, PrepareError> {
        let (plan, kpis) = (&self.plan, &self.kpis);
        failpoint!("plugins-open");
        let source = source(plan, until_end)?;
        // One that was shut out notices with its next checkpoint.
        let older_run_wait =
            plan.checkpoint.as_ref().map_or(Duration::ZERO, |checkpoint| checkpoint.interval) + LET_GO_WAIT;
        let sinks = plan
            .sinks
            .iter()
            .map(|sink| sinks::open(sink, &plan.name, kpis, older_run_wait))
            .collect::<Result<_, _>>()?;
        let checkpoint = match &plan.checkpoint {
            Some(checkpoint) => {
                let (storage, path) = storage::open(&checkpoint.folder)?;
                let floor = clock::now_us().max(0).unsigned_abs() / 1_000;
                Some(CheckpointFolder { storage, path, interval: checkpoint.interval, floor })
            }
            None => None,
        };
        Ok(self.job(source, sinks, checkpoint))
    }

    /// The job over these outside systems.
    pub(super) fn job(
        self,
        source: Arc<dyn Source>,
        sinks: Vec<OpenSink>,
        checkpoint: Option<CheckpointFolder>,
    ) -> Job {
        let Self { plan, chain, fold, grouping_keys, preprocessors, kpis } = self;
        let decode = decode_schema(&plan, &chain.asked);
        Job { plan, source, chain, decode, fold: Arc::new(fold), grouping_keys, preprocessors, kpis, sinks, checkpoint }
    }
}

/// For each partition of a plan's source, where it ends now; nothing is read.
pub fn source_ends(plan: &Plan) -> Result<Vec<Option<i64>>, SourceError> {
    Ok(source(plan, true)?.partitions().iter().map(|partition| partition.end).collect())
}

/// What opens plugins: it compiles in a child of this program and keeps compiled code in the user's cache.
pub fn plugin_host() -> std::io::Result<Host> {
    let mode = CompileMode::ChildProcess { exe: std::env::current_exe()?, limits: CompileLimits::default() };
    Ok(Host::new(mode, Cache::from_env()))
}

/// Opens plugins and gathers what is wrong with them.
struct Opener {
    host: Host,
    folders: PluginFolders,
    problems: Vec<Problem>,
}

/// A plugin and its options.
type Opened = (Arc<Plugin>, Vec<(String, Setting)>);

/// A KPI's code.
pub(super) struct OpenedKpi {
    pub instance: Instances,
    /// SHA-256 of the component.
    pub digest: String,
    pub description: KpiDescription,
}

impl Opener {
    fn new(plan: &Plan, options: &PrepareOptions) -> Result<Self, PrepareError> {
        let variable = std::env::var("WEIR_PLUGIN_PATH").ok();
        let folders = PluginFolders::new(&options.plugin_path, variable.as_deref(), &plan.folder);
        Ok(Self { host: plugin_host()?, folders, problems: Vec::new() })
    }

    fn problem<T>(&mut self, plugin: &PluginPlan, message: String, help: Option<String>) -> Option<T> {
        let problem = Problem::new(plugin.place.clone(), message);
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
        None
    }

    fn open(&mut self, plugin: &PluginPlan) -> Option<Opened> {
        let found = match self.folders.find(&plugin.reference) {
            Ok(found) => found,
            Err((message, help)) => return self.problem(plugin, message, Some(help)),
        };
        let label =
            found.path.file_stem().map_or_else(|| plugin.plugin.clone(), |stem| stem.to_string_lossy().into_owned());
        let opened = match self.host.open_file(&label, &found.path, limits(&plugin.limits)) {
            Ok(opened) => opened,
            Err(error) => {
                let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
                return self.problem(plugin, format!("{error}{cause}"), None);
            }
        };
        let digest = opened.digest().to_string();
        if found.digest.as_ref().is_some_and(|pinned| *pinned != digest) {
            let help = format!(
                "the file at `{}` has sha256:{digest}; pin that, or bring back the pinned build",
                found.path.display()
            );
            return self.problem(plugin, format!("plugin `{label}` is not the one that is pinned"), Some(help));
        }
        Some((Arc::new(opened), settings(&plugin.options)))
    }

    fn preprocessor(&mut self, step: &PluginPlan) -> Option<OpenPreprocessor> {
        let (plugin, settings) = self.open(step)?;
        let description: PreprocessorDescription = match plugin.describe_preprocessor(&settings) {
            Ok(description) => description,
            Err(error) => return self.refused(step, &error),
        };
        if let Err(error) = plugin.preprocessor(&settings) {
            return self.refused(step, &error);
        }
        Some(OpenPreprocessor { plugin, settings, description })
    }

    fn kpi(&mut self, kpi: &PluginPlan) -> Option<OpenedKpi> {
        let (plugin, settings) = self.open(kpi)?;
        // An instance is made too: what refuses to start is a problem of the file, not of the run.
        match plugin.describe_kpi(&settings).and_then(|description| Ok((description, plugin.kpi(&settings)?))) {
            Ok((description, _)) => Some(OpenedKpi {
                digest: plugin.digest().to_string(),
                instance: Box::new(move || plugin.kpi(&settings)),
                description,
            }),
            Err(error) => self.refused(kpi, &error),
        }
    }

    fn refused<T>(&mut self, plugin: &PluginPlan, error: &dyn std::error::Error) -> Option<T> {
        self.problems.push(Problem::new(plugin.options_place.clone(), error.to_string()));
        None
    }
}

fn open_kpi(kpi: &KpiPlan, place: usize, opened: OpenedKpi, chain: &Chain) -> OpenKpi {
    let OpenedKpi { instance, digest, description } = opened;
    let columns = &chain.kpis[place];
    let outputs = columns.outputs.iter().map(|&output| (output, description.outputs[output].clone())).collect();
    let schema = KpiSchema { name: kpi.name.clone(), kpi: place, keys: columns.key_fields.clone(), outputs };
    let identity = KpiIdentity {
        name: kpi.name.clone(),
        plugin: PluginIdentity {
            name: description.name.clone(),
            digest,
            state_version: description.state_version,
            options: format!("{:?}", kpi.plugin.options),
        },
        window: kpi.window.to_string(),
        by: kpi.by.iter().map(|(path, _)| path.to_string()).collect(),
    };
    OpenKpi { name: kpi.name.clone(), instance, description, schema, identity }
}

/// KPIs with the same windows and the same group key share a grouping.
fn fold_plan(plan: &Plan, chain: &Chain) -> Result<(FoldPlan, Vec<Vec<usize>>), PrepareError> {
    let mut groupings: Vec<(WindowPlan, Vec<usize>)> = Vec::new();
    let mut of_kpi = Vec::new();
    let mut planned = Vec::new();
    let mut problems = Vec::new();
    for (kpi, columns) in plan.kpis.iter().zip(&chain.kpis) {
        let windowing = match windowing(kpi.window) {
            Ok(windowing) => windowing,
            Err(error) => {
                problems.push(Problem::new(kpi.name_place.clone(), format!("window of KPI `{}`: {error}", kpi.name)));
                continue;
            }
        };
        let wanted = (kpi.window, columns.keys.clone());
        let place = groupings.iter().position(|known| *known == wanted).unwrap_or(groupings.len());
        of_kpi.push(place);
        if place == groupings.len() {
            let key_types = columns.key_fields.iter().map(|field| field.column_type.scalar()).collect();
            planned.push(Grouping { windowing, key_types });
            groupings.push(wanted);
        }
    }
    if !problems.is_empty() {
        return Err(PrepareError::Problems(Problems::new(plan.file.clone(), problems)));
    }
    let rules = TimeRules {
        max_out_of_orderness_us: plan.time.max_out_of_orderness_us,
        allowed_lateness_us: plan.time.allowed_lateness_us,
        max_time_jump_us: plan.time.max_time_jump_us,
        max_future_skew_us: plan.time.max_future_skew_us,
    };
    Ok((FoldPlan::new(rules, planned, of_kpi)?, groupings.into_iter().map(|(_, keys)| keys).collect()))
}

fn windowing(window: WindowPlan) -> Result<Windowing, WindowingError> {
    match window {
        WindowPlan::Tumbling { size_us } => Windowing::tumbling(size_us),
        WindowPlan::Hopping { size_us, hop_us } => Windowing::hopping(size_us, hop_us),
    }
}

/// What the decoder has against the declared fields, also those that nobody asks for yet.
fn schema_problems(plan: &Plan) -> Vec<Problem> {
    let all: Vec<usize> = (0..plan.schema.fields.len()).collect();
    match Decoder::new(&decode_schema(plan, &all)) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .problems
            .into_iter()
            .map(|problem| Problem::new(plan.schema.fields[problem.field].place.clone(), problem.message))
            .collect(),
    }
}

/// Kafka properties that the client of the plan can't do.
fn property_problems(plan: &Plan) -> Vec<Problem> {
    let SourcePlan::Kafka(topic) = &plan.source else { return Vec::new() };
    if topic.client != ClientPlan::Native {
        return Vec::new();
    }
    let problem = |unfit: kafka::native::Unfit| {
        let place = topic.property_places.get(&unfit.name).unwrap_or(&topic.topic_place);
        Problem::new(place.clone(), unfit.reason)
    };
    kafka::native::unfit(&topic.properties.0).into_iter().map(problem).collect()
}

fn decode_schema(plan: &Plan, asked: &[usize]) -> DecodeSchema {
    let field = |&place: &usize| {
        let field = &plan.schema.fields[place];
        DecodeField {
            path: field.path.clone(),
            column_type: field.column_type,
            timestamp: field.timestamp.as_ref().map(timestamp_form),
            required: field.required || field.path == plan.time.column,
        }
    };
    DecodeSchema {
        fields: asked.iter().map(field).collect(),
        depth_max: plan.schema.depth_max,
        record_bytes_max: plan.schema.record_bytes_max,
        list_elements_max: plan.schema.list_elements_max,
    }
}

fn source(plan: &Plan, until_end: bool) -> Result<Arc<dyn Source>, SourceError> {
    Ok(match &plan.source {
        SourcePlan::Kafka(topic) => kafka::connect(&kafka_settings(topic, &plan.name, until_end))?,
        SourcePlan::File { files, rate } => Arc::new(FileSource::open(FileSettings {
            files: files.iter().map(|(file, _)| file.clone()).collect(),
            rate: *rate,
            line_bytes_max: plan.schema.record_bytes_max.max(crate::source::file::LINE_BYTES_MAX),
            clock: clock::now_us,
        })?),
        SourcePlan::Generator(generator) => Arc::new(GeneratorSource::open(&generator_settings(generator))?),
    })
}
