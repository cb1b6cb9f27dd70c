//! Bytes that come from a broker: read as an independent writer of the protocol wrote them, and refused, without harm, when broken.

mod answers;
mod batches;
mod double;
mod faults;
mod hostile;
