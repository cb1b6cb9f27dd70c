//! Folder, closer, clocks and board together, against a naive reading of the rules of time.

mod changes;
mod faults;
mod malformed;
mod oracle;
mod properties;
mod replay;
mod scenario;
mod world;
