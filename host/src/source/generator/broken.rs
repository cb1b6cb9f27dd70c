//! Broken invoices, one way of breaking each: what decoding or `order-totals` must set aside without harm to the neighbours.
//!
//! Each is wrong in a field that a retail pipeline asks for (timestamp, country, type, items), and in nothing else.

use super::invoice::append;

/// The ways in which a record can be broken, by name; a kind elsewhere is the place here.
///
/// `unknown-type`, `no-items` and `lacking-price` are well-formed: the step that knows invoices rejects them. All others can't be
/// decoded. `empty` has no bytes at all: in a file it would be a blank line, which is no record.
pub const BROKEN_KINDS: [&str; 20] = [
    "truncated",
    "wrong-type",
    "not-utf-8",
    "too-deep",
    "too-long",
    "duplicate-key",
    "number-out-of-range",
    "nan",
    "trailing-bytes",
    "unknown-type",
    "no-items",
    "lacking-price",
    "control-character",
    "bad-escape",
    "lone-surrogate",
    "empty",
    "not-an-object",
    "missing-timestamp",
    "bad-timestamp",
    "leading-zero",
];

/// Deeper than the 64 levels that are allowed unless set otherwise.
const DEPTH: usize = 100;
/// Longer than the 1 MiB that is allowed unless set otherwise.
const LENGTH: usize = (1 << 20) + 1;

/// Record `n`, broken in the way `kind` (a place in [`BROKEN_KINDS`], modulo their number). Without line breaks.
pub fn broken_record(kind: usize, n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write(kind, n, b"2010-12-01 08:26:00", &mut out);
    out
}

/// An invoice in the pieces that are broken one at a time.
struct Pieces<'a> {
    country: &'a [u8],
    timestamp: &'a [u8],
    kind: &'a [u8],
    item: &'a [u8],
    more: &'a [u8],
}

/// Appends the broken record; those that are well-formed happened at `stamp`.
pub(super) fn write(kind: usize, n: u64, stamp: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    let timestamp = [b"\"timestamp\": \"".as_slice(), stamp, b"\", "].concat();
    let sound = Pieces {
        country: b"Germany",
        timestamp: &timestamp,
        kind: b"\"type\": \"ORDER\", ",
        item: b"{\"SKU\": \"10315A\", \"title\": \"METAL BAG\", \"unit_price\": 15.38, \"quantity\": 12}",
        more: b"",
    };
    let mut whole = |pieces: Pieces<'_>| whole(n, &pieces, out);
    match BROKEN_KINDS[kind % BROKEN_KINDS.len()] {
        "wrong-type" => whole(Pieces { item: b"{\"unit_price\": 15.38, \"quantity\": \"12\"}", ..sound }),
        "not-utf-8" => whole(Pieces { country: b"Germ\xffany", ..sound }),
        "too-deep" => whole(Pieces { more: &[b", \"more\": ".to_vec(), nested()].concat(), ..sound }),
        "too-long" => {
            whole(Pieces { more: &[b", \"more\": \"".to_vec(), vec![b'x'; LENGTH], b"\"".to_vec()].concat(), ..sound })
        }
        "duplicate-key" => whole(Pieces { kind: b"\"type\": \"ORDER\", \"type\": \"RETURN\", ", ..sound }),
        "number-out-of-range" => {
            whole(Pieces { item: b"{\"unit_price\": 15.38, \"quantity\": 9223372036854775808}", ..sound })
        }
        "nan" => whole(Pieces { item: b"{\"unit_price\": NaN, \"quantity\": 12}", ..sound }),
        "unknown-type" => whole(Pieces { kind: b"\"type\": \"GIFT\", ", ..sound }),
        "no-items" => whole(Pieces { item: b"", ..sound }),
        "lacking-price" => whole(Pieces { item: b"{\"SKU\": \"10315A\", \"quantity\": 12}", ..sound }),
        "control-character" => whole(Pieces { country: b"Germ\x01any", ..sound }),
        "bad-escape" => whole(Pieces { country: b"Germ\\qany", ..sound }),
        "lone-surrogate" => whole(Pieces { country: b"Germ\\ud800any", ..sound }),
        "missing-timestamp" => whole(Pieces { timestamp: b"", ..sound }),
        "bad-timestamp" => whole(Pieces { timestamp: b"\"timestamp\": \"2010-13-01 08:26:00\", ", ..sound }),
        "leading-zero" => whole(Pieces { item: b"{\"unit_price\": 15.38, \"quantity\": 012}", ..sound }),
        "not-an-object" => append(out, format_args!("[{n}, 2, 3]")),
        "empty" => {}
        "trailing-bytes" => {
            whole(sound);
            out.extend_from_slice(b" }");
        }
        // What is left is "truncated"; a test goes through the list.
        _ => {
            whole(sound);
            out.truncate(begin + (out.len() - begin) * 2 / 3);
        }
    }
}

fn whole(n: u64, pieces: &Pieces<'_>, out: &mut Vec<u8>) {
    append(out, format_args!("{{\"invoice_no\": {n}, \"country\": \""));
    out.extend_from_slice(pieces.country);
    out.extend_from_slice(b"\", ");
    out.extend_from_slice(pieces.timestamp);
    out.extend_from_slice(pieces.kind);
    out.extend_from_slice(b"\"items\": [");
    out.extend_from_slice(pieces.item);
    out.extend_from_slice(b"]");
    out.extend_from_slice(pieces.more);
    out.extend_from_slice(b"}");
}

fn nested() -> Vec<u8> {
    [vec![b'['; DEPTH], vec![b']'; DEPTH]].concat()
}
