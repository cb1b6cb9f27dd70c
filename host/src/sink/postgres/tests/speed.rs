//! How long an epoch takes, by its rows: `cargo test --release -p weir sink::postgres::tests::speed -- --ignored --nocapture`.

use super::support::*;
use crate::sink::test_rows::closed;
use std::time::Instant;

#[test]
#[ignore = "a measurement"]
fn epochs() {
    let place = place("speed");
    let mut sink = place.sink(1);
    let (mut epoch, mut minute) = (0, 0);
    for (windows, rows, epochs) in [(1, 1, 100), (1, 40, 100), (60, 40, 20), (1_000, 40, 3), (1, 40_000, 3)] {
        let start = Instant::now();
        for _ in 0..epochs {
            let rows: Vec<_> = (0..rows).map(|row| (Some("Germany"), row, row * 7, 0.25)).collect();
            let some: Vec<_> = (minute..minute + windows).map(|minute| closed(0, minute, 0, &rows)).collect();
            (epoch, minute) = (epoch + 1, minute + windows);
            deliver(&mut sink, epoch, &some);
        }
        let took = start.elapsed() / epochs;
        let a_second = (windows * rows) as f64 / took.as_secs_f64();
        println!("{windows} windows of {rows} rows: {took:?} an epoch, {a_second:.0} rows a second");
    }
}
