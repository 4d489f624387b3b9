//! The allowed principals of an endpoint service.

use serde::{Deserialize, Serialize};

use crate::model::{ids::AccountId, subject::SubjectKind};

/// One allowed principal of an endpoint service (`DescribeVpcEndpointServicePermissions`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedPrincipal {
    /// The principal as EC2 returned it. A command that removes it must use this text.
    pub text: String,
    /// The parsed principal.
    pub principal: Principal,
    /// What the principal may request: EC2's `PermissionType`.
    #[serde(default, skip_serializing_if = "SubjectKind::is_default")]
    pub may_request: SubjectKind,
}

/// A principal that may request connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Principal {
    /// `*`: every AWS account.
    Anyone,
    /// Every principal of an account: `arn:…:root`, or the bare id.
    Account {
        /// The account.
        account: AccountId,
        /// True if it is written as a bare id.
        bare: bool,
    },
    /// One IAM user.
    User {
        /// The account of the user.
        account: AccountId,
    },
    /// One IAM role.
    Role {
        /// The account of the role.
        account: AccountId,
    },
    /// An organizational unit.
    Unit {
        /// The unit's id, `ou-…`.
        unit: String,
    },
    /// A type or a form that this version does not know, such as `Service`.
    Unknown {
        /// EC2's `PrincipalType`.
        kind: String,
    },
}

impl AllowedPrincipal {
    /// Parses a principal. If its text does not agree with EC2's type, it is unknown.
    #[must_use]
    pub fn parse(kind: &str, text: &str) -> Self {
        let principal = parse(kind, text).unwrap_or_else(|| Principal::Unknown { kind: kind.to_owned() });
        Self { text: text.to_owned(), principal, may_request: SubjectKind::Endpoint }
    }

    /// Returns the principal with EC2's `PermissionType`. One of another type is unknown.
    #[must_use]
    pub fn of_type(self, permission_type: &str) -> Self {
        match permission_type.parse() {
            Ok(may_request) => Self { may_request, ..self },
            Err(_) => Self { principal: Principal::Unknown { kind: permission_type.to_owned() }, ..self },
        }
    }
}

impl Principal {
    /// Returns the account that the principal is or belongs to.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account { account, .. } | Self::User { account } | Self::Role { account } => Some(account),
            Self::Anyone | Self::Unit { .. } | Self::Unknown { .. } => None,
        }
    }

    /// Returns true if the principal permits requests of the account, and `None` if that depends on the organization.
    #[must_use]
    pub fn admits(&self, account: &AccountId) -> Option<bool> {
        match self {
            Self::Anyone => Some(true),
            Self::Unit { .. } | Self::Unknown { .. } => None,
            Self::Account { .. } | Self::User { .. } | Self::Role { .. } => Some(self.account() == Some(account)),
        }
    }
}

/// Parses a principal. If EC2 omits the type, the text alone decides.
fn parse(kind: &str, text: &str) -> Option<Principal> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let principal = match parts.as_slice() {
        ["*"] => Principal::Anyone,
        [account] => Principal::Account { account: account.parse().ok()?, bare: true },
        ["arn", _, "iam", "", account, resource] => {
            let account = account.parse().ok()?;
            match *resource {
                "root" => Principal::Account { account, bare: false },
                _ if resource.starts_with("user/") => Principal::User { account },
                _ if resource.starts_with("role/") => Principal::Role { account },
                _ => return None,
            }
        }
        ["arn", _, "organizations", "", _, resource] => {
            let unit = resource.strip_prefix("ou/")?.rsplit('/').next().filter(|unit| unit.starts_with("ou-"))?;
            Principal::Unit { unit: unit.to_owned() }
        }
        _ => return None,
    };
    let said = match principal {
        Principal::Anyone => "All",
        Principal::Account { .. } => "Account",
        Principal::User { .. } => "User",
        Principal::Role { .. } => "Role",
        Principal::Unit { .. } => "OrganizationUnit",
        Principal::Unknown { .. } => return None,
    };
    (kind.is_empty() || kind == said).then_some(principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_parsed_by_type() {
        let account: AccountId = "111122223333".parse().unwrap();
        for (kind, text, expected) in [
            ("All", "*", Principal::Anyone),
            ("Account", "arn:aws:iam::111122223333:root", Principal::Account { account: account.clone(), bare: false }),
            ("Account", "111122223333", Principal::Account { account: account.clone(), bare: true }),
            ("", "111122223333", Principal::Account { account: account.clone(), bare: true }),
            ("Role", "arn:aws-cn:iam::111122223333:role/deployer", Principal::Role { account: account.clone() }),
            ("User", "arn:aws:iam::111122223333:user/kim", Principal::User { account: account.clone() }),
            (
                "OrganizationUnit",
                "arn:aws:organizations::999988887777:ou/o-a1b2c3d4e5/ou-ab12-11112222",
                Principal::Unit { unit: "ou-ab12-11112222".to_owned() },
            ),
        ] {
            assert_eq!(AllowedPrincipal::parse(kind, text).principal, expected, "{kind} {text}");
        }
    }

    #[test]
    fn permission_types_are_parsed() {
        let of_type = |text: &str| AllowedPrincipal::parse("Account", "111122223333").of_type(text);
        assert_eq!(of_type("vpc-endpoint").may_request, SubjectKind::Endpoint);
        assert_eq!(of_type("transit-gateway-attachment").may_request, SubjectKind::Attachment);
        assert_eq!(of_type("moon-base").principal, Principal::Unknown { kind: "moon-base".to_owned() });
    }

    #[test]
    fn type_mismatch_is_unknown() {
        for (kind, text) in [
            ("Service", "redis.example.com"),
            ("Account", "arn:aws:iam::111122223333:role/x"),
            ("Account", "1111222233334"),
            ("Role", "arn:aws:sts::111122223333:assumed-role/x/session"),
            ("Planet", "*"),
        ] {
            assert_eq!(AllowedPrincipal::parse(kind, text).principal, Principal::Unknown { kind: kind.to_owned() }, "{kind} {text}");
        }
    }
}
