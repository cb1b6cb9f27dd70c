//! From the plan's words to those of the rooms: siblings never import each other, so here one becomes the other, field by field.

use super::clock;
use crate::config::plan::{
    ClientPlan, GeneratorPlan, GroupPlan, IsolationPlan, KafkaPlan, LimitsPlan, LostOffsetsPlan, OptionValue,
    StartPlan, TimestampPlan,
};
use crate::decode::TimestampForm;
use crate::plugin::{Limits, Setting};
use crate::source::generator::GeneratorSettings;
use crate::source::kafka::{
    CONNECT_WAIT, Isolation, KafkaClient, KafkaSettings, KafkaStart, LostOffsets, METADATA_INTERVAL,
};

pub(super) fn timestamp_form(plan: &TimestampPlan) -> TimestampForm {
    match plan {
        TimestampPlan::Format { format, zone } => TimestampForm::Format { format: format.clone(), zone: zone.clone() },
        TimestampPlan::Rfc3339 => TimestampForm::Rfc3339,
        TimestampPlan::EpochSeconds => TimestampForm::EpochSeconds,
        TimestampPlan::EpochMillis => TimestampForm::EpochMillis,
        TimestampPlan::EpochMicros => TimestampForm::EpochMicros,
    }
}

pub(super) fn kafka_settings(plan: &KafkaPlan, pipeline: &str, bounded: bool) -> KafkaSettings {
    KafkaSettings {
        client: match plan.client {
            ClientPlan::Native => KafkaClient::Native,
            ClientPlan::Librdkafka => KafkaClient::Librdkafka,
        },
        brokers: plan.brokers.clone(),
        topic: plan.topic.clone(),
        start: match plan.start {
            // A run without a checkpoint was refused; what one knows without an offset was to begin at the oldest record.
            StartPlan::Earliest | StartPlan::Checkpoint => KafkaStart::Earliest,
            StartPlan::Latest => KafkaStart::Latest,
            StartPlan::Timestamp(us) => KafkaStart::Timestamp(us),
        },
        isolation: match plan.isolation {
            IsolationPlan::ReadCommitted => Isolation::ReadCommitted,
            IsolationPlan::ReadUncommitted => Isolation::ReadUncommitted,
        },
        bounded,
        properties: plan.properties.0.clone(),
        connect_wait: CONNECT_WAIT,
        group: match &plan.group {
            GroupPlan::OfPipeline => Some(format!("weir-{pipeline}")),
            GroupPlan::Named(group) => Some(group.clone()),
            GroupPlan::Off => None,
        },
        on_lost_offsets: match plan.on_lost_offsets {
            LostOffsetsPlan::Stop => LostOffsets::Stop,
            LostOffsetsPlan::Continue => LostOffsets::Continue,
        },
        metadata_interval: METADATA_INTERVAL,
        clock: clock::now_us,
    }
}

pub(super) fn generator_settings(plan: &GeneratorPlan) -> GeneratorSettings {
    GeneratorSettings {
        seed: plan.seed,
        partitions: plan.partitions,
        records: plan.records,
        rate: plan.rate,
        start_us: plan.start_us,
        records_per_minute: plan.records_per_minute,
        disorder_us: plan.disorder_us,
        late_share: plan.late_share,
        broken_share: plan.broken_share,
        clock: clock::now_us,
    }
}

pub(super) fn limits(plan: &LimitsPlan) -> Limits {
    Limits {
        memory_bytes_max: plan.memory_bytes_max,
        fuel_per_row_max: plan.fuel_per_row_max,
        fuel_per_call_max: plan.fuel_per_call_max,
        deadline: plan.deadline,
        result_bytes_max: plan.result_bytes_max,
        stack_bytes_max: plan.stack_bytes_max,
        handles_max: plan.handles_max,
        component_bytes_max: plan.component_bytes_max,
    }
}

pub(super) fn settings(options: &[(String, OptionValue)]) -> Vec<(String, Setting)> {
    let setting = |value: &OptionValue| match value {
        OptionValue::Boolean(value) => Setting::Boolean(*value),
        OptionValue::Int64(value) => Setting::Int64(*value),
        OptionValue::Float64(value) => Setting::Float64(*value),
        OptionValue::Text(value) => Setting::Text(value.clone()),
        OptionValue::Int64s(values) => Setting::Int64s(values.clone()),
        OptionValue::Float64s(values) => Setting::Float64s(values.clone()),
        OptionValue::Texts(values) => Setting::Texts(values.clone()),
    };
    options.iter().map(|(name, value)| (name.clone(), setting(value))).collect()
}
