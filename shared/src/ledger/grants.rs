//! Grants as the ledger stores them.

use serde::Deserialize;

use crate::decision::grant::{Grant, SCHEMA_VERSION};

/// A grant that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Not of the documented shape.
    #[error("not a grant")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the grant has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}

/// Reads a grant back.
///
/// # Errors
/// When it is none, or one of a newer schema.
pub fn grant_from_json(text: &str) -> Result<Grant, GrantError> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let Version { schema } = serde_json::from_str(text)?;
    if schema > SCHEMA_VERSION {
        return Err(GrantError::Newer(schema));
    }
    Ok(serde_json::from_str(text)?)
}
