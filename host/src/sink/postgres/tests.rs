//! The sink against a real server. One serves all tests, each in a schema of its own; those that stop it have their own. Without
//! PostgreSQL these tests fail and say what to install; they never skip.

mod faults;
mod shapes;
mod speed;
mod support;
mod tls;
mod values;
mod windows;
