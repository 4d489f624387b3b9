//! The requester's account as AWS Organizations describes it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::ids::RoleArn;

/// The warden's access to AWS Organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationAccess {
    /// No access. A request that depends on the organization stays pending.
    None,
    /// The warden's own role: its account is the management account or a delegated administrator.
    Direct,
    /// A role in such an account.
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

/// An account's membership in the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Membership {
    /// AWS Organizations was not asked, because no policy could depend on the answer.
    #[default]
    NotAsked,
    /// The account does not belong to the organization.
    Outside,
    /// The account belongs to the organization.
    Member(Member),
    /// AWS Organizations gave no answer.
    Unknown {
        /// The reason.
        why: String,
    },
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The account's name. The account chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The account's state as AWS Organizations spells it: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, …
    pub state: String,
    /// The root and the organizational units above it, from the top.
    pub units: Vec<String>,
}

impl Membership {
    /// Returns true if AWS Organizations gave an answer.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Outside | Self::Member(_))
    }

    /// Returns the member, if the account is known to be one.
    #[must_use]
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Member(member) => Some(member),
            Self::NotAsked | Self::Outside | Self::Unknown { .. } => None,
        }
    }

    /// Returns the state of a member that is not active: suspended, closing, closed, or one that this version does not know.
    #[must_use]
    pub fn inactive(&self) -> Option<&str> {
        self.member().map(|member| member.state.as_str()).filter(|state| *state != "ACTIVE")
    }
}

/// Returns the root and the units in a path of AWS Organizations: `o-…/r-…/ou-…/ou-…/ACCOUNT/`.
#[must_use]
pub fn units(path: &str) -> Vec<String> {
    path.split('/').filter(|part| is_unit(part)).map(str::to_owned).collect()
}

/// Returns true if the text has the form of an id of a root or a unit.
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
    fn path_yields_root_and_units() {
        let path = "o-a1b2c3d4e5/r-f6g7h8i9j0example/ou-ghi0-awsccccc/ou-jkl0-awsddddd/123456789012/";
        assert_eq!(units(path), ["r-f6g7h8i9j0example", "ou-ghi0-awsccccc", "ou-jkl0-awsddddd"]);
        for other in ["", "r-", "r-ABCD", "ou-abcd", "ou-abcd-short", "ou-abcd-1234567!", "123456789012", "o-a1b2c3d4e5"] {
            assert!(!is_unit(other), "{other}");
        }
    }
}
