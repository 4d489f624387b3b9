//! AWS Organizations, as `DescribeAccount` shows it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Ec2Error, Ec2Result};

/// The accounts of one organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    accounts: BTreeMap<String, OrganizationAccount>,
    /// The management account and the delegated administrators; `None`: any account may call `DescribeAccount`.
    callers: Option<BTreeSet<String>>,
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// `Name`.
    pub name: String,
    /// `PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    pub state: String,
    /// `o-…/r-…/ou-…/…/ACCOUNT/`.
    pub path: String,
}

impl OrganizationAccount {
    /// `Status`, which AWS retires in favour of `State`. It has no values for an account that is not yet active or is closed. (inference)
    pub fn status(&self) -> &str {
        match self.state.as_str() {
            "PENDING_ACTIVATION" => "ACTIVE",
            "CLOSED" => "SUSPENDED",
            state => state,
        }
    }
}

impl Organization {
    /// Adds an account, or replaces it.
    pub fn put(&mut self, id: &str, account: OrganizationAccount) {
        self.accounts.insert(id.to_owned(), account);
    }

    /// Removes an account.
    pub fn remove(&mut self, id: &str) {
        self.accounts.remove(id);
    }

    /// Names the management account and the delegated administrators. Other accounts may not call `DescribeAccount`.
    pub fn set_callers(&mut self, accounts: impl IntoIterator<Item = String>) {
        self.callers = Some(accounts.into_iter().collect());
    }

    /// Checks that an account may call `DescribeAccount`.
    pub fn check_caller(&self, account: &str) -> Ec2Result<()> {
        if self.callers.as_ref().is_none_or(|callers| callers.contains(account)) {
            Ok(())
        } else {
            Err(Ec2Error::new("AccessDeniedException", "You don't have permissions to access this resource."))
        }
    }

    /// Describes an account; `AccountNotFoundException` outside the organization.
    pub fn describe(&self, id: &str) -> Ec2Result<&OrganizationAccount> {
        let message = "You specified an account that doesn't exist.";
        self.accounts.get(id).ok_or_else(|| Ec2Error::new("AccountNotFoundException", message))
    }
}
