//! The messages of the matrix: invoices of several sizes, written in several ways.

use std::sync::Arc;
use weir_core::block::{Block, Record};

/// Messages in a block.
pub const RECORDS: usize = 4_096;

/// A kind of message.
pub struct Message {
    pub name: &'static str,
    /// About as many bytes, before anything is escaped.
    bytes: usize,
    written: Written,
}

/// How a message is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// As Python's `json.dumps` does.
    Plain,
    /// With quotes, line ends and non-ASCII letters in every title, escaped.
    Escaped,
    /// With non-ASCII letters in every title, as they are.
    Unicode,
    /// The keys of each object in an order of its own.
    Shuffled,
    /// One line a value, indented.
    Pretty,
}

/// The good cases first, then those that are hard to guess or to skip.
pub const MESSAGES: &[Message] = &[
    Message { name: "small", bytes: 80, written: Written::Plain },
    Message { name: "invoice", bytes: 400, written: Written::Plain },
    Message { name: "large", bytes: 2_000, written: Written::Plain },
    Message { name: "large, text beyond ASCII", bytes: 2_000, written: Written::Unicode },
    Message { name: "large, text with escapes", bytes: 2_000, written: Written::Escaped },
    Message { name: "invoice, keys shuffled", bytes: 400, written: Written::Shuffled },
    Message { name: "invoice, indented", bytes: 400, written: Written::Pretty },
];

impl Message {
    /// A block of such messages end to end.
    pub fn block(&self) -> Block {
        let mut random = Random(self.bytes as u64);
        let (mut bytes, mut records) = (Vec::new(), Vec::new());
        for number in 0..RECORDS {
            let invoice = self.invoice(&mut random, number);
            let (start, len) = (bytes.len() as u32, invoice.len() as u32);
            bytes.extend_from_slice(invoice.as_bytes());
            records.push(Record { start, len, offset: number as i64, arrival_us: 0, timestamp_ms: 0 });
        }
        Block { partition: 0, bytes: Arc::new(bytes), records }
    }

    fn invoice(&self, random: &mut Random, number: usize) -> String {
        let country = random.pick(&["United Kingdom", "France", "Spain", "Germany", "EIRE", "Netherlands"]);
        let kind = random.pick(&["ORDER", "ORDER", "ORDER", "RETURN"]);
        let (minute, second) = (number / 600 % 60, number / 10 % 60);
        if self.bytes < 100 {
            return format!(
                r#"{{"country":"{country}","timestamp":"2010-12-01 09:{minute:02}:{second:02}","type":"{kind}","items":[]}}"#
            );
        }
        let items = 1 + random.below(2 * (self.bytes - 110) / 100);
        let items: Vec<_> = (0..items).map(|_| self.item(random)).collect();
        let members = vec![
            format!("\"invoice_no\": {}", 1_000_000 + number),
            format!("\"country\": \"{country}\""),
            format!("\"timestamp\": \"2010-12-01 09:{minute:02}:{second:02}\""),
            format!("\"type\": \"{kind}\""),
            format!("\"items\": [{}]", self.joined(items, 1)),
        ];
        self.object(random, members, 0)
    }

    fn item(&self, random: &mut Random) -> String {
        let words: Vec<_> = (0..2 + random.below(6)).map(|_| self.word(random)).collect();
        let members = vec![
            format!("\"SKU\": \"{}{}\"", 10_000 + random.below(9_000), random.pick(&["A", "B", "C"])),
            format!("\"title\": \"{}\"", words.join(" ")),
            format!("\"unit_price\": {}.{}", random.below(20), 1 + random.below(99)),
            format!("\"quantity\": {}", 1 + random.below(24)),
        ];
        self.object(random, members, 2)
    }

    fn word(&self, random: &mut Random) -> &'static str {
        let words = match self.written {
            Written::Escaped => [r#"\"METAL\""#, r"RETRO\n", r"T\u00c4SCHE", r"VINTAGE", r"LANTERN\/", r"\u00e9tui"],
            Written::Unicode => ["MÉTAL", "RÉTRO", "TÄSCHE", "VINTAGE", "ランタン", "étui"],
            _ => ["METAL", "RETRO", "BAG", "VINTAGE", "LANTERN", "SET"],
        };
        random.pick(&words)
    }

    fn object(&self, random: &mut Random, mut members: Vec<String>, depth: usize) -> String {
        if self.written == Written::Shuffled {
            for end in (1..members.len()).rev() {
                members.swap(end, random.below(end + 1));
            }
        }
        match self.written {
            Written::Pretty => format!("{{{}{}}}", self.joined(members, depth + 1), line(depth)),
            _ => format!("{{{}}}", self.joined(members, depth)),
        }
    }

    fn joined(&self, parts: Vec<String>, depth: usize) -> String {
        match self.written {
            Written::Pretty => {
                parts.iter().map(|part| format!(",{}{part}", line(depth))).collect::<String>()[1..].to_owned()
            }
            _ => parts.join(", "),
        }
    }
}

fn line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
