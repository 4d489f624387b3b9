//! AWS Organizations, as `DescribeAccount` shows it.

use std::collections::BTreeMap;

use super::error::{Ec2Error, Ec2Result};

/// The accounts of one organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    accounts: BTreeMap<String, OrganizationAccount>,
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

impl Organization {
    /// Adds an account, or replaces it.
    pub fn put(&mut self, id: &str, account: OrganizationAccount) {
        self.accounts.insert(id.to_owned(), account);
    }

    /// Removes an account.
    pub fn remove(&mut self, id: &str) {
        self.accounts.remove(id);
    }

    /// Describes an account; `AccountNotFoundException` outside the organization.
    pub fn describe(&self, id: &str) -> Ec2Result<&OrganizationAccount> {
        let message = "You specified an account that doesn't exist.";
        self.accounts.get(id).ok_or_else(|| Ec2Error::new("AccountNotFoundException", message))
    }
}
