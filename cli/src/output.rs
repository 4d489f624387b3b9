//! Tables for people, JSON and CSV for programs. The same rows in all three.

use std::{
    fmt,
    io::{self, IsTerminal, StdoutLock, Write},
    sync::OnceLock,
};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde_json::{Map, Value};
use warden::message::csv;

use crate::arguments::Format;

/// In place of the standard library's, which panic where nobody reads: `warden … | head` is no fault.
macro_rules! print {
    ($($what:tt)*) => { $crate::output::say(format_args!($($what)*)) };
}

/// See [`print`].
macro_rules! println {
    ($($what:tt)*) => { $crate::output::say(format_args!("{}\n", format_args!($($what)*))) };
}

/// See [`print`].
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::output::remark(format_args!($($what)*)) };
}

/// Why standard output takes nothing any more.
static CLOSED: OnceLock<io::Error> = OnceLock::new();

/// Writes to standard output. Where that fails the command goes on in silence, so that what it does is not left half done;
/// [`closed`] tells of it at the end.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    write(|out| out.write_fmt(what));
}

/// Writes to standard error, if anybody reads it.
pub(crate) fn remark(what: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "{what}"));
}

/// Why not all could be written.
pub(crate) fn closed() -> Option<&'static io::Error> {
    write(|out| out.flush());
    CLOSED.get()
}

fn write(what: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) {
    if CLOSED.get().is_none()
        && let Err(error) = what(&mut io::stdout().lock())
    {
        drop(CLOSED.set(error));
    }
}

/// The columns that hold sentences: on a narrow terminal these are wrapped, and no other.
const SENTENCES: [&str; 4] = ["because", "by", "do", "what"];

/// Between columns.
const GAP: u16 = 2;

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
    pub(crate) fn write(&self, format: Format, nothing: &str) {
        write(|out| match format {
            Format::Table if self.rows.is_empty() => writeln!(out, "{nothing}"),
            Format::Table => writeln!(out, "{}", self.table(Table::new().width(), coloured())),
            Format::Json => {
                let object = |row: &Vec<String>| {
                    let pairs = self.names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), Value::from(cell.clone())));
                    Value::Object(pairs.collect::<Map<_, _>>())
                };
                let all: Vec<Value> = self.rows.iter().map(object).collect();
                serde_json::to_writer_pretty(&mut *out, &all)?;
                writeln!(out)
            }
            Format::Csv => {
                writeln!(out, "{}", csv::line(&self.names))?;
                self.rows.iter().try_for_each(|row| writeln!(out, "{}", csv::line(row)))
            }
        });
    }

    /// As wide as it needs to be, or as the terminal is. No word is ever broken, least of all an id: what does not fit even
    /// so is left to the terminal.
    fn table(&self, terminal: Option<u16>, coloured: bool) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        if coloured {
            table.enforce_styling();
        }
        table.set_header(self.names.iter().map(|name| name.to_uppercase()));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| match colour(cell) {
                Some(colour) => Cell::new(shown(cell)).fg(colour),
                None => Cell::new(shown(cell)),
            }));
        }
        let widths = table.column_max_content_widths();
        let least: Vec<u16> = self.names.iter().zip(&widths).enumerate().map(|(at, (name, width))| self.least(at, name, *width)).collect();
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

    /// How narrow a column may become.
    fn least(&self, at: usize, name: &str, width: u16) -> u16 {
        if !SENTENCES.contains(&name) {
            return width;
        }
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
        let words = cells.chain([name]).flat_map(str::split_whitespace);
        words.map(|word| word.chars().count()).max().and_then(|count| u16::try_from(count).ok()).unwrap_or(width)
    }
}

/// A time is short enough for a table without what is smaller than a second; all else is as it is.
fn shown(cell: &str) -> String {
    cell.parse::<Timestamp>().map_or_else(|_| cell.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// A time in a sentence.
pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
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
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Rows {
        let mut rows = Rows::new(&["service", "endpoint", "account", "because"]);
        let because = "granted by arn:aws:iam::123456789012:root: a pilot that ends soon";
        rows.push(["redis".into(), "vpce-0c1308d7312217abc".into(), "111122223333".into(), because.into()]);
        rows
    }

    #[test]
    fn on_a_narrow_terminal_sentences_wrap_under_themselves_and_ids_stay_whole() {
        let table = plan().table(Some(80), false);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("vpce-0c1308d7312217abc") && table.contains("arn:aws:iam::123456789012:root:"), "{table}");
        assert!(lines.len() > 2, "{table}");
        let start = lines[0].find("BECAUSE").unwrap();
        assert_eq!(lines[2].find(|letter| letter != ' '), Some(start), "{table}");
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_terminal() {
        let wide = plan().table(None, false);
        assert_eq!(wide.lines().count(), 2);
        assert_eq!(plan().table(Some(60), false), wide);
    }

    #[test]
    fn colours_do_not_move_anything() {
        let mut rows = Rows::new(&["would", "because"]);
        rows.push(["accept".into(), "redis-consumers".into()]);
        let (coloured, plain) = (rows.table(Some(80), true), rows.table(Some(80), false));
        assert_ne!(coloured, plain);
        let parts = coloured.split('\u{1b}').enumerate();
        let letters: String = parts.map(|(at, part)| if at == 0 { part } else { part.split_once('m').unwrap().1 }).collect();
        assert_eq!(letters, plain);
    }

    #[test]
    fn a_table_shows_seconds_and_programs_get_all_of_a_time() {
        assert_eq!(shown("2026-06-01T12:00:00.123456789Z"), "2026-06-01 12:00:00");
        assert_eq!(shown("a pilot"), "a pilot");
    }
}
