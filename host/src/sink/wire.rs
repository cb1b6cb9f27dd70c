//! How sinks write what they put into a checkpoint: numbers little-endian, texts and lists with their length before them.
//!
//! Bytes from a disk are not trusted: reading fails, and never panics or reserves memory ahead.

pub(super) fn push_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn push_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn push_len(out: &mut Vec<u8>, len: usize) {
    push_u64(out, len as u64);
}

pub(super) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(|| "it ends too early".to_owned())?;
        self.0 = rest;
        Ok(head)
    }

    fn word(&mut self) -> Result<[u8; 8], String> {
        let mut word = [0; 8];
        word.copy_from_slice(self.take(8)?);
        Ok(word)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        self.word().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, String> {
        self.word().map(i64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], String> {
        let len = usize::try_from(self.u64()?).map_err(|_| "it ends too early".to_owned())?;
        self.take(len)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// Every item takes at least a byte, so a wrong length ends at the end of the bytes.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let len = self.u64()?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", self.0.len())) }
    }
}
