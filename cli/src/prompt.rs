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
    if is_yes(&answer) { Ok(()) } else { Err(CliError::Declined) }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn yes_may_be_capital() {
        assert!(["y", "Y", "yes", "Yes", "YES\n"].into_iter().all(is_yes));
        assert!(!["", "n", "no", "yess", "sure"].into_iter().any(is_yes));
    }
}
