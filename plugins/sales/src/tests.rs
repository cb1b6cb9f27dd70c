use super::*;
use proptest::prelude::Strategy;
use weir_plugin::native::{ColumnRef, KpiInstance, ValuesRef};
use weir_plugin::testing::{Cell, Check, check_kpi};
use weir_plugin::types::{Failure, Values};

const WINDOW: Window = Window { start: Timestamp(0), end: Timestamp(60_000_000) };

fn invoice(mantissa: i64, is_return: bool) -> Invoice {
    Invoice { total_cost: Decimal::new(mantissa, 4).unwrap(), is_order: !is_return, is_return }
}

fn folded(invoices: impl IntoIterator<Item = Invoice>) -> Sales {
    let mut sales = Sales::default();
    invoices.into_iter().for_each(|invoice| sales.update(invoice, &()).unwrap());
    sales
}

#[test]
fn merging_is_folding_at_once() {
    check_kpi::<Sales>();
}

#[test]
fn merging_is_folding_at_once_at_any_scale() {
    let costs = (-1_000_000..1_000_000_i64, 0..=6_u8)
        .prop_map(|(mantissa, scale)| Cell::Decimal(Decimal::new(mantissa, scale).unwrap()));
    Check::<Sales>::new().input("total_cost", costs).run();
}

#[test]
fn an_order_and_a_return() {
    let row = folded([invoice(614_600, false), invoice(-14_600, true), invoice(100_000, false)])
        .evaluate(WINDOW, &())
        .unwrap()
        .unwrap();
    assert_eq!(row.opm, 3);
    assert_eq!(row.total_sale_volume.to_string(), "70.0000");
    assert_eq!(row.rate_of_return.to_bits(), (1.0_f64 / 3.0).to_bits());
    assert_eq!(row.average_transaction_size.to_bits(), (70.0_f64 / 3.0).to_bits());
}

#[test]
fn no_invoice_gives_no_row() {
    assert_eq!(Sales::default().evaluate(WINDOW, &()).unwrap(), None);
}

#[test]
fn an_average_is_right_to_the_last_bit() {
    // 0.3 / 3: dividing the rounded 0.3 gives 0.09999999999999999.
    let row = folded([invoice(1000, false), invoice(1000, false), invoice(1000, false)])
        .evaluate(WINDOW, &())
        .unwrap()
        .unwrap();
    assert_eq!(row.average_transaction_size, 0.1);
    assert_ne!(0.3 / 3.0, 0.1);
}

#[test]
fn the_description_is_the_contract_of_the_kpi() {
    let description = KpiInstance::<Sales>::describe(&[]).unwrap();
    let inputs = description.inputs.iter().map(|input| (input.path.as_str(), input.nullable)).collect::<Vec<_>>();
    assert_eq!(inputs, [("total_cost", false), ("is_order", false), ("is_return", false)]);
    let outputs = description.outputs.iter().map(|output| (output.name.as_str(), output.additive)).collect::<Vec<_>>();
    let expected =
        [("OPM", true), ("total_sale_volume", true), ("rate_of_return", false), ("average_transaction_size", false)];
    assert_eq!(outputs, expected);
    assert!(description.outputs.iter().all(|output| !output.nullable && !output.description.is_empty()));
}

#[test]
fn a_volume_that_does_not_fit_names_its_place() {
    let mut sales = KpiInstance::<Sales>::new(&[]).unwrap();
    let costs = [1, i64::MAX, 1];
    let columns = [
        ColumnRef::of(ValuesRef::Decimal { scale: 2, mantissas: &costs }),
        ColumnRef::of(ValuesRef::Boolean(&[0b111])),
        ColumnRef::of(ValuesRef::Boolean(&[0])),
    ];
    sales.update(&[0, 1, 1], &columns).unwrap();
    let rows = sales.evaluate(&[0], &[0], &[60]).unwrap();
    assert_eq!(rows.columns[0].values, Values::Int64(vec![1]));
    match sales.evaluate(&[0, 1], &[0, 0], &[60, 60]) {
        Err(Failure::AtRow(at)) => {
            assert!(at.row == 1 && at.reason.contains("does not fit"), "{at:?}")
        }
        other => panic!("{other:?}"),
    }
}

/// Columns of these invoices, folded by an instance; the states as columns.
fn states(groups: &[u32], costs: &[i64], is_order: &[u8]) -> Vec<weir_plugin::types::Column> {
    let is_return: Vec<u8> = is_order.iter().map(|byte| !byte).collect();
    let columns = [
        ColumnRef::of(ValuesRef::Decimal { scale: 4, mantissas: costs }),
        ColumnRef::of(ValuesRef::Boolean(is_order)),
        ColumnRef::of(ValuesRef::Boolean(&is_return)),
    ];
    let mut sales = KpiInstance::<Sales>::new(&[]).unwrap();
    sales.update(groups, &columns).unwrap();
    sales.state(&[0, 1, 2]).unwrap()
}

proptest::proptest! {
    /// In both orders every slot has the same rows; only the sorted one has runs.
    #[test]
    fn runs_come_to_what_their_rows_come_to(
        rows in proptest::collection::vec((0..3_u32, proptest::num::i64::ANY, 0..64_u32, proptest::bool::ANY), 24..200)
    ) {
        let mut rows: Vec<_> = rows.into_iter().map(|(group, cost, shift, order)| (group, cost >> shift, order)).collect();
        let one_by_one = rows.iter().map(|(group, cost, order)| (*group, invoice(*cost, !order)));
        let mut folded = [Sales::default(), Sales::default(), Sales::default()];
        one_by_one.for_each(|(group, invoice)| folded[group as usize].update(invoice, &()).unwrap());
        rows.sort_by_key(|row| row.0);
        let mut bits = vec![0_u8; rows.len().div_ceil(8)];
        rows.iter().enumerate().for_each(|(i, row)| bits[i / 8] |= u8::from(row.2) << (i % 8));
        let groups: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let costs: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let in_runs = states(&groups, &costs, &bits);
        let mut scattered = KpiInstance::<Sales>::new(&[]).unwrap();
        let places = [0, 1, 2];
        // The states of single rows travel as columns, too.
        for (place, state) in folded.iter().enumerate() {
            let mut builders = <Sales as weir_plugin::state::StateColumns>::Builders::default();
            weir_plugin::state::StateColumns::write(state, &mut builders).unwrap();
            let mut columns = Vec::new();
            <Sales as weir_plugin::state::StateColumns>::finish(builders, &mut columns).unwrap();
            let columns: Vec<ColumnRef<'_>> = columns.iter().map(ColumnRef::from).collect();
            scattered.merge(&[place as u32], &columns).unwrap();
        }
        proptest::prop_assert_eq!(in_runs, scattered.state(&places).unwrap());
    }
}
