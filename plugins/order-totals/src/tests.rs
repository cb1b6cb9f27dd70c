use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use weir_plugin::native::{ColumnRef, Outcome, PreprocessorInstance, ValuesRef};
use weir_plugin::types::Values;

/// One invoice: its type, and its items as (mantissa of the price with four digits, quantity).
type Given<'a> = (&'a str, &'a [(i64, i64)]);

/// Columns of invoices without nulls.
#[derive(Debug)]
struct Columns {
    kinds: (Vec<u32>, Vec<u8>),
    lists: Vec<u32>,
    prices: Vec<i64>,
    quantities: Vec<i64>,
}

impl Columns {
    fn of(invoices: &[Given<'_>]) -> Self {
        let mut columns =
            Self { kinds: (vec![0], Vec::new()), lists: vec![0], prices: Vec::new(), quantities: Vec::new() };
        for (kind, items) in invoices {
            columns.kinds.1.extend(kind.as_bytes());
            columns.kinds.0.push(columns.kinds.1.len() as u32);
            columns.prices.extend(items.iter().map(|item| item.0));
            columns.quantities.extend(items.iter().map(|item| item.1));
            columns.lists.push(columns.prices.len() as u32);
        }
        columns
    }

    fn borrowed(&self) -> [ColumnRef<'_>; 3] {
        let list = |values| ColumnRef { lists: Some(&self.lists), ..ColumnRef::of(values) };
        [
            ColumnRef::of(ValuesRef::Text { offsets: &self.kinds.0, bytes: &self.kinds.1 }),
            list(ValuesRef::Decimal { scale: 4, mantissas: &self.prices }),
            list(ValuesRef::Int64(&self.quantities)),
        ]
    }
}

fn process(columns: &[ColumnRef<'_>], rows: u32) -> Outcome {
    PreprocessorInstance::<OrderTotals>::new(&[]).unwrap().process(rows, columns).unwrap()
}

fn totals(invoices: &[Given<'_>]) -> Outcome {
    process(&Columns::of(invoices).borrowed(), invoices.len() as u32)
}

fn reasons(outcome: &Outcome) -> Vec<(u32, String)> {
    outcome.rejects.iter().map(|(row, reason)| (*row, reason.to_string())).collect()
}

#[test]
fn orders_add_up_and_returns_are_negative() {
    let outcome = totals(&[
        ("ORDER", &[(25_500, 6), (33_900, 8)]),
        ("RETURN", &[(25_500, 2)]),
        ("ORDER", &[(10_000, -3), (0, 1)]),
    ]);
    assert_eq!(outcome.rejects, []);
    assert_eq!(outcome.keep, None);
    let Values::Decimal(costs) = &outcome.columns[0].values else { panic!("{:?}", outcome.columns[0]) };
    assert_eq!((costs.scale, costs.mantissas.as_slice()), (4, [424_200, -51_000, -30_000].as_slice()));
    assert_eq!(outcome.columns[1].values, Values::Int64(vec![14, 2, -2]));
    assert_eq!(outcome.columns[2].values, Values::Boolean(vec![0b101]));
    assert_eq!(outcome.columns[3].values, Values::Boolean(vec![0b010]));
}

#[test]
fn wrong_invoices_are_rejected_and_their_neighbours_are_not() {
    let outcome = totals(&[("ORDER", &[(1, 1)]), ("ORDER", &[]), ("order", &[(1, 1)]), ("RETURN", &[(2, 1)])]);
    let expected = [(1, "no items".to_owned()), (2, "unknown type \"order\": neither ORDER nor RETURN".to_owned())];
    assert_eq!(reasons(&outcome), expected);
    assert_eq!(outcome.keep, None);
    let Values::Decimal(costs) = &outcome.columns[0].values else { panic!("{:?}", outcome.columns[0]) };
    assert_eq!(costs.mantissas, [1, 0, 0, -2]);
}

#[test]
fn nulls_are_rejected_each_with_its_reason() {
    let given =
        Columns::of(&[("ORDER", &[(1, 1)]), ("ORDER", &[(1, 1)]), ("ORDER", &[(1, 1), (2, 2)]), ("ORDER", &[(1, 1)])]);
    let [mut kinds, mut prices, mut quantities] = given.borrowed();
    kinds.validity = Some(&[0b1110]);
    prices.validity = Some(&[0b1101]);
    quantities.validity = Some(&[0b1101]);
    prices.element_validity = Some(&[0b10111]);
    quantities.element_validity = Some(&[0b01111]);
    let expected = [
        (0, "no type: neither ORDER nor RETURN".to_owned()),
        (1, "no items".to_owned()),
        (2, "items[1] lacks unit_price".to_owned()),
        (3, "items[0] lacks quantity".to_owned()),
    ];
    assert_eq!(reasons(&process(&[kinds, prices, quantities], 4)), expected);
}

#[test]
fn a_list_that_is_shorter_lacks_values() {
    let given = Columns::of(&[("ORDER", &[(1, 1), (2, 2)])]);
    let [kinds, prices, mut quantities] = given.borrowed();
    quantities.lists = Some(&[0, 1]);
    quantities.values = ValuesRef::Int64(&[1]);
    assert_eq!(reasons(&process(&[kinds, prices, quantities], 1)), [(0, "items[1] lacks quantity".to_owned())]);
}

#[test]
fn both_sides_of_64_bits() {
    let max = i64::MAX;
    let outcome = totals(&[
        ("ORDER", &[(max, 1)]),
        ("ORDER", &[(max, 1), (1, 1)]),
        ("ORDER", &[(max, 2), (max, -1)]),
        ("RETURN", &[(i64::MIN, 1)]),
        ("ORDER", &[(i64::MIN, 1)]),
        ("ORDER", &[(0, max), (0, 1)]),
        ("ORDER", &[(10_000, max / 10_000)]),
    ]);
    let rejected = reasons(&outcome);
    assert_eq!(rejected.iter().map(|reject| reject.0).collect::<Vec<_>>(), [1, 3, 5]);
    assert!(rejected[0].1.starts_with("total_cost: ") && rejected[2].1.starts_with("total_items: "), "{rejected:?}");
    let Values::Decimal(costs) = &outcome.columns[0].values else { panic!("{:?}", outcome.columns[0]) };
    assert_eq!((costs.scale, costs.mantissas[2], costs.mantissas[4]), (4, max, i64::MIN));
}

#[test]
fn the_description_names_paths_and_outputs() {
    let description = PreprocessorInstance::<OrderTotals>::describe(&[]).unwrap();
    let inputs = description.inputs.iter().map(|input| (input.path.as_str(), input.nullable)).collect::<Vec<_>>();
    assert_eq!(inputs, [("type", true), ("items[].unit_price", true), ("items[].quantity", true)]);
    let outputs = description.outputs.iter().map(|output| (output.name.as_str(), output.nullable)).collect::<Vec<_>>();
    assert_eq!(outputs, [("total_cost", false), ("total_items", false), ("is_order", false), ("is_return", false)]);
}

/// The same preprocessor, row by row.
struct ByRow;

impl Preprocessor for ByRow {
    const NAME: &'static str = OrderTotals::NAME;
    const VERSION: &'static str = OrderTotals::VERSION;
    const SUMMARY: &'static str = OrderTotals::SUMMARY;

    type Options = ();
    type Input<'a> = Invoice<'a>;
    type Output = Totals;

    fn new((): ()) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(&self, invoice: Invoice<'_>) -> Result<Verdict<Totals>, Reason> {
        OrderTotals.process(invoice)
    }
}

/// Columns in which a row in `odd` is out of the ordinary, in one of several ways.
fn invoices(odd: u32) -> impl Strategy<Value = Columns> {
    let kind = prop_oneof![600 => Just("ORDER"), 100 => Just("RETURN"), odd => Just("returned"), odd => Just("")];
    let plain = (-100_000..5_000_000_i64, -20..200_i64);
    let large = prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(1 << 40), any::<i64>()];
    let item = prop_oneof![2_000 => plain, odd => (large.clone(), -3..3_i64), odd => (0..3_i64, large)];
    let items = prop_oneof![700 => vec(item.clone(), 1..5), odd => vec(item, 0..40)];
    vec((kind, items), 1..1_200)
        .prop_map(|given| Columns::of(&given.iter().map(|(kind, items)| (*kind, items.as_slice())).collect::<Vec<_>>()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_block_gives_what_its_rows_give(given in prop_oneof![invoices(0), invoices(1)], null in prop::option::of(0..1_500_usize)) {
        let rows = given.lists.len() - 1;
        let mut bits = vec![0xff; given.prices.len().max(rows) / 8 + 1];
        if let Some(null) = null {
            bits.get_mut(null / 8).into_iter().for_each(|byte| *byte ^= 1 << (null % 8));
        }
        let mut columns = given.borrowed();
        match null.unwrap_or(0) % 3 {
            0 => columns[0].validity = Some(&bits),
            1 => columns[1].element_validity = Some(&bits),
            _ => columns[2].validity = Some(&bits),
        }
        let by_row = PreprocessorInstance::<ByRow>::new(&[]).unwrap().process(rows as u32, &columns).unwrap();
        prop_assert_eq!(process(&columns, rows as u32), by_row);
    }
}
