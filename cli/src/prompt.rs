//! Questions to the user.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::error::CliError;

/// Asks for confirmation on the terminal. Without a terminal, `--yes` must be given.
pub(crate) fn confirm(yes: bool, question: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{question}\n  standard input is not a terminal: give --yes to confirm")));
    }
    print!("{question} [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(CliError::Declined) }
}
