//! Tables for people, JSON and CSV for programs. The same rows in all three.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
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
        table.set_header(self.names.iter().map(|name| name.to_uppercase()));
        self.rows.iter().for_each(|row| {
            table.add_row(row);
        });
        table.lines().map(|line| line.trim_end().trim_start_matches(' ').to_owned()).collect::<Vec<_>>().join("\n")
    }
}

fn quoted(cell: &str) -> String {
    let inert = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() };
    if inert.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", inert.replace('"', "\"\"")) } else { inert }
}
