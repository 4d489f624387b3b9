//! AWS Organizations' `DescribeAccount`, as far as its documentation tells.

use std::collections::BTreeMap;

use super::Ec2Error;

/// The organization and who is in it. Whoever is not in it is unknown to it.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    accounts: BTreeMap<String, OrganizationAccount>,
}

/// One of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// Its name.
    pub name: String,
    /// `PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    pub state: String,
    /// `o-…/r-…/ou-…/…/ACCOUNT/`.
    pub path: String,
}

impl Organization {
    /// Takes an account in, or moves it.
    pub fn put(&mut self, id: &str, account: OrganizationAccount) {
        self.accounts.insert(id.to_owned(), account);
    }

    /// Lets an account go.
    pub fn remove(&mut self, id: &str) {
        self.accounts.remove(id);
    }

    /// Describes an account.
    ///
    /// # Errors
    /// `AccountNotFoundException` for one that is not in the organization.
    pub fn describe(&self, id: &str) -> Result<&OrganizationAccount, Ec2Error> {
        let message = "You specified an account that doesn't exist.";
        self.accounts.get(id).ok_or_else(|| Ec2Error::new("AccountNotFoundException", message))
    }
}
