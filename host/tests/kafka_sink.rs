//! The `kafka` sink on a real broker: each row once for readers of committed records, whatever breaks off, and one run at a time.
//! Without Java or Maven these tests fail and say what to install; they never skip.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "common/retail.rs"]
mod retail;

#[path = "kafka_sink/contract.rs"]
mod contract;
#[path = "kafka_sink/program.rs"]
mod program;
#[path = "kafka_sink/support.rs"]
mod support;
