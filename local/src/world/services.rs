//! Endpoint services: the provider's configurations, and the services that a consumer finds.

use super::{
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest, tag_values},
    model::{NewService, Service, ServiceChange},
    state::World,
};

const FILTERS: [&str; 6] = ["service-id", "service-name", "service-state", "supported-ip-address-types", "tag-key", "tag:*"];

impl World {
    /// Creates a service; `InvalidParameter` without a load balancer.
    pub fn create_service(&mut self, owner: &str, new: NewService) -> Ec2Result<Service> {
        let id = self.id("vpce-svc-");
        self.add_service(id, owner, new)
    }

    pub(super) fn add_service(&mut self, id: String, owner: &str, new: NewService) -> Ec2Result<Service> {
        if new.load_balancer_arns.is_empty() {
            return Err(Ec2Error::not_one_load_balancer_type());
        }
        let mut supported_regions = new.supported_regions;
        if !supported_regions.contains(&self.region) {
            supported_regions.insert(0, self.region.clone());
        }
        let private_dns = new.private_dns_name.map(|name| self.new_private_dns(&new.kind, name)).transpose()?;
        let service = Service {
            name: format!("{}.vpce.{}.{id}", domain(&self.region), self.region),
            region: self.region.clone(),
            id: id.clone(),
            owner: owner.to_owned(),
            kind: new.kind,
            state: "Available".to_owned(),
            acceptance_required: new.acceptance_required,
            load_balancer_arns: new.load_balancer_arns,
            supported_regions,
            closed_regions: Vec::new(),
            private_dns,
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

    /// Changes a service. A Region with live connections is closed when it is removed, and stays listed. (inference)
    pub fn modify_service(&mut self, owner: &str, id: &str, change: ServiceChange) -> Ec2Result<()> {
        let mut service = self.owned_service(owner, id)?.clone();
        change_load_balancers(&mut service, &change)?;
        self.change_private_dns(&mut service, &change)?;
        let is_live = |region: &str| {
            self.connections.values().any(|each| each.service_id == id && each.is_live() && each.region.as_deref() == Some(region))
        };
        let (add, remove) = (change.add_supported_regions, change.remove_supported_regions);
        service.closed_regions.extend(remove.iter().filter(|region| is_live(region)).cloned());
        service.closed_regions.retain(|region| !add.contains(region));
        service.supported_regions.retain(|region| !remove.contains(region));
        service.supported_regions.extend(add);
        service.acceptance_required = change.acceptance_required.unwrap_or(service.acceptance_required);
        self.services.insert(id.to_owned(), service);
        Ok(())
    }

    fn change_private_dns(&mut self, service: &mut Service, change: &ServiceChange) -> Ec2Result<()> {
        match &change.private_dns_name {
            Some(_) if change.remove_private_dns_name => {
                let message = "PrivateDnsName and RemovePrivateDnsName exclude each other";
                return Err(Ec2Error::new("InvalidParameterCombination", message));
            }
            Some(name) if service.private_dns.as_ref().is_none_or(|dns| dns.name != *name) => {
                service.private_dns = Some(self.new_private_dns(&service.kind, name.clone())?);
            }
            None if change.remove_private_dns_name => service.private_dns = None,
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Deletes services that have no live connection. [S: the codes, as hypershift and terraform-provider-aws handle them]
    pub fn delete_services(&mut self, owner: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| {
            self.owned_service(owner, id).map_err(|error| error.with_code("InvalidVpcEndpointService.NotFound"))?;
            if self.connections.values().any(|connection| connection.service_id == id && connection.is_live()) {
                let message = format!("Service {id} has existing active VPC Endpoint connections");
                return Err(Ec2Error::new("ExistingVpcEndpointConnections", message));
            }
            self.services.remove(id);
            Ok(Vec::new())
        })
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

/// A service has load balancers of its own type, and at least one. (inference)
fn change_load_balancers(service: &mut Service, change: &ServiceChange) -> Ec2Result<()> {
    let (own, other) = match service.kind.as_str() {
        "GatewayLoadBalancer" => (&change.gateway_load_balancers, &change.network_load_balancers),
        _ => (&change.network_load_balancers, &change.gateway_load_balancers),
    };
    if !other.add.is_empty() {
        let message = format!("The load balancers of {} are of another type", service.id);
        return Err(Ec2Error::new("InvalidParameter", message));
    }
    service.load_balancer_arns.retain(|arn| !own.remove.contains(arn));
    service.load_balancer_arns.extend(own.add.iter().cloned());
    if service.load_balancer_arns.is_empty() {
        return Err(Ec2Error::new("InvalidParameter", format!("{} keeps at least one load balancer", service.id)));
    }
    Ok(())
}

/// Returns the beginning of service names in the partition of a Region.
fn domain(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "cn.com.amazonaws",
        // [S] The European Sovereign Cloud.
        Some("eusc") => "eu.amazonaws",
        _ => "com.amazonaws",
    }
}
