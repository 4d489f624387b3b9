//! Rows of named columns: a table for people, JSON and CSV for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING};
use jiff::Timestamp;
use serde_json::{Map, Value};
use warden::{
    message::csv,
    model::printable::{printable_json, printable_lines},
};

use crate::arguments::Format;

/// The columns that hold sentences: a narrow terminal wraps these and no others.
const SENTENCES: [&str; 7] = ["because", "by", "detail", "ended", "fix", "services", "what"];

const GAP: u16 = 2;

#[derive(Debug, Default)]
pub(crate) struct Rows {
    names: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self { names: names.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [&str; N]) {
        self.rows.push(row.map(str::to_owned).to_vec());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the rows. `none` is the sentence that replaces an empty table.
    pub(crate) fn write(&self, format: Format, none: &str) {
        super::print::write(|out| match format {
            Format::Table if self.rows.is_empty() => writeln!(out, "{none}"),
            Format::Table => writeln!(out, "{}", self.table(Table::new().width(), colored())),
            Format::Json => {
                let object = |row: &Vec<String>| {
                    let pairs = self.names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), Value::from(cell.clone())));
                    Value::Object(pairs.collect::<Map<_, _>>())
                };
                let rows: Vec<_> = self.rows.iter().map(object).collect();
                writeln!(out, "{}", printable_json(&serde_json::to_string_pretty(&rows)?))
            }
            Format::Csv => {
                writeln!(out, "{}", csv::line(&self.names))?;
                self.rows.iter().try_for_each(|row| writeln!(out, "{}", printable_lines(&csv::line(row))))
            }
        });
    }

    /// The table, as wide as its content or the terminal. No word is broken, in particular no id: a row that still does
    /// not fit is left to the terminal.
    fn table(&self, terminal: Option<u16>, colored: bool) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        if colored {
            table.enforce_styling();
        }
        table.set_header(self.names.iter().map(|name| name.to_uppercase()));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| match color(cell) {
                Some(color) => Cell::new(shown(cell)).fg(color),
                None => Cell::new(shown(cell)),
            }));
        }
        let widths = table.column_max_content_widths();
        let least: Vec<u16> =
            self.names.iter().zip(&widths).enumerate().map(|(at, (name, width))| self.width_min(at, name, *width)).collect();
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, GAP));
        });
        if let Some(terminal) = terminal.filter(|width| least.iter().map(|width| width + GAP).sum::<u16>() <= *width) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(terminal);
            for ((column, width), least) in table.column_iter_mut().zip(widths).zip(least) {
                column.set_constraint(match width == least {
                    true => ColumnConstraint::ContentWidth,
                    false => ColumnConstraint::LowerBoundary(Width::Fixed(least + GAP)),
                });
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// The narrowest width of a column: its longest word if it holds sentences.
    fn width_min(&self, at: usize, name: &str, width: u16) -> u16 {
        if !SENTENCES.contains(&name) {
            return width;
        }
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
        let words = cells.chain([name]).flat_map(str::split_whitespace);
        words.map(|word| word.chars().count()).max().and_then(|count| u16::try_from(count).ok()).unwrap_or(width)
    }
}

/// A cell as a table shows it: harmless for terminals, times in UTC without fractions of a second.
fn shown(cell: &str) -> String {
    cell.parse::<Timestamp>().map_or_else(|_| printable_lines(cell), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Returns true on a terminal, unless `NO_COLOR` is set (no-color.org).
fn colored() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn color(cell: &str) -> Option<Color> {
    match cell {
        "accept" | "accepted" | "justified" | "ok" | "pass" => Some(Color::Green),
        "refer" | "referred" | "warning" | "unknown" | "not checked" | "skipped" | "stopped" => Some(Color::Yellow),
        "reject" | "rejected" | "unjustified" | "critical" | "failed" | "disputed" | "problem" | "fail" => Some(Color::Red),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Rows {
        let mut rows = Rows::new(&["service", "endpoint", "account", "because"]);
        let because = "granted by arn:aws:iam::123456789012:root: a pilot that ends soon";
        rows.push(["redis", "vpce-0c1308d7312217abc", "111122223333", because]);
        rows
    }

    #[test]
    fn narrow_terminal_wraps_sentences_not_ids() {
        let table = plan().table(Some(80), false);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("vpce-0c1308d7312217abc") && table.contains("arn:aws:iam::123456789012:root:"), "{table}");
        assert!(lines.len() > 2, "{table}");
        let start = lines[0].find("BECAUSE").unwrap();
        assert_eq!(lines[2].find(|letter| letter != ' '), Some(start), "{table}");
    }

    #[test]
    fn table_too_wide_is_not_wrapped() {
        let wide = plan().table(None, false);
        assert_eq!((wide.lines().count(), &plan().table(Some(60), false)), (2, &wide));
    }

    #[test]
    fn colors_do_not_change_layout() {
        let mut rows = Rows::new(&["would", "because"]);
        rows.push(["accept", "redis-consumers"]);
        let (colored, plain) = (rows.table(Some(80), true), rows.table(Some(80), false));
        assert_ne!(colored, plain);
        let parts = colored.split('\u{1b}').enumerate();
        let letters: String = parts.map(|(at, part)| if at == 0 { part } else { part.split_once('m').unwrap().1 }).collect();
        assert_eq!(letters, plain);
    }

    #[test]
    fn cells_are_harmless_for_terminals() {
        let mut rows = Rows::new(&["service"]);
        rows.push(["r\u{e9}dis\u{1b}[2J\u{202e}"]);
        assert_eq!(rows.table(None, false).lines().last(), Some("rédis\\u{1b}[2J\\u{202e}"));
    }

    #[test]
    fn table_shows_times_to_the_second() {
        assert_eq!(shown("2026-06-01T12:00:00.123456789Z"), "2026-06-01 12:00:00Z");
        assert_eq!(shown("a pilot"), "a pilot");
    }
}
