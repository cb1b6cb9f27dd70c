//! Makes the sinks of a plan; touches nothing outside (`recover` does).

use super::job::{OpenKpi, OpenSink};
use crate::config::plan::{SinkKind, SinkPlan};
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::{KpiSchema, Sink, SinkError};
use crate::storage::hdfs::Hdfs;
use crate::storage::local::Local;
use std::sync::Arc;

/// The sink of a `[[sink]]`, with the KPIs that it takes.
pub(super) fn open(plan: &SinkPlan, pipeline: &str, kpis: &[OpenKpi]) -> Result<OpenSink, SinkError> {
    let takes: Vec<bool> = kpis.iter().map(|kpi| plan.kpis.contains(&kpi.name)).collect();
    let schemas = kpis.iter().filter(|kpi| plan.kpis.contains(&kpi.name)).map(|kpi| kpi.schema.clone()).collect();
    Ok(OpenSink { name: plan.name.clone(), sink: sink(plan, pipeline, schemas)?, takes })
}

fn sink(plan: &SinkPlan, pipeline: &str, kpis: Vec<KpiSchema>) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match &plan.kind {
        SinkKind::JsonFiles { path, interval_us } => {
            let (path, interval_us) = (path.clone(), *interval_us);
            let settings = JsonFilesSettings { storage: Arc::new(Local), path, interval_us, locks: true };
            Box::new(JsonFiles::new(settings, kpis)?)
        }
        SinkKind::Hdfs { url, path, interval_us, properties } => {
            let storage =
                Hdfs::new(url, properties).map_err(|source| SinkError::Io { place: format!("{url}{path}"), source })?;
            let (path, interval_us) = (path.into(), *interval_us);
            let settings = JsonFilesSettings { storage: Arc::new(storage), path, interval_us, locks: false };
            Box::new(JsonFiles::new(settings, kpis)?)
        }
        SinkKind::Kafka { .. } | SinkKind::Postgres { .. } | SinkKind::Redis { .. } => {
            return Err(SinkError::Refused {
                place: format!("{pipeline}/{}", plan.name),
                reason: "not there yet".into(),
            });
        }
    })
}
