//! Makes the sinks of a plan; touches nothing outside (`recover` does).

use super::job::{OpenKpi, OpenSink};
use crate::config::plan::{SinkKind, SinkPlan};
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::redis::{self, RedisSettings};
use crate::sink::{KpiSchema, Sink, SinkError};

/// The sink of a `[[sink]]`, with the KPIs that it takes.
pub(super) fn open(plan: &SinkPlan, pipeline: &str, kpis: &[OpenKpi]) -> Result<OpenSink, SinkError> {
    let takes: Vec<bool> = kpis.iter().map(|kpi| plan.kpis.contains(&kpi.name)).collect();
    let schemas = kpis.iter().filter(|kpi| plan.kpis.contains(&kpi.name)).map(|kpi| kpi.schema.clone()).collect();
    Ok(OpenSink { name: plan.name.clone(), sink: sink(plan, pipeline, schemas)?, takes })
}

fn sink(plan: &SinkPlan, pipeline: &str, kpis: Vec<KpiSchema>) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match &plan.kind {
        SinkKind::JsonFiles { path, interval_us } => {
            Box::new(JsonFiles::new(JsonFilesSettings { path: path.clone(), interval_us: *interval_us }, kpis)?)
        }
        SinkKind::Redis { url, prefix, history_windows_max, backlog_bytes_max } => {
            let settings = RedisSettings {
                url: url.0.clone(),
                prefix: prefix.clone(),
                sink: plan.name.clone(),
                pipeline: pipeline.to_owned(),
                history_windows_max: *history_windows_max,
                backlog_bytes_max: *backlog_bytes_max,
            };
            Box::new(redis::open(&settings, &kpis)?)
        }
        SinkKind::Hdfs { .. } | SinkKind::Kafka { .. } | SinkKind::Postgres { .. } => {
            return Err(SinkError::Refused {
                place: format!("{pipeline}/{}", plan.name),
                reason: "not there yet".into(),
            });
        }
    })
}
