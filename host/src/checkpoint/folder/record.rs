//! The bytes of a record's file.

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"weirCK\x00\x02";
pub(super) const HEADER_LEN: usize = 8 + 8 + 8 + 8 + 32;

/// A record that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub builds_on: Option<u64>,
    pub bytes: Vec<u8>,
}

impl Record {
    /// The record of a file, if it is whole and of this epoch.
    pub fn decode(epoch: u64, mut file: Vec<u8>) -> Result<Self, &'static str> {
        let Some((found, bytes)) = file.split_at_checked(HEADER_LEN) else {
            return Err("it is shorter than its header");
        };
        if found[..6] != MAGIC[..6] {
            return Err("it is no checkpoint");
        }
        if found[6..8] != MAGIC[6..] {
            return Err("it is of another version of the format: resume with the version of weir that wrote it");
        }
        let mut word = [0; 8];
        word.copy_from_slice(&found[16..24]);
        let builds_on = Some(u64::from_le_bytes(word)).filter(|epoch| *epoch > 0);
        if builds_on.is_some_and(|before| before >= epoch) || found != header(epoch, builds_on, bytes) {
            return Err("its bytes are not those that were written");
        }
        file.drain(..HEADER_LEN);
        Ok(Self { builds_on, bytes: file })
    }
}

/// A record's file.
pub(super) fn encode(epoch: u64, builds_on: Option<u64>, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER_LEN + bytes.len());
    file.extend_from_slice(&header(epoch, builds_on, bytes));
    file.extend_from_slice(bytes);
    file
}

fn header(epoch: u64, builds_on: Option<u64>, bytes: &[u8]) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&epoch.to_le_bytes());
    header[16..24].copy_from_slice(&builds_on.unwrap_or(0).to_le_bytes());
    header[24..32].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    let digest = Sha256::new().chain_update(&header[..32]).chain_update(bytes).finalize();
    header[32..].copy_from_slice(&digest);
    header
}
