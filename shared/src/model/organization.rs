//! The account that asks, as AWS Organizations describes it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::ids::RoleArn;

/// How Organizations can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationAccess {
    /// Not at all: what depends on it waits.
    None,
    /// With the warden's own role: its account is the management account or a delegated administrator.
    Direct,
    /// Through a role in such an account.
    Role(RoleArn),
}

impl FromStr for OrganizationAccess {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "direct" => Ok(Self::Direct),
            role => role.parse().map(Self::Role).map_err(|_| format!("`{text}` is neither `none` nor `direct` nor the ARN of a role")),
        }
    }
}

/// Whether an account belongs to the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Membership {
    /// Nobody asked, for no policy could depend on it.
    #[default]
    NotAsked,
    /// It is none of the organization's accounts.
    Outside,
    /// It is one of them.
    Member(Member),
    /// Organizations did not say. What depends on it cannot be decided.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name. Its own people choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its state, as the wire spells it: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, …
    pub state: String,
    /// The root and the organizational units above it, from the top.
    pub units: Vec<String>,
}

impl Membership {
    /// What is known of the account: that it is no member, or which.
    ///
    /// # Errors
    /// When nothing is known.
    pub(crate) fn known(&self) -> Result<Option<&Member>, NotKnown> {
        match self {
            Self::Outside => Ok(None),
            Self::Member(member) => Ok(Some(member)),
            Self::NotAsked | Self::Unknown { .. } => Err(NotKnown),
        }
    }

    /// The root and the units above the account; empty if they are not known.
    #[must_use]
    pub fn units(&self) -> &[String] {
        match self {
            Self::Member(member) => &member.units,
            Self::NotAsked | Self::Outside | Self::Unknown { .. } => &[],
        }
    }

    /// The state of a member that is not active: suspended, closing, closed, or one that this version does not know.
    #[must_use]
    pub fn inactive(&self) -> Option<&str> {
        match self {
            Self::Member(member) if member.state != "ACTIVE" => Some(&member.state),
            Self::Member(_) | Self::NotAsked | Self::Outside | Self::Unknown { .. } => None,
        }
    }
}

/// Nothing is known of the organization.
#[derive(Debug)]
pub(crate) struct NotKnown;

/// The units in a path as Organizations gives it: `o-…/r-…/ou-…/ou-…/ACCOUNT/`.
#[must_use]
pub fn units(path: &str) -> Vec<String> {
    path.split('/').filter(|part| is_unit(part)).map(str::to_owned).collect()
}

/// Whether a text has the form of a root's or a unit's id.
#[must_use]
pub fn is_unit(text: &str) -> bool {
    let plain =
        |part: &str, least: usize| (least..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    match (text.strip_prefix("r-"), text.strip_prefix("ou-").and_then(|rest| rest.split_once('-'))) {
        (Some(root), _) => plain(root, 4),
        (None, Some((root, unit))) => plain(root, 4) && plain(unit, 8),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_root_and_every_unit_and_nothing_else() {
        let path = "o-a1b2c3d4e5/r-f6g7h8i9j0example/ou-ghi0-awsccccc/ou-jkl0-awsddddd/123456789012/";
        assert_eq!(units(path), ["r-f6g7h8i9j0example", "ou-ghi0-awsccccc", "ou-jkl0-awsddddd"]);
        for other in ["", "r-", "r-ABCD", "ou-abcd", "ou-abcd-short", "ou-abcd-1234567!", "123456789012", "o-a1b2c3d4e5"] {
            assert!(!is_unit(other), "{other}");
        }
    }
}
