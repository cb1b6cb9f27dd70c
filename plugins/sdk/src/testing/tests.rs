use super::*;
use crate::prelude::*;
use std::collections::BTreeMap;

/// Every kind of input and of state field.
#[derive(Inputs)]
pub struct Everything<'a> {
    flag: bool,
    whole: Option<i64>,
    float: f64,
    money: Decimal,
    at: Timestamp,
    word: Option<&'a str>,
    #[input(path = "items[].price")]
    prices: Option<List<'a, Decimal>>,
    #[input(path = "items[].name")]
    names: List<'a, &'a str>,
}

#[derive(Default, State)]
pub struct All {
    any: bool,
    rows: u64,
    least: Option<i64>,
    largest: Option<f64>,
    floats: ExactSum,
    money: DecimalSum,
    dearest: Option<Decimal>,
    first: Option<Timestamp>,
    words: BTreeMap<String, i64>,
    nested: Nested,
}

#[derive(Default, State)]
pub struct Nested {
    prices: DecimalSum,
    longest: String,
}

#[derive(Outputs)]
pub struct AllRow {
    /// Whether a flag was set.
    any: bool,
    /// Rows.
    rows: i64,
    /// Least whole number.
    least: Option<i64>,
    /// Largest float.
    largest: Option<f64>,
    /// Sum of floats.
    floats: f64,
    /// Sum of money.
    money: Decimal,
    /// Largest money.
    dearest: Option<Decimal>,
    /// First instant.
    first: Option<Timestamp>,
    /// Words in order.
    words: Vec<String>,
    /// Mean price.
    price: Option<f64>,
    /// Longest name, the first by order of those.
    longest: String,
}

impl All {
    fn longest(&mut self, name: &str) {
        let longest = &self.nested.longest;
        if (name.len(), longest.as_str()) > (longest.len(), name) {
            self.nested.longest = name.to_owned();
        }
    }
}

impl Kpi for All {
    const NAME: &'static str = "all";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "One of everything.";
    type Options = ();
    type Input<'a> = Everything<'a>;
    type Rows = [AllRow; 1];

    fn update(&mut self, row: Everything<'_>, _: &()) -> Result<(), Reason> {
        self.any |= row.flag;
        self.rows += 1;
        self.least = [self.least, row.whole].into_iter().flatten().min();
        self.largest = Some(self.largest.map_or(row.float, |largest| largest.max(row.float)));
        self.floats.add(row.float)?;
        self.money.add(row.money)?;
        self.dearest = self.dearest.max(Some(row.money));
        self.first = [self.first, Some(row.at)].into_iter().flatten().min();
        if let Some(word) = row.word {
            *self.words.entry(word.to_owned()).or_default() += 1;
        }
        for price in row.prices.into_iter().flatten() {
            self.nested.prices.add(price)?;
        }
        row.names.iter().for_each(|name| self.longest(name));
        Ok(())
    }

    fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
        self.any |= other.any;
        self.rows += other.rows;
        self.least = [self.least, other.least].into_iter().flatten().min();
        self.largest = [self.largest, other.largest].into_iter().flatten().reduce(f64::max);
        self.floats.merge(&other.floats);
        self.money.merge(&other.money)?;
        self.dearest = self.dearest.max(other.dearest);
        self.first = [self.first, other.first].into_iter().flatten().min();
        for (word, count) in &other.words {
            *self.words.entry(word.clone()).or_default() += count;
        }
        self.nested.prices.merge(&other.nested.prices)?;
        self.longest(&other.nested.longest);
        Ok(())
    }

    fn evaluate(&self, _: Window, _: &()) -> Result<[AllRow; 1], Reason> {
        Ok([AllRow {
            any: self.any,
            rows: self.rows as i64,
            least: self.least,
            largest: self.largest,
            floats: self.floats.to_f64()?,
            money: self.money.to_decimal()?,
            dearest: self.dearest,
            first: self.first,
            words: self.words.keys().cloned().collect(),
            price: self.nested.prices.ratio_to_f64(self.rows)?,
            longest: self.nested.longest.clone(),
        }])
    }
}

#[test]
fn a_lawful_kpi_with_every_type_passes() {
    check_kpi::<All>();
}

#[derive(Inputs)]
pub struct Amount {
    amount: f64,
}

#[derive(Outputs)]
pub struct AmountRow {
    /// What was found.
    amount: f64,
}

/// KPIs of one float, each broken in one way.
macro_rules! broken {
    ($test:ident, $law:literal, $name:ident, $update:expr, $merge:expr, $evaluate:expr) => {
        #[derive(Default, State)]
        pub struct $name {
            amount: f64,
            rows: u64,
        }

        impl Kpi for $name {
            const NAME: &'static str = "broken";
            const VERSION: &'static str = "0.1.0";
            const SUMMARY: &'static str = "Broken.";
            type Options = ();
            type Input<'a> = Amount;
            type Rows = Vec<AmountRow>;

            fn update(&mut self, row: Amount, _: &()) -> Result<(), Reason> {
                self.rows += 1;
                ($update)(self, row.amount);
                Ok(())
            }

            fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
                self.rows += other.rows;
                ($merge)(self, other);
                Ok(())
            }

            fn evaluate(&self, _: Window, _: &()) -> Result<Vec<AmountRow>, Reason> {
                Ok(($evaluate)(self))
            }
        }

        #[test]
        #[should_panic(expected = $law)]
        fn $test() {
            check_kpi::<$name>();
        }
    };
}

fn amount(amount: f64) -> Vec<AmountRow> {
    vec![AmountRow { amount }]
}

broken!(
    a_plain_float_sum_is_found,
    "another result",
    PlainSum,
    |s: &mut PlainSum, x: f64| s.amount += x,
    |s: &mut PlainSum, o: &PlainSum| s.amount += o.amount,
    |s: &PlainSum| amount(s.amount)
);
broken!(
    the_last_row_is_found,
    "another result",
    Last,
    |s: &mut Last, x: f64| s.amount = x,
    |s: &mut Last, o: &Last| s.amount = o.amount,
    |s: &Last| amount(s.amount)
);
broken!(
    a_merge_that_forgets_is_found,
    "states merged one by one",
    Forgets,
    |s: &mut Forgets, x: f64| s.amount = s.amount.max(x),
    |_: &mut Forgets, _: &Forgets| (),
    |s: &Forgets| amount(s.amount)
);
broken!(
    a_merge_that_counts_merges_is_found,
    "states merged one by one",
    Counts,
    |_: &mut Counts, _: f64| (),
    |s: &mut Counts, _: &Counts| s.rows += 1,
    |s: &Counts| amount(s.rows as f64)
);

#[test]
#[should_panic(expected = "no input `amonut`")]
fn an_input_that_is_not_there_is_refused() {
    let _ = Check::<PlainSum>::new().input("amonut", Just(Cell::Float64(1.0)));
}

#[test]
fn whole_floats_add_up_in_any_order() {
    Check::<PlainSum>::new().input("amount", (-99..99_i32).prop_map(|n| Cell::Float64(f64::from(n)))).run();
}
