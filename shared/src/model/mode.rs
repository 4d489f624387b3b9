//! The mode of a deployment.

use std::str::FromStr;

/// Whether the warden acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It judges, records and tells, and touches nothing.
    Observe,
    /// It accepts and rejects.
    Active,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "observe" => Ok(Self::Observe),
            "active" => Ok(Self::Active),
            _ => Err(format!("`{text}` is no mode")),
        }
    }
}
