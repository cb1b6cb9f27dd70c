//! Topics of invoices: how large, how written, over how many countries.

use weir_services::client::{Produced, create_topic, produce};

/// As many as the other benchmarks' topics have.
const PARTITIONS: usize = 8;
const EVENTS_PER_MINUTE: usize = 20_000;
/// Records that are held at once.
const CHUNK: usize = 50_000;

/// How an invoice is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// About 110 bytes: one item, nothing that nobody asks for.
    Small,
    /// About 400 bytes, of which a third is asked for.
    Invoice,
    /// About 2 KB, 17 items.
    Large,
    /// The same with escapes in every text.
    Escaped,
    /// 400 bytes, the keys of each invoice in an order of its own.
    Shuffled,
}

impl Message {
    /// Some 2 KB.
    pub fn is_large(self) -> bool {
        matches!(self, Self::Large | Self::Escaped)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Small => "110 bytes",
            Self::Invoice => "400 bytes",
            Self::Large => "2 KB",
            Self::Escaped => "2 KB, escaped text",
            Self::Shuffled => "400 bytes, shuffled keys",
        }
    }

    fn write(self, number: usize, groups: usize) -> String {
        let minute = number / EVENTS_PER_MINUTE;
        let second = number % EVENTS_PER_MINUTE * 60 / EVENTS_PER_MINUTE;
        let timestamp =
            format!("2010-12-{:02} {:02}:{:02}:{second:02}", 1 + minute / 1440, minute / 60 % 24, minute % 60);
        // A multiplicative hash: no order that a cache could learn.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let country = format!("Country {}", mixed % groups);
        let kind = if mixed.is_multiple_of(16) { "RETURN" } else { "ORDER" };
        let item = |item: usize| {
            let (price, quantity) = (mixed / 7 % 2000 + item, mixed / 3 % 24 + 1);
            let (whole, cents) = (price / 100, price % 100);
            match self {
                Self::Small => format!(r#"{{"unit_price":{whole}.{cents:02},"quantity":{quantity}}}"#),
                Self::Escaped => format!(
                    r#"{{"SKU": "\u0038{item}123A", "title": "SET \"OF\" {item} RETRO\tSPOTS \u00e9t\u00e9", "unit_price": {whole}.{cents:02}, "quantity": {quantity}}}"#
                ),
                _ => format!(
                    r#"{{"SKU": "8{item}123A", "title": "SET OF {item} RETRO SPOTS ASSORTED", "unit_price": {whole}.{cents:02}, "quantity": {quantity}}}"#
                ),
            }
        };
        let items = match self {
            Self::Small => 1,
            Self::Large | Self::Escaped => 17,
            Self::Invoice | Self::Shuffled => 1 + mixed % 4,
        };
        let items = (0..items).map(item).collect::<Vec<_>>().join(", ");
        let mut members = vec![
            format!(r#""country": "{country}""#),
            format!(r#""timestamp": "{timestamp}""#),
            format!(r#""type": "{kind}""#),
            format!(r#""items": [{items}]"#),
        ];
        if self != Self::Small {
            members.insert(0, format!(r#""invoice_no": {}"#, 500_000 + number));
            members.insert(2, format!(r#""customer_id": {}"#, 10_000 + mixed % 8_000));
        }
        if self == Self::Shuffled {
            let len = members.len();
            (1..len).for_each(|end| members.swap(end, (mixed >> end) % (end + 1)));
        }
        format!("{{{}}}", members.join(", "))
    }
}

/// A topic of such messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    pub message: Message,
    pub groups: usize,
    /// By lz4.
    pub packed: bool,
}

impl Topic {
    /// The topic's name.
    pub fn id(&self) -> String {
        format!("{:?}-{}-{}", self.message, self.groups, if self.packed { "lz4" } else { "plain" }).to_lowercase()
    }

    /// For people.
    pub fn name(&self) -> String {
        let packed = if self.packed { ", lz4" } else { "" };
        format!("{}{packed}, {} groups", self.message.name(), self.groups)
    }

    /// Makes and fills it, if it is not there.
    pub fn fill(&self, brokers: &str, events: usize) {
        let codec = if self.packed { "lz4" } else { "producer" };
        let settings = [("retention.ms", "-1"), ("compression.type", codec)];
        if create_topic(brokers, &self.id(), PARTITIONS as i32, &settings).is_err() {
            return; // another case has it too
        }
        for start in (0..events).step_by(CHUNK) {
            let numbers = start..events.min(start + CHUNK);
            let values: Vec<(usize, String)> =
                numbers.map(|number| (number, self.message.write(number, self.groups))).collect();
            let records = values.iter().map(|(number, value)| Produced {
                partition: (number % PARTITIONS) as i32,
                value: Some(value.as_bytes()),
                ..Produced::default()
            });
            produce(brokers, &self.id(), records).expect("all records arrive");
        }
    }
}
