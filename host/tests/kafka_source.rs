//! The Kafka source on a real broker. Without Java or Maven these tests fail and say what to install; they never skip.
//!
//! One broker serves all tests of this binary; a static is never dropped, so its watchdog stops it when the process ends, however it
//! ends. Tests that stop their broker have one of their own.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "kafka_source/support.rs"]
mod support;

#[path = "kafka_source/cluster.rs"]
mod cluster;
#[path = "kafka_source/reading.rs"]
mod reading;
#[path = "kafka_source/troubles.rs"]
mod troubles;
