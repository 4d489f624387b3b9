//! Allowed principals: the accounts, users and roles that may create an endpoint for a service.

use super::{
    error::{Ec2Error, Ec2Result},
    filters::{Filter, Page, PageRequest},
    model::Permission,
    state::World,
};

impl World {
    /// Adds and removes allowed principals, and returns those added. Existing connections stay as they are.
    pub fn modify_permissions(&mut self, owner: &str, service_id: &str, add: &[String], remove: &[String]) -> Ec2Result<Vec<Permission>> {
        self.owned_service(owner, service_id)?;
        let types = add.iter().map(|principal| principal_type(principal)).collect::<Result<Vec<_>, _>>()?;
        self.permissions.retain(|permission| permission.service_id != service_id || !remove.contains(&permission.principal));
        let mut added = Vec::new();
        for (principal, principal_type) in add.iter().zip(types) {
            if self.permissions.iter().any(|permission| permission.service_id == service_id && permission.principal == *principal) {
                continue;
            }
            let permission = Permission {
                id: self.id("vpce-svc-perm-"),
                service_id: service_id.to_owned(),
                principal: principal.clone(),
                principal_type: principal_type.to_owned(),
            };
            self.permissions.push(permission.clone());
            added.push(permission);
        }
        Ok(added)
    }

    /// Describes a service's allowed principals.
    pub fn describe_permissions(
        &self,
        owner: &str,
        service_id: &str,
        filters: &[Filter],
        page: PageRequest,
    ) -> Ec2Result<Page<Permission>> {
        self.owned_service(owner, service_id)?;
        let permissions = self.permissions.iter().filter(|permission| permission.service_id == service_id);
        self.page(permissions, filters, &page, |permission, name| match name {
            "principal" => Some(vec![&permission.principal]),
            "principal-type" => Some(vec![&permission.principal_type]),
            _ => None,
        })
    }

    /// Returns the permissions for tests to change.
    pub fn permissions_mut(&mut self) -> &mut Vec<Permission> {
        &mut self.permissions
    }

    /// Returns true if a principal of the account is allowed. Callers are accounts here: the permission of a user or a role
    /// admits its whole account.
    pub(super) fn is_allowed(&self, account: &str, service_id: &str) -> bool {
        self.permissions
            .iter()
            .filter(|permission| permission.service_id == service_id)
            .any(|permission| permission.principal == "*" || account_of(&permission.principal) == Some(account))
    }
}

/// Returns the `PrincipalType`. EC2 refuses ARNs of STS sessions.
fn principal_type(principal: &str) -> Ec2Result<&'static str> {
    let invalid = || Ec2Error::new("InvalidPrincipal", format!("Invalid Principal: '{principal}'"));
    if principal == "*" {
        return Ok("All");
    }
    account_of(principal).ok_or_else(invalid)?;
    match principal.splitn(6, ':').nth(5) {
        None | Some("root") => Ok("Account"),
        Some(resource) if resource.starts_with("user/") => Ok("User"),
        Some(resource) if resource.starts_with("role/") => Ok("Role"),
        Some(_) => Err(invalid()),
    }
}

fn account_of(principal: &str) -> Option<&str> {
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    let account = match parts.as_slice() {
        [account] => account,
        ["arn", _, "iam", "", account, _] => account,
        _ => return None,
    };
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(*account)
}
