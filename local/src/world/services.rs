//! Endpoint services: the provider's configurations, and the services that a consumer finds.

use super::{
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest, tag_values},
    model::{NewService, Service, ServiceChange},
    state::World,
};

const FILTERS: [&str; 6] = ["service-id", "service-name", "service-state", "supported-ip-address-types", "tag-key", "tag:*"];

impl World {
    /// Creates a service; `MissingParameter` without a load balancer.
    pub fn create_service(&mut self, owner: &str, new: NewService) -> Ec2Result<Service> {
        let id = self.id("vpce-svc-");
        self.add_service(id, owner, new)
    }

    pub(super) fn add_service(&mut self, id: String, owner: &str, new: NewService) -> Ec2Result<Service> {
        if new.load_balancer_arns.is_empty() {
            return Err(Ec2Error::missing_parameter("NetworkLoadBalancerArn or GatewayLoadBalancerArn"));
        }
        let mut supported_regions = new.supported_regions;
        if !supported_regions.contains(&self.region) {
            supported_regions.insert(0, self.region.clone());
        }
        let service = Service {
            name: format!("com.amazonaws.vpce.{}.{id}", self.region),
            id: id.clone(),
            owner: owner.to_owned(),
            kind: new.kind,
            state: "Available".to_owned(),
            acceptance_required: new.acceptance_required,
            load_balancer_arns: new.load_balancer_arns,
            supported_regions,
            private_dns_name: new.private_dns_name,
            tags: new.tags,
        };
        self.services.insert(id, service.clone());
        Ok(service)
    }

    /// Describes the owner's services.
    pub fn describe_services(&self, owner: &str, ids: &[String], filters: &[Filter], page: PageRequest) -> Ec2Result<Page<Service>> {
        ids.iter().try_for_each(|id| self.owned_service(owner, id).map(drop))?;
        let services = self.services.values().filter(|service| service.owner == owner && (ids.is_empty() || ids.contains(&service.id)));
        self.page(services, &FILTERS, filters, &page, |service, name| match name {
            "service-id" => vec![&service.id],
            "service-name" => vec![&service.name],
            "service-state" => vec![&service.state],
            "supported-ip-address-types" => vec!["ipv4"],
            _ => tag_values(&service.tags, name),
        })
    }

    /// Changes a service.
    pub fn modify_service(&mut self, owner: &str, id: &str, change: ServiceChange) -> Ec2Result<()> {
        self.owned_service(owner, id)?;
        if let Some(service) = self.services.get_mut(id) {
            service.acceptance_required = change.acceptance_required.unwrap_or(service.acceptance_required);
            service.private_dns_name = change.private_dns_name.or(service.private_dns_name.take());
            service.load_balancer_arns.retain(|arn| !change.remove_load_balancer_arns.contains(arn));
            service.load_balancer_arns.extend(change.add_load_balancer_arns);
            service.supported_regions.retain(|region| !change.remove_supported_regions.contains(region));
            service.supported_regions.extend(change.add_supported_regions);
        }
        Ok(())
    }

    /// Deletes services that have no live connection.
    pub fn delete_services(&mut self, owner: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| {
            self.owned_service(owner, id)?;
            if self.connections.values().any(|connection| connection.service_id == id && connection.is_live()) {
                let message = format!("Service {id} has existing active VPC Endpoint connections");
                return Err(Ec2Error::new("ExistingVpcEndpointConnections", message));
            }
            self.services.remove(id);
            Ok(Vec::new())
        })
    }

    /// Finds services by name, as a consumer; `InvalidServiceName` without a permission for the account.
    pub fn find_services(&self, account: &str, names: &[String]) -> Ec2Result<Vec<Service>> {
        names.iter().map(|name| self.visible_service(account, name).cloned()).collect()
    }

    /// Returns a service that the account may create an endpoint for.
    pub(super) fn visible_service(&self, account: &str, name: &str) -> Ec2Result<&Service> {
        self.service_for(account, name, |id| self.is_allowed(account, id))
    }

    /// Returns a service of the account's own, or one that it is allowed to use.
    pub(super) fn service_for(&self, account: &str, name: &str, is_allowed: impl Fn(&str) -> bool) -> Ec2Result<&Service> {
        let is_visible = |service: &&Service| service.name == name && (service.owner == account || is_allowed(&service.id));
        let service = self.services.values().find(is_visible);
        service.ok_or_else(|| Ec2Error::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist")))
    }
}
