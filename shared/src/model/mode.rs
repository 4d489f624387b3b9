//! The mode: observe or active.

use std::str::FromStr;

/// The mode of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The warden decides, records and tells, and does not act.
    Observe,
    /// The warden accepts and rejects.
    Active,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "observe" => Ok(Self::Observe),
            "active" => Ok(Self::Active),
            _ => Err(format!("`{text}` is not a mode")),
        }
    }
}
