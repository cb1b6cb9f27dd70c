//! A preprocessor over columns: the loop of `process`.

use crate::bindings::exports::weir::plugin::types::{Column, Failure, Input, Setting};
use crate::column::{Bits, ColumnRef, Inputs};
use crate::options::read_options;
use crate::output::{OutputDescription, Outputs};
use crate::preprocessor::{Preprocessor, Verdict};
use crate::reason::Reason;

/// What a preprocessor says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PreprocessorDescription {
    /// The plugin's name.
    pub name: String,
    /// Its version, as semver.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// The columns it asks for.
    pub inputs: Vec<Input>,
    /// The columns it adds.
    pub outputs: Vec<OutputDescription>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The described outputs, each with as many rows as came in.
    pub columns: Vec<Column>,
    /// Bitmap, 0 where a row is filtered; `None` where none is. Rejected rows are in `rejects` alone.
    pub keep: Option<Vec<u8>>,
    /// Wrong rows, rising, each with its reason.
    pub rejects: Vec<(u32, Reason)>,
}

/// Rows of a block for `process_block`: a whole number of bytes of a bitmap, and few enough that one odd row does not send a batch
/// the slow way.
const BLOCK: u32 = 512;

/// An instance of a preprocessor, as `preprocessor` of the contract.
pub struct PreprocessorInstance<P: Preprocessor> {
    preprocessor: P,
}

impl<P: Preprocessor> PreprocessorInstance<P> {
    /// What the preprocessor says of itself, given these options.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    pub fn describe(settings: &[Setting]) -> Result<PreprocessorDescription, String> {
        Self::new(settings)?;
        Ok(PreprocessorDescription {
            name: P::NAME.to_owned(),
            version: P::VERSION.to_owned(),
            summary: P::SUMMARY.to_owned(),
            inputs: P::Input::describe(),
            outputs: P::Output::describe(),
        })
    }

    /// An instance with these options.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    pub fn new(settings: &[Setting]) -> Result<Self, String> {
        Ok(Self { preprocessor: P::new(read_options(settings)?)? })
    }

    /// Works on one batch of `rows` rows.
    ///
    /// # Errors
    /// Names the column that is not as described, or the row whose value does not fit in with the others.
    pub fn process(&self, rows: u32, columns: &[ColumnRef<'_>]) -> Result<Outcome, Failure> {
        let views = P::Input::open(columns, rows as usize)?;
        let mut builders = <P::Output as Outputs>::Builders::default();
        P::Output::reserve(&mut builders, rows as usize);
        let (mut keep, mut rejects) = (Bits::default(), Vec::new());
        for start in (0..rows).step_by(BLOCK as usize) {
            let block = start..rows.min(start.saturating_add(BLOCK));
            if self.preprocessor.process_block(&views, block.start as usize..block.end as usize, &mut builders) {
                keep.extend_ones(block.len());
                continue;
            }
            for row in block {
                let verdict = self.preprocessor.process(P::Input::row(&views, row as usize));
                // A rejected row stays in `keep`: it is rejected, not filtered, and must not be counted as both.
                keep.push(!matches!(verdict, Ok(Verdict::Filter)));
                match verdict {
                    Ok(Verdict::Keep(output)) => {
                        output.write(&mut builders).map_err(|reason| reason.at_row(row as usize))?
                    }
                    Ok(Verdict::Filter) => P::Output::nothing(&mut builders),
                    Err(reason) => {
                        rejects.push((row, reason));
                        P::Output::nothing(&mut builders);
                    }
                }
            }
        }
        let columns = P::Output::finish(builders).map_err(|(row, reason)| reason.at_row(row))?;
        Ok(Outcome { columns, keep: keep.into_validity(), rejects })
    }
}
