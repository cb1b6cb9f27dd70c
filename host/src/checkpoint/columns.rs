//! Arrow columns as bytes: an Arrow IPC stream of one batch with nameless columns, its SHA-256 before it.
//!
//! The digest is not for the disk (the store has its own) but for the reader: Arrow's believes the lengths in a stream and
//! reserves memory by them, so bytes from elsewhere or cut at the wrong place must not get that far.

use super::CheckpointError;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const DIGEST_LEN: usize = 32;

/// Writes columns of one length. No columns at all are fine too.
pub fn encode_columns(columns: &[ArrayRef]) -> Result<Vec<u8>, CheckpointError> {
    let mut bytes = vec![0; DIGEST_LEN];
    if !columns.is_empty() {
        bytes = write_stream(bytes, columns).map_err(failed)?;
    }
    let digest = Sha256::digest(&bytes[DIGEST_LEN..]);
    bytes[..DIGEST_LEN].copy_from_slice(&digest);
    Ok(bytes)
}

/// Reads what `encode_columns` wrote; fails, and does not panic, on anything else.
pub fn decode_columns(bytes: &[u8]) -> Result<Vec<ArrayRef>, CheckpointError> {
    let (digest, stream) = bytes.split_at_checked(DIGEST_LEN).ok_or_else(|| broken("they end too early"))?;
    if *digest != *Sha256::digest(stream) {
        return Err(broken("their bytes are not those that were written"));
    }
    if stream.is_empty() {
        return Ok(vec![]);
    }
    let mut batches = StreamReader::try_new(stream, None).map_err(failed)?;
    let batch = batches.next().ok_or_else(|| broken("they hold no batch"))?.map_err(failed)?;
    Ok(batch.columns().to_vec())
}

fn write_stream(bytes: Vec<u8>, columns: &[ArrayRef]) -> Result<Vec<u8>, ArrowError> {
    let fields: Vec<Field> = columns.iter().map(|column| Field::new("", column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.to_vec())?;
    let mut writer = StreamWriter::try_new(bytes, &schema)?;
    writer.write(&batch)?;
    writer.finish()?;
    writer.into_inner()
}

fn failed(error: ArrowError) -> CheckpointError {
    CheckpointError::Columns { reason: error.to_string() }
}

fn broken(reason: &str) -> CheckpointError {
    CheckpointError::Columns { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
