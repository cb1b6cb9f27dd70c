//! Makes the sinks of a plan; touches nothing outside (`recover` does).

use super::job::{OpenKpi, OpenSink};
use crate::config::Problem;
use crate::config::plan::{Properties, SinkKind, SinkPlan};
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::kafka::KafkaTopic;
use crate::sink::kafka::destination::{KafkaDestination, KafkaSinkSettings};
use crate::sink::kafka::producer::Producer;
use crate::sink::kafka::rows::Messages;
use crate::sink::outbox::Outbox;
use crate::sink::postgres::{self, PostgresSettings};
use crate::sink::redis::{self, RedisSettings};
use crate::sink::{KpiSchema, Sink, SinkError};
use crate::storage::hdfs::Hdfs;
use crate::storage::local::Local;
use std::sync::Arc;
use std::time::Duration;

/// The sink of a `[[sink]]`, with the KPIs that it takes. `older_run_wait`: for an older run to notice that it was shut out, and to end.
pub(super) fn open(
    plan: &SinkPlan,
    pipeline: &str,
    kpis: &[OpenKpi],
    older_run_wait: Duration,
) -> Result<OpenSink, SinkError> {
    let takes: Vec<bool> = kpis.iter().map(|kpi| plan.kpis.contains(&kpi.name)).collect();
    let schemas = kpis.iter().filter(|kpi| plan.kpis.contains(&kpi.name)).map(|kpi| kpi.schema.clone()).collect();
    Ok(OpenSink { name: plan.name.clone(), sink: sink(plan, pipeline, schemas, older_run_wait)?, takes })
}

fn sink(
    plan: &SinkPlan,
    pipeline: &str,
    kpis: Vec<KpiSchema>,
    older_run_wait: Duration,
) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match &plan.kind {
        SinkKind::JsonFiles { path, interval_us } => {
            let (path, interval_us) = (path.clone(), *interval_us);
            let settings =
                JsonFilesSettings { storage: Arc::new(Local), path, interval_us, locks: Some(older_run_wait) };
            Box::new(JsonFiles::new(settings, kpis)?)
        }
        SinkKind::Kafka { brokers, topic, epochs_topic, properties, backlog_bytes_max, .. } => {
            let settings = KafkaSinkSettings {
                topic: kafka_topic(brokers, topic, properties),
                epochs_topic: epochs_topic.clone(),
                pipeline: pipeline.to_owned(),
                sink: plan.name.clone(),
            };
            let destination = Box::new(KafkaDestination::new(settings));
            Box::new(Outbox::new(Box::new(Messages::new(kpis)), destination, *backlog_bytes_max))
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
        SinkKind::Hdfs { url, path, interval_us, properties } => {
            let storage =
                Hdfs::new(url, properties).map_err(|source| SinkError::Io { place: format!("{url}{path}"), source })?;
            let (path, interval_us) = (path.into(), *interval_us);
            let settings = JsonFilesSettings { storage: Arc::new(storage), path, interval_us, locks: None };
            Box::new(JsonFiles::new(settings, kpis)?)
        }
    })
}

fn kafka_topic(brokers: &str, topic: &str, properties: &Properties) -> KafkaTopic {
    KafkaTopic { brokers: brokers.to_owned(), topic: topic.to_owned(), properties: properties.0.clone() }
}

/// Properties that a sink's client refuses; no cluster is asked.
pub(super) fn property_problems(plan: &SinkPlan) -> Vec<Problem> {
    let SinkKind::Kafka { brokers, topic, properties, property_places, .. } = &plan.kind else { return Vec::new() };
    let problem = |(name, reason): (Option<String>, String)| {
        let place = name.and_then(|name| property_places.get(&name)).unwrap_or(&plan.place);
        Problem::new(place.clone(), reason)
    };
    Producer::check(&kafka_topic(brokers, topic, properties)).into_iter().map(problem).collect()
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
