//! Problems of a pipeline file: where, what, and what to write instead; all of them at once.
//!
//! Knows places in a text and how to show them; knows neither TOML nor what a key means. Whoever finds a problem later (a plugin
//! that doesn't fit, a column that isn't there) adds it here, with a place that the plan kept.

use super::plan::{Place, SourceText};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};
use std::fmt;

/// Problems that are shown at the most; the rest is counted. A file that has more was not meant for Weir.
pub const SHOWN_MAX: usize = 100;

/// Bytes of a line that are shown before, in and after a place at the most: a file may be one line of a megabyte.
const LINE_BYTES_MAX: usize = 400;

/// Columns that messages are wrapped at.
const WIDTH: usize = 100;

/// One mistake in a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about: a byte range of the file's text.
    pub place: Place,
    /// What is wrong, as a sentence in lower case without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// A few words beside the place.
    pub label: Option<String>,
    /// The other side of a conflict: its place and a few words.
    pub other: Option<(Place, String)>,
}

impl Problem {
    /// A problem with neither label nor help yet.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None, label: None, other: None }
    }

    /// With what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a few words beside the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With the place that it conflicts with.
    pub fn other(mut self, place: Place, label: impl Into<String>) -> Self {
        self.other = Some((place, label.into()));
        self
    }
}

/// All problems of one file, in the file's order.
///
/// As a `miette::Diagnostic` each is a related diagnostic with its own snippet; `render` gives the same as text.
#[derive(Debug, Clone)]
pub struct Problems {
    file: SourceText,
    reports: Vec<Report>,
}

/// A problem with the text that it is about, as `miette` wants it.
#[derive(Debug, Clone)]
struct Report {
    file: SourceText,
    problem: Problem,
}

impl Problems {
    /// The problems of `file`; sorted by place.
    pub fn new(file: SourceText, problems: Vec<Problem>) -> Self {
        let mut all = Self { file, reports: Vec::new() };
        problems.into_iter().for_each(|problem| all.add(problem));
        all.sort();
        all
    }

    /// Adds a problem at its place.
    pub fn push(&mut self, problem: Problem) {
        self.add(problem);
        self.sort();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// The problems, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.reports.iter().map(|report| &report.problem)
    }

    /// All problems with file, line, column and snippet, then their number.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_break_words(false);
        let mut out = String::new();
        for report in self.reports.iter().take(SHOWN_MAX) {
            // Writing to a `String` does not fail, and a snippet that can't be read must not hide the message.
            if handler.render_report(&mut out, report).is_err() {
                out.push_str(&format!("  × {report}\n"));
            }
            out.push('\n');
        }
        out.push_str(&format!("{self}\n"));
        out
    }

    fn add(&mut self, problem: Problem) {
        self.reports.push(Report { file: self.file.clone(), problem });
    }

    fn sort(&mut self) {
        self.reports.sort_by_key(|report| (report.problem.place.start, report.problem.place.end));
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            1 => write!(f, "{}: 1 problem", self.file.name),
            count if count > SHOWN_MAX => {
                write!(f, "{}: {count} problems, the first {SHOWN_MAX} are shown", self.file.name)
            }
            count => write!(f, "{}: {count} problems", self.file.name),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.reports.iter().take(SHOWN_MAX).map(|report| report as &dyn Diagnostic)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.file)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let text = &self.file.text;
        let main = LabeledSpan::new_primary_with_span(self.problem.label.clone(), span(&self.problem.place, text));
        let other = self
            .problem
            .other
            .as_ref()
            .filter(|(place, _)| near(place, &self.problem.place, text))
            .map(|(place, label)| LabeledSpan::at(span(place, text), label.clone()));
        Some(Box::new(std::iter::once(main).chain(other)))
    }
}

/// The place within the text, on character boundaries and not endless, whatever was asked for.
fn span(place: &Place, text: &str) -> SourceSpan {
    let start = text.floor_char_boundary(place.start.min(text.len()));
    let end = place.end.clamp(start, text.len()).min(start + LINE_BYTES_MAX);
    (start, text.ceil_char_boundary(end) - start).into()
}

/// Whether two places can be shown together: not so if they lie far apart on one endless line.
fn near(a: &Place, b: &Place, text: &str) -> bool {
    let gap = text.get(a.end.min(b.end)..a.start.max(b.start)).unwrap_or_default();
    gap.len() <= LINE_BYTES_MAX || gap.contains('\n')
}

/// Shows the lines that a span touches and no others: the neighbours may hold a password that somebody typed.
impl SourceCode for SourceText {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        _context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let before = self.text.get(..start).ok_or(MietteError::OutOfBounds)?;
        let after = self.text.get(end..).ok_or(MietteError::OutOfBounds)?;
        let true_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_start = self.text.ceil_char_boundary(true_start.max(start.saturating_sub(LINE_BYTES_MAX)));
        let line_end = end + after.find('\n').unwrap_or(after.len()).min(LINE_BYTES_MAX);
        let line_end = self.text.floor_char_boundary(line_end);
        // Without context `miette` asks for the line and column of the span's own start.
        let (from, column) = if context_lines_before == 0 {
            (start, self.text[true_start..start].chars().count())
        } else {
            (line_start, 0)
        };
        let line = before.bytes().filter(|byte| *byte == b'\n').count();
        let data = &self.text.as_bytes()[from..line_end];
        let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
        let range = (from, line_end - from).into();
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), data, range, line, column, lines)))
    }
}
