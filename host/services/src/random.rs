//! Random bits, for identities and passwords.

use crate::ServiceError;
use std::fs::File;
use std::io::Read;

/// 128 random bits.
pub(crate) fn bits() -> Result<u128, ServiceError> {
    let mut bytes = [0_u8; 16];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(ServiceError::io("no random numbers"))?;
    Ok(u128::from_be_bytes(bytes))
}
