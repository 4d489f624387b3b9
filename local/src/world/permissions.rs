//! Allowed principals: the accounts, users and roles that may create an endpoint or an attachment for a service.

use super::{
    error::{Ec2Error, Ec2Result},
    filters::{Filter, Page, PageRequest},
    model::{Permission, PermissionType},
    state::World,
};

const FILTERS: [&str; 3] = ["permission-type", "principal", "principal-type"];

impl World {
    /// Adds and removes permissions of type `vpc-endpoint`, and returns those added. Existing connections stay as they are.
    pub fn modify_permissions(&mut self, owner: &str, service_id: &str, add: &[String], remove: &[String]) -> Ec2Result<Vec<Permission>> {
        self.modify_permissions_of(PermissionType::VpcEndpoint, owner, service_id, add, remove)
    }

    /// Adds and removes permissions of one type. The two types are independent.
    pub fn modify_permissions_of(
        &mut self,
        of: PermissionType,
        owner: &str,
        service_id: &str,
        add: &[String],
        remove: &[String],
    ) -> Ec2Result<Vec<Permission>> {
        let kind = &self.owned_service(owner, service_id)?.kind;
        if of == PermissionType::TransitGatewayAttachment && kind != "GatewayLoadBalancer" {
            let message = "The permission type transit-gateway-attachment is supported only for Gateway Load Balancer endpoint services";
            return Err(Ec2Error::new("InvalidParameter", message));
        }
        let types = add.iter().map(|principal| principal_type(of, principal)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<String> = add.iter().map(|_| self.id("vpce-svc-perm-")).collect();
        let permissions = match of {
            PermissionType::VpcEndpoint => &mut self.permissions,
            PermissionType::TransitGatewayAttachment => &mut self.attachment_permissions,
        };
        permissions.retain(|permission| permission.service_id != service_id || !remove.contains(&permission.principal));
        let mut added = Vec::new();
        for ((principal, principal_type), id) in add.iter().zip(types).zip(ids) {
            if permissions.iter().any(|permission| permission.service_id == service_id && permission.principal == *principal) {
                continue;
            }
            let principal_type = principal_type.to_owned();
            let permission = Permission { id, service_id: service_id.to_owned(), principal: principal.clone(), principal_type };
            permissions.push(permission.clone());
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
        let all = self.permissions.iter().chain(&self.attachment_permissions);
        let all = all.filter(|permission| permission.service_id == service_id);
        self.page(all, &FILTERS, filters, &page, |permission, name| match name {
            "permission-type" => vec![self.permission_type(&permission.id).as_str()],
            "principal" => vec![&permission.principal],
            _ => vec![&permission.principal_type],
        })
    }

    /// Returns the type of a permission.
    pub fn permission_type(&self, id: &str) -> PermissionType {
        if self.attachment_permissions.iter().any(|permission| permission.id == id) {
            PermissionType::TransitGatewayAttachment
        } else {
            PermissionType::VpcEndpoint
        }
    }

    /// Returns the permissions of type `vpc-endpoint` for tests to change.
    pub fn permissions_mut(&mut self) -> &mut Vec<Permission> {
        &mut self.permissions
    }

    /// Returns true if a principal of the account may create an endpoint. Callers are accounts here: the permission of a user or a role
    /// admits its whole account.
    pub(super) fn is_allowed(&self, account: &str, service_id: &str) -> bool {
        self.permissions
            .iter()
            .filter(|permission| permission.service_id == service_id)
            .any(|permission| permission.principal == "*" || account_of(&permission.principal) == Some(account))
    }

    /// Returns true if the account may create an attachment.
    pub(super) fn may_attach(&self, account: &str, service_id: &str) -> bool {
        let is_for = |permission: &Permission| permission.service_id == service_id && account_of(&permission.principal) == Some(account);
        self.attachment_permissions.iter().any(is_for)
    }
}

/// Returns the `PrincipalType`. EC2 refuses ARNs of STS sessions and ARNs with a path, and for attachments all but account roots.
fn principal_type(of: PermissionType, principal: &str) -> Ec2Result<&'static str> {
    let invalid = || Ec2Error::new("InvalidPrincipal", format!("Invalid Principal: '{principal}'"));
    if of == PermissionType::TransitGatewayAttachment && !principal.ends_with(":root") {
        return Err(invalid());
    }
    if principal == "*" {
        return Ok("All");
    }
    account_of(principal).ok_or_else(invalid)?;
    match principal.splitn(6, ':').nth(5) {
        None | Some("root") => Ok("Account"),
        Some(resource) => match resource.split('/').collect::<Vec<_>>().as_slice() {
            ["user", _] => Ok("User"),
            ["role", _] => Ok("Role"),
            _ => Err(invalid()),
        },
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
