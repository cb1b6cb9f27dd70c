//! Any bytes as what a broker answers and as record batches: reading them comes to an end, without a panic. What is read is not
//! looked at here; the tests of the client do that.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| weir::source::kafka::native::read_anything(bytes));
