//! Who may ask: a service's allowed principals.

use super::{Ec2Error, Filter, Page, PageRequest, World, filters::passes};

/// One allowed principal of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `vpce-svc-perm-…`.
    pub id: String,
    /// The service.
    pub service_id: String,
    /// `*`, an ARN or a bare account id.
    pub principal: String,
    /// `All`, `Account`, `User`, `Role`, `OrganizationUnit` or `Service`.
    pub principal_type: String,
}

impl World {
    /// Adds and removes allowed principals. Existing connections stay as they are.
    ///
    /// # Errors
    /// For a service that is not the caller's, or `InvalidPrincipal`.
    pub fn modify_permissions(
        &mut self,
        owner: &str,
        service_id: &str,
        add: &[String],
        remove: &[String],
    ) -> Result<Vec<Permission>, Ec2Error> {
        self.owned(owner, service_id)?;
        let kinds = add.iter().map(|principal| kind_of(principal).map(|kind| (principal, kind))).collect::<Result<Vec<_>, _>>()?;
        self.permissions.retain(|permission| permission.service_id != service_id || !remove.contains(&permission.principal));
        let mut added = Vec::new();
        for (principal, kind) in kinds {
            if self.permissions.iter().any(|permission| permission.service_id == service_id && permission.principal == *principal) {
                continue;
            }
            let permission = Permission {
                id: self.id("vpce-svc-perm-"),
                service_id: service_id.to_owned(),
                principal: principal.clone(),
                principal_type: kind.to_owned(),
            };
            self.permissions.push(permission.clone());
            added.push(permission);
        }
        Ok(added)
    }

    /// A service's allowed principals.
    ///
    /// # Errors
    /// For a service that is not the caller's, an unknown filter or a bad page.
    pub fn describe_permissions(
        &self,
        owner: &str,
        service_id: &str,
        filters: &[Filter],
        page: PageRequest,
    ) -> Result<Page<Permission>, Ec2Error> {
        self.owned(owner, service_id)?;
        let mut found = Vec::new();
        for permission in self.permissions.iter().filter(|permission| permission.service_id == service_id) {
            let value = |name: &str| match name {
                "principal" => Some(vec![permission.principal.clone()]),
                "principal-type" => Some(vec![permission.principal_type.clone()]),
                _ => None,
            };
            if passes(filters, value)? {
                found.push(permission);
            }
        }
        self.page(found, &page)
    }

    /// A hand for tests: the permissions, to be changed at will.
    pub fn permissions_mut(&mut self) -> &mut Vec<Permission> {
        &mut self.permissions
    }

    pub(super) fn is_allowed(&self, account: &str, service_id: &str) -> bool {
        self.permissions
            .iter()
            .filter(|permission| permission.service_id == service_id)
            .any(|permission| permission.principal == "*" || account_of(&permission.principal) == Some(account))
    }
}

/// The kind of a principal. STS sessions are no principals, and neither is anything that is no ARN.
fn kind_of(principal: &str) -> Result<&'static str, Ec2Error> {
    let refuse = || Ec2Error::new("InvalidPrincipal", format!("Invalid Principal: '{principal}'"));
    if principal == "*" {
        return Ok("All");
    }
    account_of(principal).ok_or_else(refuse)?;
    match principal.splitn(6, ':').nth(5) {
        None | Some("root") => Ok("Account"),
        Some(resource) if resource.starts_with("user/") => Ok("User"),
        Some(resource) if resource.starts_with("role/") => Ok("Role"),
        Some(_) => Err(refuse()),
    }
}

/// The account a principal belongs to.
fn account_of(principal: &str) -> Option<&str> {
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    let account = match parts.as_slice() {
        [account] => account,
        ["arn", _, "iam", "", account, _] => account,
        _ => return None,
    };
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(*account)
}
