//! The guest of `host/benches/boundary.rs`: the same fold behind every way in which a batch could cross.

wit_bindgen::generate!({ path: "wit", world: "boundary" });

use std::cell::RefCell;

struct Boundary;
export!(Boundary);

const SLOTS: usize = 1 << 16;

thread_local! {
    static SUMS: RefCell<Vec<f64>> = RefCell::new(vec![0.0; SLOTS]);
}

/// `all` is one call a batch, so the cell is borrowed once.
fn fold(all: impl FnOnce(&mut [f64])) {
    SUMS.with_borrow_mut(|sums| all(sums));
}

impl Guest for Boundary {
    fn empty() {}

    fn one(group: u32, value: f64) {
        fold(|sums| sums[group as usize] += value);
    }

    fn slots(groups: Vec<u32>, values: Vec<f64>) {
        fold(|sums| {
            // Eight rows a turn, as the SDK's loops do: with limits on a turn costs as much as a row.
            let (turns, rest) = groups.as_chunks::<8>();
            let (value_turns, value_rest) = values.as_chunks::<8>();
            for ([a, b, c, d, e, f, g, h], value) in turns.iter().zip(value_turns) {
                sums[*a as usize] += value[0];
                sums[*b as usize] += value[1];
                sums[*c as usize] += value[2];
                sums[*d as usize] += value[3];
                sums[*e as usize] += value[4];
                sums[*f as usize] += value[5];
                sums[*g as usize] += value[6];
                sums[*h as usize] += value[7];
            }
            for (group, value) in rest.iter().zip(value_rest) {
                sums[*group as usize] += value;
            }
        });
    }

    fn segments(groups: Vec<u32>, ends: Vec<u32>, values: Vec<f64>) {
        fold(|sums| {
            let mut start = 0;
            for (group, end) in groups.iter().zip(&ends) {
                let end = *end as usize;
                // Four sums side by side: addition order is the author's to choose where each segment is whole.
                let mut lanes = [0.0; 4];
                let (chunks, rest) = values[start..end].as_chunks::<4>();
                for chunk in chunks {
                    lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
                }
                sums[*group as usize] += lanes.iter().sum::<f64>() + rest.iter().sum::<f64>();
                start = end;
            }
        });
    }

    fn slots_bitmap(groups: Vec<u32>, values: Vec<f64>, validity: Vec<u8>) {
        fold(|sums| {
            for (row, (group, value)) in groups.iter().zip(&values).enumerate() {
                if validity[row / 8] >> (row % 8) & 1 == 1 {
                    sums[*group as usize] += value;
                }
            }
        });
    }

    fn slots_bytes(groups: Vec<u32>, values: Vec<f64>, validity: Vec<u8>) {
        fold(|sums| {
            for ((group, value), valid) in groups.iter().zip(&values).zip(&validity) {
                if *valid == 1 {
                    sums[*group as usize] += value;
                }
            }
        });
    }

    fn texts(groups: Vec<u32>, values: Vec<i64>, offsets: Vec<u32>, bytes: Vec<u8>) {
        fold(|sums| {
            for ((group, value), pair) in groups.iter().zip(&values).zip(offsets.windows(2)) {
                let text = &bytes[pair[0] as usize..pair[1] as usize];
                sums[*group as usize] += worth(text, *value);
            }
        });
    }

    fn strings(groups: Vec<u32>, values: Vec<i64>, texts: Vec<String>) {
        fold(|sums| {
            for ((group, value), text) in groups.iter().zip(&values).zip(&texts) {
                sums[*group as usize] += worth(text.as_bytes(), *value);
            }
        });
    }

    fn records(rows: Vec<Row>) {
        fold(|sums| {
            for row in &rows {
                sums[row.group as usize] += row.value;
            }
        });
    }

    fn invoices(rows: Vec<Invoice>) {
        fold(|sums| {
            for row in &rows {
                sums[row.group as usize] += row.value * (row.country.len() + row.kind.len()) as f64;
            }
        });
    }

    fn give(rows: u32) -> Vec<f64> {
        SUMS.with_borrow(|sums| sums[..rows as usize].to_vec())
    }

    fn total() -> f64 {
        SUMS.with_borrow(|sums| sums.iter().sum())
    }
}

/// Looks at the text as a KPI would: at its length and one byte.
fn worth(text: &[u8], value: i64) -> f64 {
    if text.first() == Some(&b'O') { value as f64 } else { text.len() as f64 }
}
