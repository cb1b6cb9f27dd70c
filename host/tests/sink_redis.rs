//! The `redis` sink on a real server: rows of every shape, revisions, limits; kills, hangs, lost answers and newer runs.
//! Without Redis these tests fail and say what to install; they never skip.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "sink_redis/crash.rs"]
mod crash;
#[path = "sink_redis/fences.rs"]
mod fences;
#[path = "sink_redis/large.rs"]
mod large;
#[path = "sink_redis/model.rs"]
mod model;
#[path = "sink_redis/proxy.rs"]
mod proxy;
#[path = "sink_redis/run.rs"]
mod run;
#[path = "sink_redis/shapes.rs"]
mod shapes;
#[path = "sink_redis/whole.rs"]
mod whole;
