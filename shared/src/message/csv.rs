//! Comma-separated values that a spreadsheet reads as text (RFC 4180).

/// One line without its end. A cell that a spreadsheet would take for a formula begins with an apostrophe.
#[must_use]
pub fn line<T: AsRef<str>>(cells: &[T]) -> String {
    cells.iter().map(|cell| quoted(inert(cell.as_ref()))).collect::<Vec<_>>().join(",")
}

/// Tab and carriage return lead to the same: spreadsheets skip them before a formula.
fn inert(cell: &str) -> String {
    let apostrophe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{apostrophe}{cell}")
}

fn quoted(cell: String) -> String {
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn formulas_become_text() {
        for start in ['=', '+', '-', '@', '\t'] {
            assert_eq!(line(&[format!("{start}1")]), format!("'{start}1"));
        }
        assert_eq!(line(&["\r=1"]), "\"'\r=1\"");
        assert_eq!(line(&["vpce-1", "1=1"]), "vpce-1,1=1");
    }

    #[test]
    fn separators_and_quotes_are_quoted() {
        assert_eq!(line(&["a,b", "say \"x\"", "two\nlines", ""]), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",");
    }
}
