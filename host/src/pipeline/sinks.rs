//! Makes the sinks of a plan; touches nothing outside (`recover` does).

use super::job::{OpenKpi, OpenSink};
use crate::config::plan::{SinkKind, SinkPlan};
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::postgres::{self, PostgresSettings};
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
        SinkKind::Postgres { url, schema, backlog_bytes_max } => {
            let settings = PostgresSettings {
                pipeline: pipeline.to_owned(),
                sink: plan.name.clone(),
                url: url.0.clone(),
                schema: schema.clone(),
                backlog_bytes_max: *backlog_bytes_max,
            };
            Box::new(postgres::open(&settings, &kpis)?)
        }
        SinkKind::Hdfs { .. } | SinkKind::Kafka { .. } | SinkKind::Redis { .. } => {
            return Err(SinkError::Refused {
                place: format!("{pipeline}/{}", plan.name),
                reason: "not there yet".into(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tables;
    use crate::sink::postgres;

    /// The file is checked before there is a sink, in a room that knows none.
    #[test]
    fn the_file_and_the_sink_agree_on_names_that_are_taken() {
        assert_eq!(tables::OWN_COLUMNS, postgres::OWN_COLUMNS);
        assert_eq!(tables::OWN_TABLES.map(|name| name.replace('-', "_")), postgres::OWN_TABLES);
    }
}
