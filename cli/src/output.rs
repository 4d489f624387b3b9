//! Tables for people, JSON and CSV for programs. The same rows in all three.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets::NOTHING};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value};

use crate::arguments::Format;

/// Rows under names.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    names: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self { names: names.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes them; `nothing` is what a person reads where there are none.
    pub(crate) fn write(&self, format: Format, nothing: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match format {
            Format::Table if self.rows.is_empty() => writeln!(out, "{nothing}"),
            Format::Table => writeln!(out, "{}", self.table()),
            Format::Json => {
                let object = |row: &Vec<String>| {
                    let pairs = self.names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), Value::from(cell.clone())));
                    Value::Object(pairs.collect::<Map<_, _>>())
                };
                let all: Vec<Value> = self.rows.iter().map(object).collect();
                serde_json::to_writer_pretty(&mut out, &all)?;
                writeln!(out)
            }
            Format::Csv => {
                writeln!(out, "{}", self.names.join(","))?;
                self.rows.iter().try_for_each(|row| writeln!(out, "{}", row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",")))
            }
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if !io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        if !coloured() {
            table.force_no_tty();
        }
        table.set_header(self.names.iter().map(|name| name.to_uppercase()));
        self.rows.iter().for_each(|row| {
            table.add_row(row.iter().map(|cell| match colour(cell) {
                Some(colour) => Cell::new(cell).fg(colour),
                None => Cell::new(cell),
            }));
        });
        table.lines().map(|line| line.trim_end().trim_start_matches(' ').to_owned()).collect::<Vec<_>>().join("\n")
    }
}

/// A number with its noun.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Colours are for terminals whose user has nothing against them (no-color.org).
fn coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The words that a reader looks for.
fn colour(cell: &str) -> Option<Color> {
    match cell {
        "accept" | "accepted" | "justified" | "fine" => Some(Color::Green),
        "refer" | "referred" | "warning" | "unknown" => Some(Color::Yellow),
        "reject" | "rejected" | "unjustified" | "critical" | "failed" | "disputed" | "mend" => Some(Color::Red),
        _ => None,
    }
}

/// A bar on a terminal, while something is read; nothing elsewhere.
pub(crate) fn progress(of: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(of as u64), ProgressDrawTarget::stderr());
    // The template is a constant: were it wrong, the bar would merely look otherwise.
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(what)
}

/// The same where nobody knows how much there is.
pub(crate) fn waiting(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(what);
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}

fn quoted(cell: &str) -> String {
    let inert = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() };
    if inert.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", inert.replace('"', "\"\"")) } else { inert }
}
